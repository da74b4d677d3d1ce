//! One row of the table: everything that is said of a route, said once.

use std::{rc::Rc, sync::Arc};

use actix_web::{FromRequest, Handler, Responder, http::Method, middleware::from_fn, web};
use linkmesh_actors::domain::access::Permission;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::guard;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; the handler checks what the body holds. For signing in and setting up only.
    Public,
    /// Who holds an enrolment token; the handler checks it.
    EnrolmentToken,
    /// Who is signed in, whatever their role.
    SignedIn,
    /// Who has this permission.
    Needs(Permission),
}

/// Which version a write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// The route has none.
    None,
    /// `If-Match` with the entity tag.
    IfMatch,
    /// `If-Match` with the entity tag, or `If-None-Match: *` to create.
    IfMatchOrCreate,
}

/// A query parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// The name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Whether it may stand more than once.
    pub repeats: bool,
    /// Its JSON type.
    pub kind: &'static str,
    /// The values that it may have; any when empty.
    pub values: &'static [&'static str],
}

impl Param {
    /// A text that may stand once.
    #[must_use]
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, description, repeats: false, kind: "string", values: &[] }
    }

    /// The page size of a list.
    pub const LIMIT: Self = Self {
        name: "limit",
        description: "Rows on a page, 1 to 500; 50 when absent. Fewer when they are large: follow `next_cursor`.",
        repeats: false,
        kind: "integer",
        values: &[],
    };
    /// The place in a list.
    pub const CURSOR: Self = Self::text("cursor", "`next_cursor` of the page before.");
}

/// Writes a type's schema into the generator and answers a reference to it.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A body that a route reads or answers.
#[derive(Clone, Copy)]
pub struct Body {
    /// The media type.
    pub content_type: &'static str,
    /// The schema of a JSON body.
    pub schema: Option<SchemaOf>,
}

/// What a route answers when all is well.
#[derive(Clone, Copy)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What it means.
    pub description: &'static str,
    /// The body.
    pub body: Option<Body>,
}

/// What is known of a route besides its handler.
pub struct Meta {
    /// The method.
    pub method: Method,
    /// The path under `/api/v1`, parameters in braces. Also the `route` label of metrics, which makes it bounded.
    pub path: &'static str,
    /// Names the operation, `snake_case`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may.
    pub access: Access,
    /// Query parameters. Others are refused.
    pub query: Vec<Param>,
    /// Which version it changes.
    pub precondition: Precondition,
    /// Whether the answer has an `ETag`.
    pub etag: bool,
    /// What it reads.
    pub request: Option<Body>,
    /// What it answers.
    pub answers: Vec<Answer>,
    /// Statuses of errors besides those that every route has.
    pub errors: &'static [u16],
    /// Whether it only reads, whatever its method: then nothing goes on for a client that left.
    pub reads_only: bool,
}

impl Meta {
    /// Whether a repeated request with the same `Idempotency-Key` is answered as before. Signing in and setting up
    /// answer a cookie, which is nobody's to have again: they are carried out each time. What stores nothing may be.
    #[must_use]
    pub fn is_idempotent_by_key(&self) -> bool {
        self.method == Method::POST && self.access != Access::Public && !self.reads_only
    }
}

/// A row of the table.
pub struct Route {
    /// What is known of it.
    pub meta: Meta,
    service: Rc<dyn Fn() -> actix_web::Route>,
}

/// The schema of a type.
fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Route {
    /// A route. `access` has no default: a route without it does not compile.
    pub fn new<F, Args>(
        method: Method,
        path: &'static str,
        name: &'static str,
        access: Access,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self {
            service: {
                let method = method.clone();
                Rc::new(move || web::method(method.clone()).to(handler.clone()))
            },
            meta: Meta {
                method,
                path,
                name,
                summary,
                access,
                query: Vec::new(),
                precondition: Precondition::None,
                etag: false,
                request: None,
                answers: Vec::new(),
                errors: &[],
                reads_only: false,
            },
        }
    }

    /// A route that reads.
    pub fn get<F, Args>(
        path: &'static str,
        name: &'static str,
        access: Access,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(Method::GET, path, name, access, summary, handler)
    }

    /// A route that creates or acts.
    pub fn post<F, Args>(
        path: &'static str,
        name: &'static str,
        access: Access,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(Method::POST, path, name, access, summary, handler)
    }

    /// A route that ends something.
    pub fn delete<F, Args>(
        path: &'static str,
        name: &'static str,
        access: Access,
        summary: &'static str,
        handler: F,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::new(Method::DELETE, path, name, access, summary, handler)
    }

    /// The query parameters that it knows.
    #[must_use]
    pub fn query<const N: usize>(mut self, query: [Param; N]) -> Self {
        self.meta.query = query.to_vec();
        self
    }

    /// The precondition that it demands.
    #[must_use]
    pub fn precondition(mut self, precondition: Precondition) -> Self {
        self.meta.precondition = precondition;
        self
    }

    /// The JSON document that it reads.
    #[must_use]
    pub fn reads<T: JsonSchema>(mut self) -> Self {
        self.meta.request = Some(Body { content_type: "application/json", schema: Some(schema_of::<T>) });
        self
    }

    /// The JSON document that it answers.
    #[must_use]
    pub fn answers<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        let body = Body { content_type: "application/json", schema: Some(schema_of::<T>) };
        self.meta.answers.push(Answer { status, description, body: Some(body) });
        self
    }

    /// The documents that it answers in another form than one JSON text.
    #[must_use]
    pub fn answers_as<T: JsonSchema>(
        mut self,
        status: u16,
        description: &'static str,
        content_type: &'static str,
    ) -> Self {
        let body = Body { content_type, schema: Some(schema_of::<T>) };
        self.meta.answers.push(Answer { status, description, body: Some(body) });
        self
    }

    /// Another body that it answers.
    #[must_use]
    pub fn answers_text(mut self, status: u16, description: &'static str, content_type: &'static str) -> Self {
        self.meta.answers.push(Answer { status, description, body: Some(Body { content_type, schema: None }) });
        self
    }

    /// An answer without a body.
    #[must_use]
    pub fn answers_nothing(mut self, status: u16, description: &'static str) -> Self {
        self.meta.answers.push(Answer { status, description, body: None });
        self
    }

    /// The answer carries an `ETag`.
    #[must_use]
    pub fn etag(mut self) -> Self {
        self.meta.etag = true;
        self
    }

    /// It stores nothing and ends with its request.
    #[must_use]
    pub fn reads_only(mut self) -> Self {
        self.meta.reads_only = true;
        self
    }

    /// Statuses of errors besides those that every route has.
    #[must_use]
    pub fn errors(mut self, errors: &'static [u16]) -> Self {
        self.meta.errors = errors;
        self
    }

    /// What actix-web serves: the handler behind the checks that the row asks for.
    pub(super) fn service(self) -> (Arc<Meta>, actix_web::Route) {
        let meta = Arc::new(self.meta);
        let row = Arc::clone(&meta);
        let service =
            (self.service)().wrap(from_fn(move |request, next| guard::check(Arc::clone(&row), request, next)));
        (meta, service)
    }
}
