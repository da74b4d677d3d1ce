//! What may have been meant.

/// Longer names are nobody's slip of the finger.
const MOST: usize = 64;

/// The known name that is nearest to a wrong one, when it is near enough to have been meant.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > MOST {
        return None;
    }
    let simple = |name: &str| name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect::<String>();
    let plain = simple(wrong);
    let farthest = (wrong.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (if simple(name) == plain { 0 } else { distance(wrong, name) }, name))
        .filter(|(distance, _)| *distance <= farthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many characters must be put in, left out, changed or swapped with their neighbour to get from one to the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&row, j) + usize::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["set", "delete_key", "IsMatch", "ToLowerCase", "replace_pattern"];
        let nearest = |wrong| nearest(wrong, known);
        assert_eq!(nearest("setr"), Some("set"));
        assert_eq!(nearest("delete_keys"), Some("delete_key"));
        assert_eq!(nearest("isMatch"), Some("IsMatch"));
        assert_eq!(nearest("is_match"), Some("IsMatch"));
        assert_eq!(nearest("Tolowercase"), Some("ToLowerCase"));
        assert_eq!(nearest("replace_pattren"), Some("replace_pattern"), "two swapped are one slip");
        assert_eq!(nearest("drop"), None);
        assert_eq!(nearest(&"x".repeat(1 << 20)), None);
    }
}
