//! The socket's actor over an in-memory stream, with a WebSocket client of another library.

use std::cell::Cell;

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt, StreamExt};
use linkmesh_actors::ports::Transport as _;
use linkmesh_proto::wire::opamp::{AgentDescription, AgentRemoteConfig, KeyValue, ServerErrorResponse, ServerToAgent};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{CloseFrame as ClientClose, Role, frame::coding::CloseCode as ClientCode},
    },
};

use super::*;
use crate::http::budget::Budget;

/// Answers every message with its sequence number as capabilities, and keeps what it heard.
struct Echo {
    heard: Rc<RefCell<Vec<u64>>>,
    closed: Rc<Cell<bool>>,
    held_off: Rc<Cell<bool>>,
    queue: Arc<OutgoingQueue>,
    /// It came with an enrolment token.
    enrols: bool,
}

impl Agent for Echo {
    fn receive(&self, message: AgentToServer) -> Result<(), SessionError> {
        self.heard.borrow_mut().push(message.sequence_num);
        let answer = ServerToAgent {
            instance_uid: message.instance_uid,
            capabilities: message.sequence_num,
            ..Default::default()
        };
        self.queue.send(answer).map_err(|_| SessionError::Full)
    }
    fn receive_undecodable(&self) -> Result<(), SessionError> {
        let error_response = Some(ServerErrorResponse::default());
        self.queue.send(ServerToAgent { error_response, ..Default::default() }).map_err(|_| SessionError::Full)
    }
    fn pong(&self) {}
    fn is_silent(&self) -> bool {
        self.enrols && self.heard.borrow().is_empty()
    }
    fn hold_off(&self) {
        assert_eq!(self.queue.close_asked(), None, "the refusal comes first, for the peer is back within 2 ms");
        self.held_off.set(true);
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.closed.set(true);
    }
}

struct Rig {
    client: WebSocketStream<DuplexStream>,
    queue: Arc<OutgoingQueue>,
    heard: Rc<RefCell<Vec<u64>>>,
    closed: Rc<Cell<bool>>,
    held_off: Rc<Cell<bool>>,
    session: tokio::task::JoinHandle<SessionEnd>,
}

const LIMITS: SocketLimits = SocketLimits {
    max_message: 1 << 20,
    ping_interval: Duration::from_secs(25),
    silence: Duration::from_secs(90),
    write_timeout: Duration::from_secs(30),
    message_time: Duration::from_secs(30),
};

/// Starts a session; `pipe` is how much the peer takes before it has to read.
async fn rig(limits: SocketLimits, pipe: usize) -> Rig {
    rig_of(limits, pipe, false).await
}

async fn rig_of(limits: SocketLimits, pipe: usize, enrols: bool) -> Rig {
    let (ours, theirs) = tokio::io::duplex(pipe);
    let queue = OutgoingQueue::new(limits.max_message);
    let (heard, closed, held_off) = (Rc::default(), Rc::default(), Rc::default());
    let agent = Echo { heard, closed, held_off, queue: queue.clone(), enrols };
    let (heard, closed, held_off) = (agent.heard.clone(), agent.closed.clone(), agent.held_off.clone());
    let session = actix_rt::spawn(run(ours, Bytes::new(), agent, queue.clone(), limits, Budget::new(1 << 30).share()));
    let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    Rig { client, queue, heard, closed, held_off, session }
}

fn message(sequence_num: u64, padding: usize) -> Message {
    let mut bytes = vec![0];
    let instance_uid = vec![1; 16.max(padding)];
    AgentToServer { instance_uid, sequence_num, ..Default::default() }.encode(&mut bytes).unwrap();
    Message::Binary(bytes.into())
}

async fn answer(client: &mut WebSocketStream<DuplexStream>) -> ServerToAgent {
    loop {
        match client.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => {
                assert_eq!(bytes[0], 0, "the header");
                return ServerToAgent::decode(&bytes[1..]).unwrap();
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn close_code_of(client: &mut WebSocketStream<DuplexStream>) -> Option<u16> {
    loop {
        match client.next().await {
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

#[actix_web::test]
async fn each_message_is_answered_in_order() {
    let mut rig = rig(LIMITS, 4096).await;
    for sequence in 0..100 {
        rig.client.feed(message(sequence, (sequence as usize) * 100)).await.unwrap();
        if sequence % 10 == 9 {
            rig.client.flush().await.unwrap();
            for expected in sequence - 9..=sequence {
                assert_eq!(answer(&mut rig.client).await.capabilities, expected);
            }
        }
    }
    assert_eq!(rig.heard.borrow().len(), 100);
}

#[actix_web::test]
async fn message_without_header_is_read_and_one_with_another_header_is_not() {
    let mut rig = rig(LIMITS, 4096).await;
    let Message::Binary(with_header) = message(7, 16) else { unreachable!() };
    rig.client.send(Message::Binary(with_header.slice(1..))).await.unwrap();
    assert_eq!(answer(&mut rig.client).await.capabilities, 7);

    let mut wrong = with_header.to_vec();
    wrong[0] = 1;
    rig.client.send(Message::Binary(wrong.into())).await.unwrap();
    assert!(answer(&mut rig.client).await.error_response.is_some());
}

#[actix_web::test]
async fn text_and_garbage_are_refused_and_the_session_goes_on() {
    let mut rig = rig(LIMITS, 4096).await;
    // A description of empty attributes: a few bytes each, and a hundred when they are decoded.
    let mut bomb = vec![0, 0x1a, 0x80, 0xea, 0x30];
    bomb.extend(b"\x0a\x00".repeat(400_000));
    assert!(decode_frame(bomb.clone().into()).is_ok());
    let bad =
        [Message::Text("hello".into()), Message::Binary(vec![0, 0xff, 0xff].into()), Message::Binary(bomb.into())];
    for bad in bad {
        rig.client.send(bad).await.unwrap();
        assert!(answer(&mut rig.client).await.error_response.is_some());
    }
    rig.client.send(message(3, 16)).await.unwrap();
    assert_eq!(answer(&mut rig.client).await.capabilities, 3);
    assert_eq!(*rig.heard.borrow(), [3]);
}

#[actix_web::test]
async fn empty_message_is_a_message() {
    let mut rig = rig(LIMITS, 4096).await;
    rig.client.send(Message::Binary(vec![0].into())).await.unwrap();
    assert!(answer(&mut rig.client).await.error_response.is_none());
}

#[actix_web::test]
async fn message_over_the_limit_closes_with_1009() {
    let mut rig = rig(SocketLimits { max_message: 1000, ..LIMITS }, 1 << 16).await;
    rig.client.send(message(0, 2000)).await.unwrap();
    assert_eq!(close_code_of(&mut rig.client).await, Some(1009));
    assert_eq!(rig.session.await.unwrap(), SessionEnd::TooLarge);
    assert!(rig.closed.get());
}

#[actix_web::test]
async fn ping_is_answered_and_close_is_echoed() {
    let mut rig = rig(LIMITS, 4096).await;
    rig.client.send(Message::Ping(b"abc".as_slice().into())).await.unwrap();
    assert_eq!(rig.client.next().await.unwrap().unwrap(), Message::Pong(b"abc".as_slice().into()));
    let bye = ClientClose { code: ClientCode::Normal, reason: "bye".into() };
    rig.client.close(Some(bye)).await.unwrap();
    assert_eq!(close_code_of(&mut rig.client).await, Some(1000));
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Peer);
    assert!(rig.closed.get());
}

#[actix_web::test]
async fn peer_that_vanishes_ends_the_session() {
    let rig = rig(LIMITS, 4096).await;
    drop(rig.client);
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Peer);
    assert!(rig.closed.get());
    assert!(rig.queue.send(ServerToAgent::default()).is_err());
}

#[actix_web::test]
async fn revoking_closes_with_1008() {
    let mut rig = rig(LIMITS, 4096).await;
    rig.queue.close(CloseReason::Revoked);
    assert_eq!(close_code_of(&mut rig.client).await, Some(1008));
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Revoked));
}

#[actix_web::test]
async fn revoking_closes_at_once_for_a_peer_that_does_not_read() {
    let rig = rig(LIMITS, 64).await;
    let body = AgentRemoteConfig { config_hash: vec![1; 100_000], ..Default::default() };
    rig.queue.send(ServerToAgent { remote_config: Some(body), ..Default::default() }).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    rig.queue.close(CloseReason::Revoked);
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Revoked));
    assert!(rig.closed.get());
}

#[actix_web::test]
async fn peer_that_writes_and_never_reads_is_cut() {
    let mut rig = rig(LIMITS, 64).await;
    let mut sequence = 0;
    while rig.client.send(message(sequence, 1000)).await.is_ok() {
        sequence += 1;
        assert!(sequence < 100_000, "the session never ended");
    }
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Overloaded));
    assert!(rig.held_off.get());
}

/// A session over which the peer has closed, or said too much, while it leaves a large answer unread.
async fn over_and_unread(last: Message) -> Rig {
    let mut rig = rig(SocketLimits { max_message: 200_000, ..LIMITS }, 1 << 12).await;
    let body = AgentRemoteConfig { config_hash: vec![1; 100_000], ..Default::default() };
    rig.queue.send(ServerToAgent { remote_config: Some(body), ..Default::default() }).unwrap();
    rig.client.send(last).await.unwrap();
    rig
}

#[actix_web::test]
async fn peer_that_closes_and_does_not_read_is_let_go() {
    tokio::time::pause();
    for (last, end) in [(Message::Close(None), SessionEnd::Peer), (message(0, 300_000), SessionEnd::TooLarge)] {
        let mut rig = over_and_unread(Message::Ping(b"x".as_slice().into())).await;
        // What does not fit the pipe is taken while the session lasts, or not at all.
        let sending = async { drop(rig.client.send(last).await) };
        let begun = Instant::now();
        let (_, ended) = tokio::join!(tokio::time::timeout(LIMITS.write_timeout, sending), rig.session);
        assert_eq!(ended.unwrap(), end);
        assert!(begun.elapsed() < LIMITS.write_timeout, "{:?}", begun.elapsed());
        assert!(rig.closed.get());
        assert!(rig.queue.send(ServerToAgent::default()).is_err());
    }
}

#[actix_web::test]
async fn session_of_the_fleet_ends_with_the_close_and_not_with_the_last_byte() {
    let rig = over_and_unread(Message::Close(None)).await;
    while !rig.closed.get() {
        tokio::task::yield_now().await;
    }
    assert!(!rig.session.is_finished(), "the peer has a moment to read the rest");
    // Who is to go at once goes at once all the same.
    rig.queue.close(CloseReason::Revoked);
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Revoked));
}

#[actix_web::test]
async fn what_waits_for_a_peer_that_closed_is_written_when_it_reads() {
    let mut rig = over_and_unread(Message::Close(None)).await;
    let mut answered = 0;
    while let Some(Ok(message)) = rig.client.next().await {
        answered += usize::from(matches!(message, Message::Binary(_)));
    }
    assert_eq!(answered, 1);
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Peer);
}

#[actix_web::test]
async fn message_behind_many_small_frames_is_answered() {
    let mut rig = rig(LIMITS, 1 << 20).await;
    for sequence in 0..2000 {
        rig.client.feed(Message::Pong(b"x".as_slice().into())).await.unwrap();
        if sequence % 100 == 99 {
            rig.client.send(message(sequence, 16)).await.unwrap();
            assert_eq!(answer(&mut rig.client).await.capabilities, sequence);
        }
    }
}

/// A description of so many empty attributes.
fn attributes(sequence_num: u64, count: usize) -> Message {
    let agent_description =
        Some(AgentDescription { identifying_attributes: vec![KeyValue::default(); count], ..Default::default() });
    let mut bytes = vec![0];
    AgentToServer { sequence_num, agent_description, ..Default::default() }.encode(&mut bytes).unwrap();
    Message::Binary(bytes.into())
}

/// Sends all of these, which are there before the first is read; answers how many of them were heard when another
/// connection of the same thread, whose request was there as well, was served.
async fn heard_before_another_was_served(messages: Vec<Message>) -> (usize, Rig) {
    let mut rig = rig(LIMITS, 16 << 20).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut asking = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut asked, _) = listener.accept().await.unwrap();
    std::io::Write::write_all(&mut asking, b"x").unwrap();
    asked.read_u8().await.unwrap();
    assert!(asked.try_read(&mut [0]).is_err(), "only a look at all sockets tells that there is more");
    std::io::Write::write_all(&mut asking, b"y").unwrap();
    let heard = Rc::clone(&rig.heard);
    let other = actix_rt::spawn(async move {
        asked.read_u8().await.unwrap();
        heard.borrow().len()
    });
    // Into the pipe without giving the thread away: there is room for all.
    let all = async {
        for message in messages {
            rig.client.feed(message).await.unwrap();
        }
        rig.client.flush().await.unwrap();
    };
    let sent = tokio::task::unconstrained(all).now_or_never();
    assert!(sent.is_some() && rig.heard.borrow().is_empty(), "nothing is read before all is there");
    (other.await.unwrap(), rig)
}

#[actix_web::test]
async fn others_are_served_between_the_messages_of_a_peer_that_sends_without_end() {
    for (count, parts, most) in [(60, 15_000, 2), (2000_u64, 300, 150)] {
        let messages: Vec<_> = (0..count).map(|sequence| attributes(sequence, parts)).collect();
        let (heard, mut rig) = heard_before_another_was_served(messages).await;
        assert!(heard < most, "{heard} messages of {parts} parts were handled while another waited");
        for expected in 0..count {
            assert_eq!(answer(&mut rig.client).await.capabilities, expected);
        }
    }
}

#[actix_web::test]
async fn large_and_small_messages_keep_their_order() {
    let mut rig = rig(LIMITS, 4096).await;
    for sequence in 0..60 {
        let message = if sequence % 3 == 0 { attributes(sequence, 20_000) } else { message(sequence, 16) };
        rig.client.send(message).await.unwrap();
    }
    for expected in 0..60 {
        assert_eq!(answer(&mut rig.client).await.capabilities, expected);
    }
}

#[actix_web::test]
async fn message_of_too_many_parts_is_refused_and_the_session_goes_on() {
    let mut rig = rig(LIMITS, 4096).await;
    rig.client.send(attributes(1, parts::OF_AGENT)).await.unwrap();
    assert!(answer(&mut rig.client).await.error_response.is_some());
    rig.client.send(attributes(2, parts::OF_AGENT - 10)).await.unwrap();
    assert_eq!(answer(&mut rig.client).await.capabilities, 2);
    assert_eq!(*rig.heard.borrow(), [2]);
}

#[actix_web::test]
async fn silent_peer_is_pinged_and_then_dropped() {
    tokio::time::pause();
    let rig = rig(LIMITS, 4096).await;
    let started = Instant::now();
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Silent));
    assert!(started.elapsed() > LIMITS.silence);
    let mut written = Vec::new();
    rig.client.into_inner().read_to_end(&mut written).await.unwrap();
    let pings = written.windows(2).filter(|frame| *frame == [0x89, 0]).count();
    assert!(pings >= 3, "{pings} pings in {written:?}");
}

#[actix_web::test]
async fn peer_that_answers_pings_stays() {
    tokio::time::pause();
    let rig = rig(LIMITS, 4096).await;
    let mut client = rig.client;
    let reading = async { while let Some(Ok(_)) = client.next().await {} };
    assert!(tokio::time::timeout(LIMITS.silence * 5, reading).await.is_err(), "the session ended");
    assert!(!rig.session.is_finished());
}

#[actix_web::test]
async fn peer_that_never_says_who_it_is_goes_though_it_answers_pings() {
    tokio::time::pause();
    let mut rig = rig_of(LIMITS, 4096, true).await;
    let begun = Instant::now();
    assert_eq!(close_code_of(&mut rig.client).await, Some(1001));
    assert!(begun.elapsed() >= LIMITS.message_time);
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Silent));

    let mut rig = rig_of(LIMITS, 4096, true).await;
    rig.client.send(message(1, 16)).await.unwrap();
    let closed = tokio::time::timeout(LIMITS.message_time * 5, close_code_of(&mut rig.client)).await;
    assert!(closed.is_err(), "who has said it stays");
}

#[actix_web::test]
async fn peer_that_leaves_what_was_written_unread_is_cut() {
    tokio::time::pause();
    let rig = rig(LIMITS, 64).await;
    let body = AgentRemoteConfig { config_hash: vec![1; 1000], ..Default::default() };
    rig.queue.send(ServerToAgent { remote_config: Some(body), ..Default::default() }).unwrap();
    assert_eq!(rig.session.await.unwrap(), SessionEnd::Server(CloseReason::Overloaded));
    assert!(rig.held_off.get());
}

#[actix_web::test]
async fn message_that_never_ends_is_given_up_however_often_something_comes() {
    tokio::time::pause();
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let queue = OutgoingQueue::new(LIMITS.max_message);
    let (heard, closed, held_off) = (Rc::default(), Rc::default(), Rc::default());
    let agent = Echo { heard, closed, held_off, queue: queue.clone(), enrols: false };
    let share = Budget::new(1 << 30).share();
    let session = actix_rt::spawn(run(ours, Bytes::new(), agent, queue, LIMITS, share));
    let begun = Instant::now();
    let trickle = async {
        // A binary frame without FIN, then fragments of one byte: the peer is never silent.
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        let mut frame = [0x02, 0x81, 0, 0, 0, 0, b'x'];
        loop {
            beat.tick().await;
            if tokio::io::AsyncWriteExt::write_all(&mut theirs, &frame).await.is_err() {
                break;
            }
            frame[0] = 0;
        }
    };
    let (_, ended) = tokio::join!(tokio::time::timeout(LIMITS.silence, trickle), session);
    assert_eq!(ended.unwrap(), SessionEnd::Server(CloseReason::Overloaded));
    assert!(begun.elapsed() >= LIMITS.message_time);
}
