//! Who an exporter says that it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Extension, Fields};
use crate::{
    component::OtelcolSite,
    render::{
        alloy::{Block, Expr, Statement, attribute, object_key},
        names,
        text::Text,
        yaml::Yaml,
    },
};

/// The header by which Loki, Tempo and Mimir tell tenants apart.
pub const TENANT: &str = "X-Scope-OrgID";

/// Authentication of a client of HTTP or gRPC, and its headers.
#[derive(Debug, Default, Deserialize)]
pub struct Auth {
    bearer_token: Option<Text>,
    basic_auth: Option<BasicAuth>,
    #[serde(default)]
    headers: BTreeMap<String, Text>,
}

/// User and password.
#[derive(Debug, Deserialize)]
pub struct BasicAuth {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Text,
}

/// A secret behind an authentication scheme and a space.
fn behind(scheme: &str, secret: &Text) -> Text {
    match secret.clone() {
        Text::Plain(text) => Text::Plain(format!("{scheme} {text}")),
        Text::Verbatim(text) => Text::Verbatim(format!("{scheme} {text}")),
        Text::Secret(text) => Text::Secret(format!("{scheme} {text}")),
        // A check refuses a scheme of the user's own.
        Text::Env { name, .. } => Text::Env { prefix: format!("{scheme} "), name },
    }
}

impl Auth {
    /// User and password and nothing else.
    #[must_use]
    pub fn basic(username: String, password: Text) -> Self {
        Self { basic_auth: Some(BasicAuth { username, password }), ..Self::default() }
    }

    /// Adds a header, in the place of one of that name.
    pub fn set_header(&mut self, name: &str, value: impl Into<Text>) {
        self.headers.retain(|given, _| !given.eq_ignore_ascii_case(name));
        self.headers.insert(name.to_owned(), value.into());
    }

    /// User and password, for clients that have fields of their own for them.
    #[must_use]
    pub const fn user(&self) -> Option<&BasicAuth> {
        self.basic_auth.as_ref()
    }

    /// The bearer token, for clients that have a field of their own for it.
    #[must_use]
    pub const fn token(&self) -> Option<&Text> {
        self.bearer_token.as_ref()
    }

    /// The headers without `Authorization` of a token, for such clients.
    #[must_use]
    pub const fn plain_headers(&self) -> &BTreeMap<String, Text> {
        &self.headers
    }

    /// The headers of a request, that of a bearer token first.
    fn all_headers(&self) -> Vec<(&str, Text)> {
        let token = self.bearer_token.iter().map(|token| ("Authorization", behind("Bearer", token)));
        token.chain(self.headers.iter().map(|(name, value)| (name.as_str(), value.clone()))).collect()
    }

    /// `headers` and `auth` of a client's settings, and the extension that they refer to.
    #[must_use]
    pub fn otelcol(&self, site: &OtelcolSite<'_>) -> (Fields, Option<Extension>) {
        let mut settings = Vec::new();
        let headers = self.all_headers();
        if !headers.is_empty() {
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), Yaml::Text(value)));
            settings.push(("headers".to_owned(), Yaml::Map(headers.collect())));
        }
        let extension = self.basic_auth.as_ref().map(|basic| {
            let reference = Yaml::word(names::otelcol_component("basicauth", site.name));
            settings.push(("auth".to_owned(), Yaml::map([("authenticator", reference)])));
            let user = Yaml::map([
                ("username", Yaml::text(basic.username.as_str())),
                ("password", Yaml::Text(basic.password.clone())),
            ]);
            ("basicauth".to_owned(), Yaml::map([("client_auth", user)]))
        });
        (settings, extension)
    }

    /// The same for Alloy: attributes of `client`, and the component that they refer to.
    #[must_use]
    pub fn alloy(&self, label: &str) -> (Vec<Statement>, Option<Block>) {
        let mut attributes = Vec::new();
        let headers = self.all_headers();
        if !headers.is_empty() {
            attributes.push(attribute("headers", object(headers)));
        }
        // `username` and `password` at the top are understood by every version; the newer block `client_auth` is not.
        let block = self.basic_auth.as_ref().map(|basic| {
            let body = vec![
                attribute("username", Expr::text(basic.username.as_str())),
                attribute("password", Expr::Text(basic.password.clone())),
            ];
            let block = Block::labelled("otelcol.auth.basic", label, body);
            attributes.push(attribute("auth", Expr::token(block.reference("handler"))));
            block
        });
        (attributes, block)
    }
}

/// Headers as an object of Alloy.
pub fn object<'a>(headers: impl IntoIterator<Item = (&'a str, Text)>) -> Expr {
    Expr::Object(headers.into_iter().map(|(name, value)| (object_key(name), Expr::Text(value))).collect())
}
