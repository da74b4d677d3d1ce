use std::{sync::Arc, time::Duration};

use linkmesh_proto::wire::opamp::{AgentToServer, ConnectionSettingsStatus, ServerToAgent};

use super::support::*;
use crate::opamp::{Admission, Admitted, Credential, Endpoints, TransportKind};

fn endpoints() -> Option<Endpoints> {
    Some(Endpoints::new("https://fleet.example.com", Some(Arc::from(&b"pem"[..]))).unwrap())
}

fn metrics_token(message: &ServerToAgent) -> Option<String> {
    let metrics = message.connection_settings.as_ref()?.own_metrics.as_ref()?;
    Some(metrics.headers.as_ref()?.headers[0].value.clone())
}

#[test]
fn enrolled_agent_is_offered_its_token_at_once_and_nothing_else() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(45);
    server.open_as(1, TransportKind::WebSocket, Credential::Enrolment { issued: Some("lmct_new".into()) });
    let mut agent = Agent::default();
    let reply = server.send(1, agent.full());
    let offer = reply.connection_settings.unwrap();
    let opamp = offer.opamp.unwrap();
    assert_eq!(opamp.headers.unwrap().headers[0].value, "Bearer lmct_new");
    assert_eq!(opamp.heartbeat_interval_seconds, 45);
    assert!(!opamp.destination_endpoint.is_empty());
    server.take();
    server.send(1, agent.with_health(healthy()));
    assert!(server.sent().iter().all(|m| m.remote_config.is_none() && m.connection_settings.is_none()));
    // It did not dial again: go on with what there is.
    server.pass_s(6);
    assert_eq!(server.offered(), [config.hash().as_bytes().to_vec()]);
}

#[test]
fn token_is_not_offered_where_it_could_be_read_or_is_not_wanted() {
    let plain = Endpoints::new("http://fleet.example.com", None).ok();
    for (endpoints, capabilities) in [(None, ALL), (plain, ALL), (endpoints(), ALL & !0x100)] {
        let mut server = Server::new(None);
        server.endpoints = endpoints;
        server.open_as(1, TransportKind::WebSocket, Credential::Enrolment { issued: Some("lmct_new".into()) });
        let mut agent = Agent { capabilities, ..Agent::default() };
        let reply = server.send(1, agent.full());
        assert!(reply.connection_settings.is_none_or(|offer| offer.opamp.is_none()));
    }
}

#[test]
fn config_and_own_metrics_go_together_once() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.endpoints = endpoints();
    let mut agent = Agent::default();
    server.open(1);
    server.send(1, agent.full());
    let reply = server.send(1, agent.with_health(healthy()));
    assert!(reply.remote_config.is_some(), "one message, one restart of the collector");
    assert_eq!(metrics_token(&reply).as_deref(), Some("Bearer lmct_t"));
    server.take();
    server.pass_s(30);
    server.send(1, agent.heartbeat());
    server.close(1);
    server.open(2);
    server.send(2, agent.heartbeat());
    let mut server = server.restarted(Some(&config));
    server.open(3);
    server.send(3, agent.heartbeat());
    assert!(server.sent().iter().all(|message| message.connection_settings.is_none()), "unchanged is not offered");
    // Another token is a change.
    server.close(3);
    server.open_as(4, TransportKind::WebSocket, Credential::Collector { token: "lmct_other".into() });
    assert_eq!(metrics_token(&server.send(4, agent.heartbeat())).as_deref(), Some("Bearer lmct_other"));
}

#[test]
fn own_metrics_are_offered_to_those_who_send_them() {
    let mut server = Server::new(None);
    server.endpoints = endpoints();
    let mut agent = Agent { capabilities: ALL & !0x40, ..Agent::default() };
    agent.start(&mut server, 1);
    server.pass_s(30);
    assert!(server.sent().iter().all(|message| message.connection_settings.is_none()));
}

#[test]
fn own_metrics_are_offered_again_when_the_offer_was_lost_or_forgotten() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.endpoints = endpoints();
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    // The connection ends before anything more is heard.
    server.close(1);
    server.open(2);
    assert!(metrics_token(&server.send(2, agent.heartbeat())).is_some());
    agent.run(&mut server, 2, &config);
    server.close(2);
    // The host was wiped: the supervisor never had a config.
    let mut fresh = Agent::default();
    server.open(3);
    server.send(3, fresh.full());
    assert!(metrics_token(&server.send(3, fresh.with_health(healthy()))).is_some());
}

#[test]
fn refused_settings_are_told() {
    let mut server = Server::new(None);
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    server.take();
    let status = ConnectionSettingsStatus {
        last_connection_settings_hash: vec![1],
        status: 3,
        error_message: "no route".into(),
    };
    let mut message = agent.heartbeat();
    message.connection_settings_status = Some(status);
    server.send(1, message);
    assert_eq!(server.events(), ["settings_failed"]);
    let word = |status: i32, hash: &[u8]| ConnectionSettingsStatus {
        last_connection_settings_hash: hash.to_vec(),
        status,
        error_message: "no route".into(),
    };
    server.send(1, AgentToServer { connection_settings_status: Some(word(3, &[1])), ..agent.heartbeat() });
    assert_eq!(server.events(), Vec::<String>::new(), "the same word is no news");
}

#[test]
fn settings_that_the_agent_says_it_has_are_not_offered_again() {
    let mut server = Server::new(None);
    server.endpoints = endpoints();
    let mut agent = Agent::default();
    server.open(1);
    server.send(1, agent.full());
    let offer = server.send(1, agent.with_health(healthy())).connection_settings.expect("own metrics");
    let status =
        ConnectionSettingsStatus { last_connection_settings_hash: offer.hash, status: APPLIED, ..Default::default() };
    // The server lost what it had offered, and not what it heard.
    server.send(1, AgentToServer { connection_settings_status: Some(status), ..agent.heartbeat() });
    let mut record = server.state.record().clone();
    record.offered_settings = None;
    let mut server = Server { endpoints: endpoints(), ..Server::with_record(record, None) };
    server.open(2);
    server.send(2, agent.heartbeat());
    server.pass_s(10);
    assert!(server.sent().iter().all(|message| message.connection_settings.is_none()));
}

#[test]
fn first_message_says_who_redeems_an_enrolment_token() {
    let message = Agent::default().full();
    let Admitted::Redeem { uid, attributes } = Admission::read(&message) else { panic!("it is well formed") };
    assert_eq!(*uid.as_bytes(), [1; 16]);
    assert_eq!(attributes["host.name"], "host-1");
    let refusal = Admission::refuse(&message, "the enrolment token was used already");
    assert_eq!(refusal.instance_uid, message.instance_uid);
    assert_eq!(refusal.error_response.unwrap().error_message, "the enrolment token was used already");
    let nobody = AgentToServer::default();
    assert!(matches!(Admission::read(&nobody), Admitted::Refused(_)));
}

#[test]
fn process_that_posts_anew_with_its_enrolment_token_is_offered_its_own_again() {
    let enrolment = || Credential::Enrolment { issued: Some("lmct_new".into()) };
    let mut server = Server::new(None);
    server.endpoints = endpoints();
    server.open_as(1, TransportKind::Http, enrolment());
    let has_token = |reply: ServerToAgent| reply.connection_settings.is_some_and(|offer| offer.opamp.is_some());
    let mut agent = Agent::default();
    assert!(has_token(server.send(1, agent.full())));
    // It takes the token with a new client, whose numbers begin anew.
    server.open_as(1, TransportKind::Http, Credential::Collector { token: "lmct_new".into() });
    assert!(!has_token(server.send(1, Agent::default().full())));
    server.pass_s(30);
    // Released supervisors keep what they were offered in memory only.
    server.open_as(1, TransportKind::Http, enrolment());
    assert!(has_token(server.send(1, Agent::default().full())));
    // One that does not take it is not asked to dial again and again.
    for _ in 0..5 {
        server.pass_s(5);
        assert!(!has_token(server.send(1, Agent::default().full())));
    }
}

fn opamp_offers(sent: Vec<ServerToAgent>) -> Vec<(u64, String)> {
    let opamp = sent.into_iter().filter_map(|message| message.connection_settings?.opamp);
    opamp.map(|opamp| (opamp.heartbeat_interval_seconds, opamp.headers.unwrap().headers[0].value.clone())).collect()
}

#[test]
fn other_settings_than_before_are_offered_once_also_to_those_with_their_own_token() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.endpoints = endpoints();
    let mut agent = Agent::default();
    agent.start(&mut server, 1);
    agent.run(&mut server, 1, &config);
    server.pass_s(60);
    server.send(1, agent.heartbeat());
    assert_eq!(opamp_offers(server.sent()), [], "it has all of it by itself");
    // The server comes back with another heartbeat.
    let mut server = server.restarted(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(45);
    server.open(2);
    server.send(2, agent.heartbeat());
    server.pass_s(10);
    assert_eq!(opamp_offers(server.sent()), [(45, "Bearer lmct_t".to_owned())]);
    // It takes them with a new client. Nobody remembers what is not stored.
    server.close(2);
    let mut server = server.restarted(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(45);
    let mut again = Agent { status: agent.status.clone(), running: agent.running.clone(), ..Agent::default() };
    again.start(&mut server, 3);
    for _ in 0..5 {
        server.pass_s(30);
        server.send(3, again.heartbeat());
    }
    assert_eq!(opamp_offers(server.sent()), [], "once");
    // Its host starts again, with what the file says.
    server.close(3);
    let mut fresh = Agent { status: agent.status.clone(), running: agent.running.clone(), ..Agent::default() };
    fresh.start(&mut server, 4);
    assert_eq!(opamp_offers(server.sent()).len(), 1);
    // And the server with what it had at first: that is a change, too.
    let mut server = server.restarted(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(30);
    server.open(5);
    server.send(5, fresh.heartbeat());
    server.pass_s(10);
    assert_eq!(opamp_offers(server.sent()), [(30, "Bearer lmct_t".to_owned())]);
}

#[test]
fn other_settings_wait_until_a_text_is_applied() {
    let config = desired("a");
    let mut server = Server::new(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(45);
    let mut agent = Agent::default();
    server.open(1);
    server.send(1, agent.full());
    server.send(1, agent.with_health(healthy()));
    assert_eq!(opamp_offers(server.sent()).len(), 1, "they come before the first text");
    server.pass_s(10);
    assert_eq!(server.offered(), [config.hash().as_bytes().to_vec()]);
    server.send(1, agent.with_status(config.hash().as_bytes(), APPLYING, ""));
    let mut server = server.restarted(Some(&config));
    server.endpoints = endpoints();
    server.timing.heartbeat = Duration::from_secs(60);
    server.open(2);
    server.send(2, agent.heartbeat());
    let other = desired("b");
    server.desire(Some(&other));
    server.send(2, agent.with_status(other.hash().as_bytes(), APPLYING, ""));
    let before = opamp_offers(server.sent());
    server.send(2, agent.with_health(healthy()));
    server.send(2, agent.with_status(other.hash().as_bytes(), APPLIED, ""));
    assert_eq!(before.len() + opamp_offers(server.sent()).len(), 1);
}

#[test]
fn address_that_nobody_came_by_is_not_offered() {
    let mut server = Server::new(None);
    server.endpoints = endpoints().map(Endpoints::unproven);
    server.open_as(1, TransportKind::WebSocket, Credential::Enrolment { issued: Some("lmct_new".into()) });
    let mut agent = Agent::default();
    server.send(1, agent.full());
    server.pass_s(30);
    assert_eq!(opamp_offers(server.sent()), []);
    server.endpoints.as_ref().unwrap().note_host("fleet.example.com");
    server.send(1, agent.heartbeat());
    assert_eq!(opamp_offers(server.sent()).len(), 1);
}
