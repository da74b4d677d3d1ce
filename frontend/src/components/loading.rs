//! Loading: a skeleton first, then the thing itself or what went wrong.

use std::{future::Future, pin::Pin, rc::Rc};

use sycamore::{futures::spawn_local_scoped, prelude::*, reactive::NodeHandle};

use super::{bits, icons::icon};
use crate::{api::ApiError, dom, model::soon};

/// A scope in which requests go on although the button that began them is gone.
#[derive(Clone, Copy)]
pub(crate) struct Tasks(NodeHandle);

impl Tasks {
    /// The current scope.
    pub(crate) fn here() -> Self {
        Self(use_current_scope())
    }

    /// Runs a future until it ends or the scope does.
    pub(crate) fn spawn(self, future: impl Future<Output = ()> + 'static) {
        self.0.run_in(|| spawn_local_scoped(future));
    }

    /// Makes things that live as long as the scope.
    pub(crate) fn within<T>(self, f: impl FnOnce() -> T) -> T {
        self.0.run_in(f)
    }
}

/// Something that is done again soon, once for all who ask meanwhile. `Copy`, so that closures may hold it.
#[derive(Clone, Copy)]
pub(crate) struct Soon {
    next: Signal<soon::Soon>,
    tasks: Tasks,
}

impl Soon {
    /// For as long as the current scope lives.
    pub(crate) fn here() -> Self {
        Self { next: create_signal(soon::Soon::default()), tasks: Tasks::here() }
    }

    /// Does it after so many milliseconds, or with what will be done before then.
    pub(crate) fn ask(self, ms: i32, f: Box<dyn FnOnce()>) {
        let due = dom::now_ms() + i64::from(ms);
        if self.next.update_silent(|next| next.ask(due)) {
            self.tasks.spawn(async move {
                dom::pause(ms).await;
                if self.next.update_silent(|next| next.is_due(due)) {
                    f();
                }
            });
        }
    }
}

const FIRST_WAIT_MS: i32 = 1000;
const LONGEST_WAIT_MS: i32 = 30_000;

/// Asks again and again while the answer is one that passes: no answer, too many requests, a fault of the server. `None`
/// when `goes_on` says no before it is asked again; whether an answer is still wanted is for the caller to say.
pub(crate) async fn insist<T, F: Future<Output = Result<T, ApiError>>>(
    ask: impl Fn() -> F,
    goes_on: impl Fn() -> bool,
) -> Option<Result<T, ApiError>> {
    let mut wait = FIRST_WAIT_MS;
    loop {
        match ask().await {
            Err(error) if error.is_passing() => {}
            other => return Some(other),
        }
        if !goes_on() {
            return None;
        }
        // Pages of a whole team ask at once after a restart: spread them.
        dom::pause(wait + (js_sys::Math::random() * f64::from(wait)) as i32).await;
        if !goes_on() {
            return None;
        }
        wait = (wait * 2).min(LONGEST_WAIT_MS);
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Loading,
    Ready,
    Failed(ApiError),
}

/// Puts an answer where it is shown.
type Arrive = Box<dyn FnOnce()>;

type Fetch = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arrive, ApiError>>>>>;

/// Loading, whatever is loaded: apart from it, so that the page holds this once and not for each thing again.
#[derive(Clone, Copy)]
struct Core {
    phase: Signal<Phase>,
    fetch: Signal<Fetch>,
    turn: Signal<u32>,
    /// The turn of the newest answer.
    answered: Signal<u32>,
    soon: Soon,
    tasks: Tasks,
}

impl Core {
    fn reload(self) {
        let turn = self.turn.get_untracked() + 1;
        self.turn.set_silent(turn);
        if matches!(self.phase.get_clone_untracked(), Phase::Failed(_)) {
            self.phase.set(Phase::Loading);
        }
        let fetch = self.fetch.get_clone_untracked();
        self.tasks.spawn(async move {
            let is_last = move || self.turn.get_untracked() == turn;
            let result = if self.phase.with_untracked(|phase| *phase == Phase::Ready) {
                insist(|| fetch(), is_last).await
            } else {
                Some(fetch().await)
            };
            match result {
                Some(Ok(arrive)) if turn > self.answered.get_untracked() => batch(|| {
                    self.answered.set_silent(turn);
                    arrive();
                    if self.phase.get_clone_untracked() != Phase::Ready {
                        self.phase.set(Phase::Ready);
                    }
                }),
                // The page is kept while somebody signs in again, who then loads it again.
                Some(Err(error)) if error.status() == 401 && self.phase.get_clone_untracked() == Phase::Ready => {}
                Some(Err(error)) if is_last() => self.phase.set(Phase::Failed(error)),
                _ => {}
            }
        });
    }

    fn keep_fresh(self, ms: i32) {
        self.tasks.spawn(async move {
            loop {
                dom::pause(ms).await;
                if !dom::is_hidden() && self.phase.with_untracked(|phase| *phase == Phase::Ready) {
                    self.reload();
                }
            }
        });
    }

    fn show(self, skeleton: Box<dyn Fn() -> View>, ready: Box<dyn Fn() -> Option<View>>) -> View {
        let phase = create_selector(move || self.phase.get_clone());
        view! {
            (match phase.get_clone() {
                Phase::Loading => skeleton(),
                Phase::Failed(error) => failure(&error, move || self.reload()),
                Phase::Ready => ready().unwrap_or_else(&skeleton),
            })
        }
    }
}

/// Something that is loaded, and loaded again when it changed. `Copy`, so that closures may hold it.
pub(crate) struct Loader<T: 'static> {
    core: Core,
    data: Signal<Option<T>>,
}

impl<T> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Loader<T> {}

impl<T: Clone + 'static> Loader<T> {
    /// Begins to load.
    pub(crate) fn new<F: Future<Output = Result<T, ApiError>> + 'static>(fetch: impl Fn() -> F + 'static) -> Self {
        let data = create_signal(None);
        let fetch: Fetch = Rc::new(move || {
            let answer = fetch();
            Box::pin(async move {
                let value = answer.await?;
                Ok(Box::new(move || data.set(Some(value))) as Arrive)
            })
        });
        let core = Core {
            phase: create_signal(Phase::Loading),
            fetch: create_signal(fetch),
            turn: create_signal(0),
            answered: create_signal(0),
            soon: Soon::here(),
            tasks: Tasks::here(),
        };
        core.reload();
        Self { core, data }
    }

    /// Loads again; what is shown stays until the answer is there, and it is asked for until it is. An answer counts unless
    /// that to a later request came first: where much happens, the next one is asked for before it is there.
    pub(crate) fn reload(self) {
        self.core.reload();
    }

    /// Loads again soon; calls until then count as one.
    pub(crate) fn reload_soon(self, ms: i32) {
        let core = self.core;
        core.soon.ask(ms, Box::new(move || core.reload()));
    }

    /// Loads again every so often, for what the feed does not tell of; not while nobody looks.
    pub(crate) fn keep_fresh(self, ms: i32) {
        self.core.keep_fresh(ms);
    }

    /// The newest value, followed.
    pub(crate) fn data(self) -> ReadSignal<Option<T>> {
        *self.data
    }

    /// Changes what was loaded, as when the feed brought the newer part itself.
    pub(crate) fn update(self, f: impl FnOnce(&mut T)) {
        if self.data.with_untracked(Option::is_some) {
            self.data.update(|data| {
                if let Some(data) = data {
                    f(data);
                }
            });
        }
    }

    /// Shows a skeleton, then the thing, once; the thing follows the signal. Errors offer another try.
    pub(crate) fn show(
        self,
        skeleton: impl Fn() -> View + 'static,
        content: impl Fn(ReadSignal<T>) -> View + 'static,
    ) -> View {
        let ready = move || {
            let value = create_signal(self.data.get_clone_untracked()?);
            create_effect(move || {
                if let Some(new) = self.data.get_clone() {
                    value.set(new);
                }
            });
            Some(content(*value))
        };
        self.core.show(Box::new(skeleton), Box::new(ready))
    }
}

/// What went wrong, and another try.
pub(crate) fn failure(error: &ApiError, retry: impl Fn() + 'static) -> View {
    let detail = error.detail();
    let (id, name) = if error.status() == 403 { ("no-permission", "lock") } else { ("load-error", "warn") };
    let title = match error.status() {
        403 => "You may not see this".to_owned(),
        404 => "There is nothing here".to_owned(),
        _ => error.title(),
    };
    let text = match error.request_id() {
        Some(id) if error.status() >= 500 => view! { (detail) br() span(class="mono dim") { "request " (id) } },
        _ => view! { (detail) },
    };
    // What was asked for wrongly is not right the next time.
    let action: View = if [400, 403, 404].contains(&error.status()) {
        View::new()
    } else {
        view! { button(r#type="button", class="btn", on:click=move |_| retry()) { "Try again" } }
    };
    bits::state(id, name, title, text, action)
}

/// Rows of a table that are not there yet.
pub(crate) fn rows_skeleton() -> View {
    let rows: Vec<View> = (0..6)
        .map(|row| {
            let class = ["bone w3", "bone w2", "bone w1"].get(row % 3).copied().unwrap_or("bone");
            view! { span(class=class) {} }
        })
        .collect();
    view! { div(class="bones", role="status", aria-label="Loading") { (rows) } }
}

/// A card that is not there yet.
pub(crate) fn card_skeleton() -> View {
    view! { div(class="card") { div(class="bones", role="status", aria-label="Loading") { span(class="bone w1") {} span(class="bone tall") {} span(class="bone w2") {} } } }
}

/// A button that is busy while its work runs.
pub(crate) fn busy_button(
    class: &'static str,
    id: &'static str,
    word: &'static str,
    busy: ReadSignal<bool>,
    f: impl Fn() + 'static,
) -> View {
    view! {
        button(r#type="button", class=class, data-testid=id, disabled=busy.get(), aria-busy=if busy.get() { "true" } else { "false" }, on:click=move |_| f()) {
            (if busy.get() { "Working …" } else { word })
        }
    }
}

/// Puts a text on the clipboard and says so.
pub(crate) fn copy_button(what: &'static str, text: impl Fn() -> String + 'static) -> View {
    let app = crate::app::app();
    let tasks = Tasks::here();
    let label = format!("Copy {what}");
    let sign = icon("copy");
    view! {
        button(r#type="button", class="btn small", aria-label=label, on:click=move |_| {
            let text = text();
            tasks.spawn(async move {
                if dom::copy(&text).await {
                    app.say(format!("Copied {what}."));
                } else {
                    app.say("The browser keeps the clipboard from pages without TLS: select the text and copy it by hand.");
                }
            });
        }) { (sign) "Copy" }
    }
}
