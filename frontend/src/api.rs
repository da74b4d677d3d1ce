//! The only HTTP client of the page.

use gloo_net::http::{Method, RequestBuilder};
use linkmesh_proto::api::{
    list::Page,
    problem::{FieldProblem, Problem},
    session::Session,
};
use serde::{Serialize, de::DeserializeOwned};
use sycamore::prelude::*;

use crate::{dom, model::filter::encode};

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiError {
    /// No answer: the server is not reachable from here.
    Unreachable,
    /// The server said why.
    Problem(Box<Problem>),
    /// An answer that is not of LinkMesh, for example of a proxy.
    Strange {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
}

impl ApiError {
    /// What happened, in a few words.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Unreachable => "The server does not answer".to_owned(),
            Self::Problem(problem) => problem.title.clone(),
            Self::Strange { status, .. } => format!("Unexpected answer ({status})"),
        }
    }

    /// What happened, in a sentence.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Unreachable => {
                "No connection to LinkMesh. Collectors run on with what they have; nothing here was lost.".to_owned()
            }
            Self::Problem(problem) => problem.detail.clone(),
            Self::Strange { detail, .. } => detail.clone(),
        }
    }

    /// What happened, where the fields are listed beside it: these say it already.
    #[must_use]
    pub fn detail_beside_fields(&self) -> String {
        if self.fields().is_empty() { self.detail() } else { String::new() }
    }

    /// All of it, where there is one line for it: what happened, and the first of what is wrong with the document.
    #[must_use]
    pub fn in_words(&self) -> String {
        // A problem without a place says what the detail says.
        let fields: Vec<_> = self.fields().into_iter().filter(|problem| !problem.field.is_empty()).collect();
        let (title, detail) = (self.title(), self.detail());
        let mut text = format!("{}.", title.trim_end_matches('.'));
        if fields.is_empty() && detail.trim_end_matches('.') != title.trim_end_matches('.') {
            text.push_str(&format!(" {detail}"));
        }
        for FieldProblem { field, message, .. } in fields.iter().take(3) {
            text.push_str(&format!(" {field}: {message}"));
        }
        if fields.len() > 3 {
            text.push_str(&format!(" And {} more.", fields.len() - 3));
        }
        text
    }

    /// The HTTP status; 0 without an answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Unreachable => 0,
            Self::Problem(problem) => problem.status,
            Self::Strange { status, .. } => *status,
        }
    }

    /// Whether the same request may be answered in a while.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.status(), 0 | 408 | 429 | 500..)
    }

    /// What is wrong with the document that was sent.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldProblem> {
        match self {
            Self::Problem(problem) => problem.errors.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether the same document would be taken under another id.
    #[must_use]
    pub fn is_of_id(&self) -> bool {
        self.status() == 409 || self.fields().iter().any(|problem| problem.field == "id")
    }

    /// Finds the request in the server's log.
    #[must_use]
    pub fn request_id(&self) -> Option<String> {
        match self {
            Self::Problem(problem) => Some(problem.request_id.clone()),
            _ => None,
        }
    }
}

/// An answer with its entity tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged<T> {
    /// The document.
    pub value: T,
    /// Goes into `If-Match`, as it came.
    pub etag: Option<String>,
}

/// The condition under which a write is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Only while the stored document has this entity tag.
    Matches(String),
}

/// Asks the server. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
pub struct Api {
    csrf: Signal<Option<String>>,
    /// The server's clock minus this machine's, in milliseconds.
    skew_ms: Signal<i64>,
    /// Set when the session has ended under a page that was signed in.
    pub(crate) expired: Signal<bool>,
    /// The session that another tab of this browser began meanwhile.
    pub(crate) renewed: Signal<Option<Session>>,
    unanswered: Signal<Option<Unanswered>>,
}

/// A `POST` of which nobody knows whether it was carried out: sent again, it carries the same key, and is carried out once.
#[derive(Clone)]
struct Unanswered {
    path: String,
    body: Option<String>,
    key: String,
    until_ms: i64,
}

/// How long the same `POST` is taken for another attempt at one whose answer was lost.
const ATTEMPT_MS: i64 = 10 * 60_000;

/// The most rows of a page of a list.
const MOST: usize = 500;

impl Api {
    /// A client; made once, in the scope of the whole page.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            csrf: create_signal(None),
            skew_ms: create_signal(0),
            expired: create_signal(false),
            renewed: create_signal(None),
            unanswered: create_signal(None),
        }
    }

    /// Takes the token that writes by cookie carry.
    pub(crate) fn set_csrf(self, token: Option<String>) {
        self.csrf.set(token);
    }

    /// The server's time in milliseconds since the epoch, as far as its answers tell.
    pub(crate) fn now_ms(self) -> i64 {
        dom::now_ms() + self.skew_ms.get_untracked()
    }

    /// `GET`.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, ApiError> {
        self.get_tagged(path).await.map(|answer| answer.value)
    }

    /// `GET` of a whole list, page by page.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn all<T: DeserializeOwned>(self, path: &str) -> Result<Page<T>, ApiError> {
        self.first(path, usize::MAX).await
    }

    /// `GET` of the first rows of a list; `path` may have a query.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn first<T: DeserializeOwned>(self, path: &str, rows: usize) -> Result<Page<T>, ApiError> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = |rows: usize| format!("{path}{sign}limit={}", rows.clamp(1, MOST));
        let mut list = self.get::<Page<T>>(&page(rows)).await?;
        while let Some(cursor) = list.next_cursor.clone().filter(|_| list.items.len() < rows) {
            let next = format!("{}&cursor={}", page(rows - list.items.len()), encode(&cursor.0));
            let next = self.get::<Page<T>>(&next).await?;
            list.items.extend(next.items);
            list.next_cursor = next.next_cursor;
            list.total = next.total;
        }
        Ok(list)
    }

    /// `GET` of a document under version control.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn get_tagged<T: DeserializeOwned>(self, path: &str) -> Result<Tagged<T>, ApiError> {
        let answer = self.send(Method::GET, path, None, When::Always).await?;
        Ok(Tagged { value: read(&answer)?, etag: answer.etag })
    }

    /// `POST` of a document.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn post<T: DeserializeOwned>(self, path: &str, body: &impl Serialize) -> Result<Tagged<T>, ApiError> {
        let answer = self.send(Method::POST, path, Some(write(body)?), When::Always).await?;
        Ok(Tagged { value: read(&answer)?, etag: answer.etag })
    }

    /// `POST` without a document, where only success matters.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn ask(self, path: &str) -> Result<(), ApiError> {
        self.send(Method::POST, path, None, When::Always).await.map(drop)
    }

    /// `PUT` of a document over the version that it was made from.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses; with status 412 the problem holds the document as it is now.
    pub async fn put<T: DeserializeOwned>(
        self,
        path: &str,
        body: &impl Serialize,
        when: When,
    ) -> Result<Tagged<T>, ApiError> {
        let answer = self.send(Method::PUT, path, Some(write(body)?), when).await?;
        Ok(Tagged { value: read(&answer)?, etag: answer.etag })
    }

    /// `PATCH` of a document.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn patch<T: DeserializeOwned>(
        self,
        path: &str,
        body: &impl Serialize,
        when: When,
    ) -> Result<Tagged<T>, ApiError> {
        let answer = self.send(Method::PATCH, path, Some(write(body)?), when).await?;
        Ok(Tagged { value: read(&answer)?, etag: answer.etag })
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn delete(self, path: &str, when: When) -> Result<(), ApiError> {
        self.send(Method::DELETE, path, None, when).await.map(drop)
    }

    async fn send(self, method: Method, path: &str, body: Option<String>, when: When) -> Result<Answer, ApiError> {
        let key = (method == Method::POST && is_carried_out_once(path)).then(|| self.key_of(path, body.as_deref()));
        let mut result = self.send_once(&method, path, body.as_deref(), &when, key.as_deref()).await;
        if result.as_ref().is_err_and(is_csrf) {
            // Another tab signed in again: the cookie is of its session, the token still of the one before.
            let session: Session = read(&self.send_once(&Method::GET, "/session", None, &When::Always, None).await?)?;
            self.set_csrf(session.csrf_token.clone());
            self.renewed.set(Some(session));
            result = self.send_once(&method, path, body.as_deref(), &when, key.as_deref()).await;
        }
        if let Some(key) = key {
            if matches!(result, Err(ApiError::Unreachable)) {
                let until_ms = dom::now_ms() + ATTEMPT_MS;
                self.unanswered.set(Some(Unanswered { path: path.to_owned(), body, key, until_ms }));
            } else if self.unanswered.with_untracked(|lost| lost.as_ref().is_some_and(|lost| lost.key == key)) {
                self.unanswered.set(None);
            }
        }
        result
    }

    /// The key of an attempt: that of the last one, when it was the same and its answer was lost.
    fn key_of(self, path: &str, body: Option<&str>) -> String {
        let is_same =
            |lost: &Unanswered| lost.path == path && lost.body.as_deref() == body && dom::now_ms() < lost.until_ms;
        let before = self.unanswered.get_clone_untracked().filter(is_same);
        before.map_or_else(new_key, |lost| lost.key)
    }

    async fn send_once(
        self,
        method: &Method,
        path: &str,
        body: Option<&str>,
        when: &When,
        key: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let is_write = *method != Method::GET;
        let mut request =
            RequestBuilder::new(&format!("/api/v1{path}")).method(method.clone()).header("Accept", "application/json");
        if let (true, Some(token)) = (is_write, self.csrf.get_clone_untracked()) {
            request = request.header("X-CSRF-Token", &token);
        }
        if let When::Matches(etag) = when {
            request = request.header("If-Match", etag);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let sent = match body {
            Some(body) => match request.header("Content-Type", "application/json").body(body) {
                Ok(request) => request.send().await,
                Err(error) => Err(error),
            },
            None => request.send().await,
        };
        let response = sent.map_err(|_| ApiError::Unreachable)?;
        if let Some(date) = response.headers().get("date") {
            self.learn_clock(&date);
        }
        let status = response.status();
        let answer = Answer {
            status,
            etag: response.headers().get("etag"),
            text: response.text().await.map_err(|_| ApiError::Unreachable)?,
        };
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        // A wrong password is no end of a session.
        if status == 401 && self.csrf.with_untracked(Option::is_some) && (path != "/session" || !is_write) {
            self.expired.set(true);
        }
        Err(match serde_json::from_str::<Problem>(&answer.text) {
            Ok(problem) => ApiError::Problem(Box::new(problem)),
            Err(_) if status == 502 || status == 503 || status == 504 => ApiError::Unreachable,
            Err(_) => ApiError::Strange { status, detail: answer.text.chars().take(300).collect() },
        })
    }

    fn learn_clock(self, date: &str) {
        let server = js_sys::Date::parse(date);
        if server.is_finite() {
            // The header counts whole seconds: what is below that is no skew.
            let skew = server as i64 + 500 - dom::now_ms();
            self.skew_ms.set(if skew.abs() < 1500 { 0 } else { skew });
        }
    }
}

fn is_csrf(error: &ApiError) -> bool {
    matches!(error, ApiError::Problem(problem) if problem.code == "csrf_required")
}

/// Whether a `POST` changes something. Sessions and first administrators have no keys.
fn is_carried_out_once(path: &str) -> bool {
    let asks = ["/session", "/setup", "/validate", "/preview", "/dry-run", "/import"];
    !asks.iter().any(|end| path.ends_with(end))
}

/// A key that nobody used before. `crypto.randomUUID` is missing on plain HTTP off loopback.
fn new_key() -> String {
    let part = || (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    format!("page-{:08x}{:08x}{:08x}{:08x}", part(), part(), part(), part())
}

struct Answer {
    status: u16,
    etag: Option<String>,
    text: String,
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ApiError> {
    // Answers without a body are read as `null`.
    let text = if answer.text.is_empty() { "null" } else { &answer.text };
    serde_json::from_str(text).map_err(|error| ApiError::Strange {
        status: answer.status,
        detail: format!(
            "The answer is not what this page understands ({error}). Load the page again: the server may be newer."
        ),
    })
}

fn write(body: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(body).map_err(|error| ApiError::Strange { status: 0, detail: error.to_string() })
}

#[cfg(test)]
mod tests;
