//! Places in documents, and what is wrong at them.

use linkmesh_proto::api::problem::FieldProblem;

/// The path of a property below another, in the spelling of the API: dots between names, indexes in brackets, and names
/// that would blur the path in brackets and quotes.
#[must_use]
pub fn below(path: &str, key: &str) -> String {
    if key.is_empty() || key.contains(['.', '[', ']', '"']) || key.chars().any(char::is_control) {
        format!("{path}[{key:?}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The path of an item of a list.
#[must_use]
pub fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// Whether a problem is at a place or inside it.
#[must_use]
pub fn is_within(field: &str, path: &str) -> bool {
    field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What is wrong at exactly this place.
#[must_use]
pub fn at(problems: &[FieldProblem], path: &str) -> Option<String> {
    join(problems.iter().filter(|problem| problem.field == path))
}

/// What is wrong at this place or anywhere inside it; for places that show nothing smaller.
#[must_use]
pub fn within(problems: &[FieldProblem], path: &str) -> Option<String> {
    join(problems.iter().filter(|problem| is_within(&problem.field, path)))
}

/// How many problems a place holds.
#[must_use]
pub fn count_within(problems: &[FieldProblem], path: &str) -> usize {
    problems.iter().filter(|problem| is_within(&problem.field, path)).count()
}

/// Without what only says that something of the document itself is not there yet: on a page that was just opened, nobody
/// was about to leave it out.
#[must_use]
pub fn of_what_is_there(problems: &[FieldProblem]) -> Vec<FieldProblem> {
    let is_absence = |problem: &&FieldProblem| problem.code == "missing" && !problem.field.contains(['.', '[']);
    problems.iter().filter(|problem| !is_absence(problem)).cloned().collect()
}

fn join<'a>(problems: impl Iterator<Item = &'a FieldProblem>) -> Option<String> {
    let texts: Vec<&str> = problems.map(|problem| problem.message.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(field: &str, message: &str) -> FieldProblem {
        FieldProblem { field: field.to_owned(), code: "unknown_value".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn problem_belongs_to_its_place_and_those_around_it() {
        let problems = [problem("filters[0].settings.minimum", "No such level."), problem("filters[10].id", "Taken.")];
        assert_eq!(at(&problems, "filters[0].settings.minimum").as_deref(), Some("No such level."));
        assert_eq!(at(&problems, "filters[0].settings"), None);
        assert_eq!(within(&problems, "filters[0]").as_deref(), Some("No such level."));
        assert_eq!(count_within(&problems, "filters[1]"), 0);
        assert_eq!(count_within(&problems, "filters"), 2);
    }

    #[test]
    fn what_is_not_there_yet_is_left_out_and_what_was_typed_is_not() {
        let missing = |field: &str| FieldProblem { code: "missing".to_owned(), ..problem(field, "Must be given.") };
        let all = [
            missing("name"),
            missing("sources"),
            problem("match[0]", "Expected a quote."),
            problem("name", "Too long."),
            missing("sources[0].settings.endpoint"),
        ];
        let left: Vec<String> = of_what_is_there(&all).into_iter().map(|problem| problem.field).collect();
        assert_eq!(left, ["match[0]", "name", "sources[0].settings.endpoint"]);
    }

    #[test]
    fn paths_are_spelt_as_the_api_does() {
        assert_eq!(below(&item(&below("", "filters"), 0), "settings"), "filters[0].settings");
        assert_eq!(below("settings.headers", "x.org"), "settings.headers[\"x.org\"]");
    }
}
