use std::collections::BTreeSet;

use super::*;

#[test]
fn every_route_names_its_permission_and_few_are_open() {
    let open: Vec<_> = table()
        .iter()
        .map(|route| &route.meta)
        .filter(|meta| !matches!(meta.access, Access::Needs(_)))
        .map(|meta| format!("{} {} {:?}", meta.method, meta.path, meta.access))
        .collect();
    // A new line here is a route that everybody, or everybody who is signed in, may use: say in the review why.
    assert_eq!(
        open,
        [
            "POST /setup Public",
            "POST /session Public",
            "GET /session SignedIn",
            "DELETE /session SignedIn",
            "POST /enrol EnrolmentToken",
            "GET /openapi.json Public",
        ]
    );
}

#[test]
fn reading_and_writing_need_different_permissions() {
    for route in table() {
        let Access::Needs(permission) = route.meta.access else { continue };
        let reads = permission.as_str().ends_with(":read");
        let harmless = [
            "/pipelines/validate",
            "/pipelines/preview",
            "/pipelines/dry-run",
            "/pipelines/import",
            "/destinations/validate",
            "/collectors/{id}/preview",
        ];
        let changes = route.meta.method != actix_web::http::Method::GET && !harmless.contains(&route.meta.path);
        assert_eq!(reads, !changes, "{} {}", route.meta.method, route.meta.path);
    }
}

#[test]
fn every_route_is_described_and_stands_once() {
    let (mut names, mut places) = (BTreeSet::new(), BTreeSet::new());
    for route in table() {
        let meta = &route.meta;
        assert!(names.insert(meta.name), "{} twice", meta.name);
        assert!(places.insert((meta.method.to_string(), meta.path)), "{} {} twice", meta.method, meta.path);
        assert!(meta.path.starts_with('/') && !meta.path.ends_with('/'), "{}", meta.path);
        assert!(meta.summary.ends_with('.'), "{}: {}", meta.name, meta.summary);
        assert!(!meta.answers.is_empty(), "{} answers nothing", meta.name);
        let writes_document = matches!(meta.method.as_str(), "PUT" | "PATCH");
        assert_eq!(meta.request.is_some() && writes_document, writes_document, "{} reads nothing", meta.name);
        assert!(!writes_document || meta.precondition != Precondition::None, "{} has no precondition", meta.name);
    }
}
