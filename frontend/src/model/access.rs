//! What the person may do. The server decides; the page only says so before one tries.

/// Whether permissions (`resource:verb`, with `*` for any) hold one.
#[must_use]
pub fn allows(permissions: &[String], wanted: &str) -> bool {
    let (resource, verb) = wanted.split_once(':').unwrap_or((wanted, ""));
    permissions.iter().any(|permission| {
        let (r, v) = permission.split_once(':').unwrap_or((permission, "*"));
        (r == "*" || r == resource) && (v == "*" || v == verb)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_is_of_a_resource_and_a_verb() {
        let some = ["pipelines:read".to_owned(), "collectors:*".to_owned()];
        assert!(allows(&some, "pipelines:read"));
        assert!(!allows(&some, "pipelines:write"));
        assert!(allows(&some, "collectors:write"));
        assert!(allows(&["*:*".to_owned()], "users:write"));
    }
}
