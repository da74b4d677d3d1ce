use std::{collections::BTreeMap, sync::Arc};

use linkmesh_proto::api::collector::{CollectorStatus, ConfigState, DriftState};
use proptest::prelude::*;

use super::support::*;
use crate::{
    domain::desired::Desired,
    remotecfg::{ComponentCount, Effect, Input, PollAnswer, Published},
};

#[test]
fn first_poll_gets_the_text_and_its_report_is_believed() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    assert_eq!(server.standing().status(), CollectorStatus::Pending);
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    assert_eq!(alloy.runs(), Some(&**config.text()));
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::InSync));
    assert_eq!((standing.online, standing.reported_hash), (true, Some(config.hash())));
    assert_eq!(server.state.record().name.as_deref(), Some("edge one"));
    assert_eq!(server.state.attributes()["collector.version"], "v1.18.0");
    assert_eq!(server.events(), ["connected", "config_offered", "config_applied"]);
}

#[test]
fn word_that_is_not_repeated_holds_for_the_text_that_it_asks_with() {
    let mut server = Server::new(Some(&desired(&["a"])));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    let first = server.state.record().status.clone().unwrap();
    server.pass_s(60);
    let next = desired(&["a", "b"]);
    server.desire(Some(&next));
    alloy.poll_and_load(&mut server);
    alloy.sent_status = Some(alloy.status.clone());
    alloy.poll(&mut server);
    let second = server.state.record().status.clone().unwrap();
    assert_eq!((second.hash, second.status), (Some(next.hash()), first.status));
    assert!(second.at > first.at, "{second:?}");
}

#[test]
fn unchanged_polls_wake_nobody() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    alloy.poll(&mut server);
    let woken = server.woken;
    for _ in 0..100 {
        alloy.poll(&mut server);
    }
    assert_eq!(server.woken, woken);
    // Anything new is heard.
    for change in 0..5 {
        let mut request = alloy.clone().request();
        let mut address = alloy.address.clone();
        match change {
            0 => request.hash = String::new(),
            1 => request.id = "c2".into(),
            2 => request.remote_config_status = Some(Default::default()),
            3 => request.effective_config = Some(effective("x")),
            _ => address = "10.0.0.9".into(),
        }
        assert!(!crate::remotecfg::is_unchanged(&server.fast, &request, &address), "{change}");
    }
    let other = desired(&["b"]);
    server.desire(Some(&other));
    alloy.poll(&mut server);
    assert_ne!(server.woken, woken);
}

#[test]
fn polls_without_anything_to_serve_are_not_modified() {
    let mut server = Server::new(None);
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    assert_eq!(alloy.runs(), None);
    assert_eq!(server.standing().config_state, ConfigState::None);
    assert!(!server.state.was_configured());
}

#[test]
fn empty_hash_always_gets_the_text() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    for _ in 0..3 {
        let mut alloy = Alloy::default();
        alloy.start(&mut server);
        assert_eq!(alloy.runs(), Some(&**config.text()));
        assert_eq!(server.standing().config_state, ConfigState::Applied);
    }
}

#[test]
fn refused_text_is_failed_and_the_running_one_published_again() {
    let (a, bad) = (desired(&["a"]), desired(&["a", "bad"]));
    let mut server = Server::new(Some(&a));
    let error = "33:1: cannot find the definition of component name \"foo.bar\"";
    let mut alloy = Alloy { broken: Some(("pl_bad".into(), error.into())), ..Alloy::default() };
    alloy.start(&mut server);
    server.desire(Some(&bad));
    alloy.poll(&mut server);
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.error.as_deref()), (ConfigState::Failed, Some(error)));
    assert_eq!((standing.drift, standing.status()), (DriftState::InSync, CollectorStatus::Degraded));
    server.take();
    for _ in 0..5 {
        alloy.poll(&mut server);
        server.pass_s(60);
    }
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    assert_eq!(alloy.status.0, APPLIED, "it is back on what it had");
    // A fresh process gets what works, also after a restart of the server.
    let mut server = server.restarted(Some(&bad));
    alloy.start(&mut server);
    assert_eq!(alloy.runs(), Some(&**a.text()));
    alloy.poll(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    // The operator mends the host and tries again.
    alloy.broken = None;
    server.apply(Input::RetryAsked);
    alloy.poll(&mut server);
    alloy.poll(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    assert_eq!(alloy.runs(), Some(&**bad.text()));
}

#[test]
fn retry_of_the_very_first_text_is_another_text() {
    let bad = desired(&["bad"]);
    let mut server = Server::new(Some(&bad));
    let mut alloy = Alloy { broken: Some(("pl_bad".into(), "1:1: port".into())), ..Alloy::default() };
    alloy.start(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    alloy.broken = None;
    server.apply(Input::RetryAsked);
    assert_ne!(server.standing().config_state, ConfigState::Failed);
    alloy.poll(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Applied, "an equal text would have been ignored");
    let runs = alloy.runs().unwrap();
    assert!(runs.starts_with(&**bad.text()) && runs.ends_with("// attempt 2\n"), "{runs}");
}

#[test]
fn transport_errors_are_no_failures() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    alloy.poll(&mut server);
    server.take();
    for _ in 0..3 {
        alloy.status = (FAILED, "unavailable: 503 Service Unavailable".into());
        alloy.poll(&mut server);
        alloy.poll(&mut server);
    }
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    let events = server.events();
    assert!(!events.iter().any(|kind| kind.starts_with("config")), "{events:?}");
    assert!(events.contains(&"transport_error".to_owned()));
}

#[test]
fn additions_are_applied_before_removals_are_published() {
    let (old, new) = (desired(&["a", "b"]), desired(&["a", "c"]));
    let mut server = Server::new(Some(&old));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    server.desire(Some(&new));
    assert_ne!(server.state.published(), Some(new.hash()));
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&*text(&["a", "c", "b"])));
    assert_eq!(server.standing().config_state, ConfigState::Applying, "applied is said of the last step only");
    assert_eq!(server.standing().drift, DriftState::InSync);
    assert_eq!(server.state.published(), Some(new.hash()));
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&**new.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn refused_addition_leaves_what_ran() {
    let (old, new) = (desired(&["a", "b"]), desired(&["a", "bad"]));
    let mut server = Server::new(Some(&old));
    let mut alloy = Alloy { broken: Some(("pl_bad".into(), "1:1: no".into())), ..Alloy::default() };
    alloy.start(&mut server);
    server.desire(Some(&new));
    for _ in 0..4 {
        alloy.poll(&mut server);
    }
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    assert_eq!(alloy.runs(), Some(&**old.text()), "b was never removed");
}

#[test]
fn what_runs_is_never_left_out_beside_something_unproven() {
    let (old, new, mended) = (desired(&["a"]), desired(&["b"]), desired(&["b:2"]));
    let mut server = Server::new(Some(&old));
    let mut alloy = Alloy { broken: Some(("\t// 1\n}\n\npl_b".into(), "26:4: no".into())), ..Alloy::default() };
    alloy.start(&mut server);
    // `a` is renamed to `b`, which fails: whatever Alloy restores, `a` was part of what it refused.
    server.desire(Some(&new));
    alloy.poll(&mut server);
    assert_eq!(alloy.status.0, FAILED);
    let refused = alloy.last_received.clone().unwrap();
    assert!(refused.text.contains("pl_a ") && refused.text.contains("pl_b "), "{}", refused.text);
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&**old.text()));
    assert_eq!(server.standing().config_state, ConfigState::Failed);
    // Mended, it joins, and only then `a` goes.
    server.desire(Some(&mended));
    alloy.poll(&mut server);
    assert!(alloy.runs().unwrap().contains("pl_a ") && alloy.runs().unwrap().contains("pl_b "));
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&**mended.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn steps_go_on_after_a_restart_of_the_server() {
    let (old, new) = (desired(&["a", "b"]), desired(&["a", "c"]));
    let mut server = Server::new(Some(&old));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    // The change was saved, and the server ended before it was polled.
    let mut server = server.restarted(Some(&new));
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&*text(&["a", "c", "b"])), "the running text came from the store");
    alloy.poll(&mut server);
    assert_eq!(alloy.runs(), Some(&**new.text()));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

#[test]
fn restart_of_the_server_pushes_nothing_again() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    alloy.poll(&mut server);
    let mut server = server.restarted(Some(&config));
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    let request = alloy.request();
    assert_eq!(server.poll_from(request, "10.0.0.1"), PollAnswer::NotModified);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    assert!(server.standing().online);
}

#[test]
fn fleet_on_one_way_shares_its_texts() {
    let (old, new) = (desired(&["a", "b"]), desired(&["a", "c"]));
    let published: Vec<Arc<Published>> = (0..3)
        .map(|_| {
            let mut server = Server::new(Some(&old));
            let mut alloy = Alloy::default();
            alloy.start(&mut server);
            server.desire(Some(&new));
            server.fast.published.clone().unwrap()
        })
        .collect();
    assert!(Arc::ptr_eq(&published[0], &published[1]) && Arc::ptr_eq(&published[1], &published[2]));
    assert!(Arc::ptr_eq(&new.published().text, new.text()));
}

#[test]
fn leaked_loader_moves_the_pipeline_to_another_label() {
    let config = desired(&["web_logs"]);
    let mut server = Server::new(Some(&config));
    let error = "2:1: Failed to build component: a loader exists already exists for \"remotecfg/pl_web_logs.default\"";
    let mut alloy = Alloy { broken: Some(("\"default\"".into(), error.into())), ..Alloy::default() };
    alloy.start(&mut server);
    let labels: BTreeMap<_, _> = [("web-logs".parse().unwrap(), 2)].into();
    assert!(server.take().contains(&Effect::Relabel(labels.clone())));
    assert_eq!(server.state.labels(), &labels);
    let relabelled = config.text().replace("\"default\"", "\"r2\"");
    let relabelled = Arc::new(Desired::alloy(relabelled.into(), None));
    server.desire(Some(&relabelled));
    alloy.poll(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    // The same error again is the same label.
    server.take();
    alloy.status = (FAILED, error.into());
    alloy.poll(&mut server);
    assert!(!server.take().iter().any(|effect| matches!(effect, Effect::Relabel(_))));
}

#[test]
fn loaders_that_an_alloy_makes_up_get_no_labels() {
    let mut server = Server::new(Some(&desired(&["web"])));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    let leaked = |name: &str| format!("a loader exists already exists for \"remotecfg/pl_{name}.default\"; ");
    alloy.status = (FAILED, (0..50).map(|n| leaked(&format!("x{n}"))).collect());
    alloy.poll(&mut server);
    assert_eq!(server.state.labels(), &BTreeMap::new());
    alloy.status = (FAILED, leaked("web"));
    alloy.poll(&mut server);
    assert_eq!(server.state.labels().len(), 1);
}

#[test]
fn texts_of_one_fnv_hash_are_made_different() {
    // Found by search: two comments of one FNV-1 value.
    let (a, b) = collision();
    assert_eq!(Published::new(a.as_str().into()).fnv, Published::new(b.as_str().into()).fnv);
    let (a, b) = (Arc::new(Desired::alloy(a.into(), None)), Arc::new(Desired::alloy(b.into(), None)));
    let mut server = Server::new(Some(&a));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    assert_eq!(alloy.runs(), Some(&**a.text()));
    server.desire(Some(&b));
    alloy.poll(&mut server);
    assert!(alloy.runs().unwrap().starts_with(&**b.text()), "else it would have been ignored");
    assert_eq!(server.standing().config_state, ConfigState::Applied);
    // And it stays so after a restart of the server.
    let mut server = server.restarted(Some(&b));
    alloy.poll(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Applied);
}

/// Two texts of one FNV-1 hash, by the birthday paradox.
fn collision() -> (String, String) {
    let mut seen = std::collections::HashMap::new();
    for number in 0_u32.. {
        let text = format!("// {number}\n");
        if let Some(other) = seen.insert(Published::new(text.as_str().into()).fnv, number) {
            return (format!("// {other}\n"), text);
        }
    }
    unreachable!("32 bits collide")
}

#[test]
fn drift_is_another_text_than_the_confirmed_one() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    let mut request = alloy.request();
    request.effective_config = Some(effective("// changed by hand\n"));
    server.poll_from(request.clone(), "10.0.0.1");
    assert_eq!(server.standing().drift, DriftState::Drifted);
    request.effective_config = Some(effective(config.text()));
    server.poll_from(request, "10.0.0.1");
    assert_eq!(server.standing().drift, DriftState::InSync);
    let events = server.events();
    assert_eq!(
        events.iter().filter(|kind| kind.starts_with("drift")).collect::<Vec<_>>(),
        ["drift_found", "drift_gone"]
    );
}

#[test]
fn old_alloy_without_status_is_believed_by_its_hash() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy { reports: false, ..Alloy::default() };
    alloy.start(&mut server);
    assert_eq!(server.standing().config_state, ConfigState::Pending);
    alloy.poll(&mut server);
    let standing = server.standing();
    assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::Unknown));
    let woken = server.woken;
    alloy.poll(&mut server);
    assert_eq!(server.woken, woken);
}

#[test]
fn exited_components_are_unhealthy() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut alloy = Alloy::default();
    alloy.start(&mut server);
    let count = |controller: &str, health: &str, count| ComponentCount {
        controller: controller.into(),
        health: health.into(),
        count,
    };
    server
        .apply(Input::ComponentsMeasured { counts: vec![count("", "healthy", 2), count("pl_a.default", "exited", 1)] });
    let standing = server.standing();
    assert_eq!((standing.healthy, standing.status()), (Some(false), CollectorStatus::Degraded));
    assert_eq!(standing.error.as_deref(), Some("pl_a.default: components: 1 exited"));
    assert_eq!(standing.config_state, ConfigState::Applied, "the config was applied all the same");
    server.take();
    server
        .apply(Input::ComponentsMeasured { counts: vec![count("", "healthy", 2), count("pl_a.default", "exited", 0)] });
    assert_eq!(server.events(), ["healthy"]);
}

#[test]
fn two_that_take_turns_are_pointed_out() {
    let config = desired(&["a"]);
    let mut server = Server::new(Some(&config));
    let mut one = Alloy::default();
    let mut two = Alloy { address: "10.0.0.2".into(), ..Alloy::default() };
    one.start(&mut server);
    two.start(&mut server);
    assert!(server.standing().notices.is_empty(), "a host may get another address");
    one.poll(&mut server);
    assert_eq!(server.standing().notices, ["two processes use this token"]);
    for _ in 0..10 {
        server.pass_s(30);
        two.poll(&mut server);
    }
    assert!(server.standing().notices.is_empty(), "one of them is gone");
}

#[test]
fn way_goes_on_from_a_text_whose_report_came_after_the_next_save() {
    for (reports, restarts) in [(true, false), (true, true), (false, false)] {
        let (old, new) = (desired(&["a", "b"]), desired(&["a", "c"]));
        let mut server = Server::new(Some(&desired(&["a"])));
        let mut alloy = Alloy { reports, ..Alloy::default() };
        alloy.start(&mut server);
        alloy.poll(&mut server);
        server.desire(Some(&old));
        alloy.poll_and_load(&mut server);
        if restarts {
            server = server.restarted(Some(&old));
        }
        server.desire(Some(&new));
        alloy.report(&mut server);
        alloy.poll(&mut server);
        // What is new joins what runs; only then is `b` left out. Going from `a` alone it would have been at once.
        assert_eq!(alloy.runs(), Some(&*text(&["a", "c", "b"])), "{reports} {restarts}");
        alloy.poll(&mut server);
        alloy.poll(&mut server);
        assert_eq!(alloy.runs(), Some(&**new.text()), "{reports} {restarts}");
        assert_eq!(server.standing().config_state, ConfigState::Applied);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Poll,
    Start,
    Desire(u8),
    Break(Option<u8>),
    Retry,
    Pass(u16),
    ServerRestart,
    Transport,
    /// Another text is wanted after it was given one and before it said what became of that.
    DesireMeanwhile(u8),
    /// The server ends at that moment, so that the report is lost.
    ServerRestartMeanwhile,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Poll),
        1 => Just(Step::Start),
        3 => (0..6u8).prop_map(Step::Desire),
        1 => proptest::option::of(0..4u8).prop_map(Step::Break),
        1 => Just(Step::Retry),
        1 => (0..400u16).prop_map(Step::Pass),
        1 => Just(Step::ServerRestart),
        1 => Just(Step::Transport),
        2 => (0..6u8).prop_map(Step::DesireMeanwhile),
        1 => Just(Step::ServerRestartMeanwhile),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_ends_with_what_is_desired(steps in proptest::collection::vec(step(), 1..60)) {
        let names = ["a", "b", "c", "d"];
        let sets: [&[&str]; 6] = [&["a"], &["a", "b"], &["b", "c"], &["a:2", "c"], &["d"], &[]];
        let texts = sets.map(desired);
        let mut wanted = texts[0].clone();
        let mut server = Server::new(Some(&wanted));
        let mut alloy = Alloy::default();
        alloy.start(&mut server);
        for step in steps {
            match step {
                Step::Poll => alloy.poll(&mut server),
                Step::Start => alloy.start(&mut server),
                Step::Desire(text) => {
                    wanted = texts[usize::from(text)].clone();
                    server.desire(Some(&wanted));
                }
                Step::Break(name) => {
                    alloy.broken = name.map(|name| (format!("pl_{} ", names[usize::from(name)]), "1:1: broken".into()));
                }
                Step::Retry => {
                    server.apply(Input::RetryAsked);
                }
                Step::Pass(seconds) => server.pass_s(seconds.into()),
                Step::ServerRestart => server = server.restarted(Some(&wanted)),
                Step::DesireMeanwhile(text) => {
                    alloy.poll_and_load(&mut server);
                    wanted = texts[usize::from(text)].clone();
                    server.desire(Some(&wanted));
                    alloy.report(&mut server);
                }
                Step::ServerRestartMeanwhile => {
                    alloy.poll_and_load(&mut server);
                    server = server.restarted(Some(&wanted));
                }
                Step::Transport => {
                    alloy.status = (FAILED, "unavailable: 503 Service Unavailable".into());
                    alloy.poll(&mut server);
                }
            }
            // Applied is only said when it runs.
            if server.standing().config_state == ConfigState::Applied && alloy.status.0 == APPLIED {
                let runs = alloy.runs().unwrap_or_default();
                prop_assert!(runs.starts_with(&**wanted.text()), "{} runs {runs}", wanted.text());
            }
        }
        alloy.broken = None;
        // Who asks for another try has seen that there was none.
        alloy.poll(&mut server);
        server.apply(Input::RetryAsked);
        for _ in 0..6 {
            alloy.poll(&mut server);
        }
        let standing = server.standing();
        prop_assert_eq!((standing.config_state, standing.drift), (ConfigState::Applied, DriftState::InSync));
        prop_assert!(alloy.runs().unwrap_or_default().starts_with(&**wanted.text()));
        let woken = server.woken;
        alloy.poll(&mut server);
        prop_assert_eq!(server.woken, woken, "then it is left alone");
    }
}
