//! The LinkMesh page: a single-page application in Sycamore, compiled to WebAssembly by `frontend/bundle`.
//!
//! * [`model`]: what is shown, worked out without a browser and tested on the host.
//! * [`api`]: the only HTTP client. [`live`]: the feed, one connection shared by the tabs of a browser.
//! * `pages`: one file per page; `components`: what pages share.
//!
//! # Selectors that browser tests may rely on
//! Roles and labels come first: every button, link, field, table and dialog is reachable by its accessible name, fields of
//! a form by the title in the component's schema. Beside them stand these `data-testid` attributes:
//!
//! | id | what |
//! |---|---|
//! | `setup`, `sign-in` | the forms before the page |
//! | `rail`, `feed-state`, `theme-switch`, `sign-out`, `palette` | the frame |
//! | `overview`, `collectors`, `collector`, `add-collector`, `pipelines`, `pipeline`, `destinations`, `destination`, `history`, `revision` | the page as a whole |
//! | `collector-row` (`data-id`), `pipeline-row`, `destination-row`, `revision-row` | rows of lists |
//! | `status`, `config-state` | the words of state, in rows and on a collector's page |
//! | `tile-<name>` | a figure: `connected`, `degraded`, `offline`, `pending`, `drifted`, `flow` |
//! | `filter` | the filter's text field |
//! | `health-tree`, `beside` (`desired`, `effective`), `differences`, `config-error`, `events` (`long` a report in it), `throughput`, `enrolment-labels` | parts of a collector's page |
//! | `lane-sources`, `lane-filters`, `lane-processors`, `lane-destinations` | lanes of the editor; `step` (`data-id`) a card; `add-<lane>` what adds one |
//! | `step-form`, `pipeline-form` | the form beside the chain; `kind` what opens the choice of a destination's kind |
//! | `preview-otelcol`, `preview-alloy`, `matched` | what the pipeline becomes |
//! | `dry-run`, `try-it`, `tried`, `tried-step`, `tried-destination`, `tried-note` | sample records on their way through it |
//! | `import`, `read-import`, `import-errors`, `import-items`, `import-item`, `save-import`, `left-over` | what a collector's own config becomes |
//! | `outcome`, `outcome-sentence`, `outcome-error` | what became of its last save |
//! | `review`, `save`, `save-confirm`, `conflict` | saving |
//! | `outlook` | which pipelines come and go by a change of labels |
//! | `restore`, `undo`, `file-diff` | a commit |
//! | `problem` | a message at a field |
//! | `bootstrap-programs`, `bootstrap-file`, `bootstrap-commands`, `bootstrap-script`, `waiting`, `arrived` | after a collector was added |
//! | `toast`, `load-error`, `no-permission`, `empty`, `no-row` | messages and states |

// Views own what they show: Sycamore's closures outlive the call, and name long types.
#![allow(clippy::needless_pass_by_value, clippy::type_complexity)]

pub mod api;
pub mod app;
mod components;
mod dom;
pub mod live;
pub mod model;
mod nav;
mod pages;

/// Reads a signal to build views of it.
///
/// `ReadSignal::with` holds the reactive system while its closure runs, in which nothing new may then be made; this reads a
/// copy.
trait See<T> {
    /// Follows the signal and hands its value over.
    fn see<U>(self, f: impl FnOnce(&T) -> U) -> U;
}

impl<T: Clone> See<T> for sycamore::prelude::ReadSignal<T> {
    fn see<U>(self, f: impl FnOnce(&T) -> U) -> U {
        f(&self.get_clone())
    }
}

/// A view that follows signals. What keeps it up to date is in the page once by this, and not for each such view again.
fn live_view(f: impl Fn() -> sycamore::prelude::View + 'static) -> sycamore::prelude::View {
    let f: Box<dyn Fn() -> sycamore::prelude::View> = Box::new(f);
    sycamore::prelude::View::from_dynamic(f)
}

/// Puts the page into the document.
pub fn start() {
    if cfg!(target_arch = "wasm32") {
        dom::hook_panics();
        dom::clear("app");
        sycamore::render_to(app::root, &dom::element("app"));
    }
}
