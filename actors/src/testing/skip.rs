//! Tests that cannot be run here.

use std::io::Write as _;

/// Says that a test cannot be run for want of something. By hand it is a skip that is counted; under `CI=true` there are
/// none.
///
/// # Panics
/// Under `CI=true`.
pub fn skip(what: &str, remedy: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} cannot be tested, and CI has no skips: {remedy}");
    note_skip(&format!("{what} (to have it tested: {remedy})"));
}

/// Leaves a line for the summary of `make test`: in the file that `LINKMESH_SKIPPED` names.
///
/// # Panics
/// When that file cannot be written.
#[expect(clippy::print_stdout, reason = "for who runs the test")]
pub fn note_skip(what: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {what}\n", thread.name().unwrap_or("a test"));
    if let Some(path) = std::env::var_os("LINKMESH_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skips");
    }
    print!("skipped {line}");
}
