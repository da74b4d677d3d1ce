use super::*;

#[test]
fn refusal_in_one_line_names_the_first_places() {
    let field = |field: &str| FieldProblem {
        field: field.to_owned(),
        code: "unknown_value".to_owned(),
        message: "is not known.".to_owned(),
    };
    let problem = |errors: Vec<FieldProblem>| {
        ApiError::Problem(Box::new(Problem {
            kind: "about:blank".to_owned(),
            title: "Refused.".to_owned(),
            status: 422,
            detail: "Nothing was stored.".to_owned(),
            code: "invalid_document".to_owned(),
            request_id: "r".to_owned(),
            errors,
            current: None,
            current_etag: None,
        }))
    };
    assert_eq!(problem(Vec::new()).in_words(), "Refused. Nothing was stored.");
    // Of what is wrong with no place the detail is made.
    assert_eq!(problem(vec![field("")]).in_words(), "Refused. Nothing was stored.");
    assert!(problem(vec![field("settings.url"), field("id")]).is_of_id());
    assert!(!problem(vec![field("sources[0].id")]).is_of_id() && !ApiError::Unreachable.is_of_id());
    let many = ["a", "b", "c", "d", "e"].map(field).to_vec();
    assert_eq!(problem(many).in_words(), "Refused. a: is not known. b: is not known. c: is not known. And 2 more.");
}
