//! Who is there, by polls of which most wake nobody.

use linkmesh_proto::api::collector::ConfigState;

use super::support::*;
use crate::remotecfg::Input;

/// Polls so often, so many seconds apart; answers whether it was there all the time.
fn poll_every(server: &mut Server, alloy: &mut Alloy, seconds: u64, times: usize) -> bool {
    let mut there = true;
    for _ in 0..times {
        server.pass_s(seconds);
        there &= server.standing().online;
        alloy.poll(server);
    }
    there
}

#[test]
fn silence_of_three_polls_is_absence() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    server.pass_s(179);
    assert!(server.standing().online);
    server.pass_s(1);
    assert!(!server.standing().online);
    alloy.poll(&mut server);
    assert!(server.standing().online);
    server.apply(Input::Unregistered);
    assert!(!server.standing().online);
    server.apply(Input::Tick);
    assert!(!server.standing().online, "what it polled before does not count after its goodbye");
}

#[test]
fn alloy_that_polls_seldom_is_taken_for_gone_once_and_then_known() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    assert!(!poll_every(&mut server, &mut alloy, 300, 1));
    server.take();
    assert!(poll_every(&mut server, &mut alloy, 300, 10));
    assert!(server.events().is_empty());
    // A restart of the server forgets nothing of it.
    let mut server = server.restarted(Some(&config));
    alloy.poll(&mut server);
    server.take();
    server.pass_s(899);
    assert!(server.standing().online);
    server.pass_s(1);
    assert_eq!(server.events(), ["disconnected"]);
}

#[test]
fn alloy_that_polls_often_is_missed_soon() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    assert!(poll_every(&mut server, &mut alloy, 15, 20));
    let woken = server.woken;
    assert!(poll_every(&mut server, &mut alloy, 15, 20));
    assert_eq!(server.woken, woken, "by polls that woke nobody");
    server.pass_s(44);
    assert!(server.standing().online);
    server.pass_s(1);
    assert!(!server.standing().online, "counted from the last poll, not from the last look");
    // One long absence makes nobody patient for long.
    server.pass_s(1_000);
    alloy.poll(&mut server);
    assert!(poll_every(&mut server, &mut alloy, 15, 1));
    server.pass_s(44);
    assert!(server.standing().online);
    server.pass_s(1);
    assert!(!server.standing().online);
}

#[test]
fn served_and_never_answered_is_shown_after_a_minute() {
    for (poll_s, in_time, late) in [(15, 59, 60), (60, 69, 70), (300, 309, 310)] {
        let (a, b) = (desired(&["a"]), desired(&["b"]));
        let mut server = Server::new(Some(&a));
        let mut alloy = Alloy::default();
        alloy.start(&mut server);
        poll_every(&mut server, &mut alloy, poll_s, 3);
        // It asks, and its report never comes.
        server.desire(Some(&b));
        let request = alloy.request();
        server.poll_from(request, "10.0.0.1");
        server.pass_s(in_time);
        assert_eq!(server.standing().error, None, "every {poll_s} s");
        server.pass_s(late - in_time);
        let standing = server.standing();
        assert_eq!(standing.error.as_deref(), Some("no_answer"), "every {poll_s} s");
        assert_eq!(standing.config_state, ConfigState::Pending);
    }
}
