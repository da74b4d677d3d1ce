//! Who asks for a change.

use linkmesh_proto::RequestId;

use crate::ports::CommitAuthor;

/// Who asks for a change, and in which request. Goes into commits, events and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The name shown to people.
    pub name: String,
    /// The e-mail address of a user; a service account has none.
    pub email: Option<String>,
    /// From where the request came.
    pub address: Option<String>,
    /// The request.
    pub request_id: RequestId,
}

impl By {
    /// A part of the server itself.
    #[must_use]
    pub fn server(part: &str, request_id: RequestId) -> Self {
        Self { name: format!("LinkMesh {part}"), email: None, address: None, request_id }
    }

    /// How the trailer `Actor` and the audit log call it: the e-mail address, or the name where there is none.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.email.as_deref().unwrap_or(&self.name)
    }

    /// The author of a commit. Who has no address gets one that can never receive mail (RFC 2606).
    #[must_use]
    pub fn author(&self) -> CommitAuthor {
        let email = self.email.clone().unwrap_or_else(|| {
            let local: String = self
                .name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
                .collect();
            format!("{local}@service.invalid")
        });
        CommitAuthor { name: self.name.clone(), email }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mint::Mint as _;

    #[test]
    fn who_has_no_address_gets_one_that_receives_no_mail() {
        let by = By::server("janitor", RequestId::generate());
        assert_eq!(by.author().email, "linkmesh-janitor@service.invalid");
        assert_eq!(by.actor(), "LinkMesh janitor");
    }
}
