//! Ids for what the text calls something else: slugs of its names, each given once.

use std::collections::BTreeSet;

use linkmesh_proto::Slug;

/// The ids that were given.
#[derive(Debug, Default)]
pub(super) struct Ids {
    given: BTreeSet<String>,
}

impl Ids {
    /// Gives an id to nothing else.
    pub(super) fn reserve(&mut self, id: &str) {
        self.given.insert(id.to_owned());
    }

    /// An id for a name: its slug, with a number behind it where that is given already.
    pub(super) fn unique(&mut self, name: &str, otherwise: &str) -> Slug {
        let slug = Slug::from_name(name).or_else(|| Slug::from_name(otherwise));
        let base = slug.map_or_else(|| otherwise.to_owned(), |slug| slug.to_string());
        let mut number = 1_usize;
        loop {
            let id = if number == 1 { base.clone() } else { numbered(&base, number) };
            number += 1;
            if self.given.contains(&id) {
                continue;
            }
            if let Ok(slug) = id.parse() {
                self.given.insert(id);
                return slug;
            }
        }
    }
}

/// `name-2`, cut where it would be too long.
fn numbered(base: &str, number: usize) -> String {
    let tail = format!("-{number}");
    let head: String = base.chars().take(63 - tail.len().min(40)).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_given_twice() {
        let mut ids = Ids::default();
        ids.reserve("in");
        let given: Vec<String> = ["a b", "A_B", "in", "", "é", &"x".repeat(70), &"x".repeat(70)]
            .map(|n| ids.unique(n, "step").to_string())
            .to_vec();
        let long = "x".repeat(63);
        let cut = format!("{}-2", "x".repeat(61));
        assert_eq!(given, ["a-b", "a-b-2", "in-2", "step", "step-2", long.as_str(), cut.as_str()]);
    }
}
