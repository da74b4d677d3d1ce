//! Bodies that do not come to their end, of strangers and of others.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use linkmesh_actors::domain::access::Role;

use super::harness::{Api, EMAIL, PASSWORD, Stores};
use crate::support::wait_for;

/// Begins a request with a body of so many bytes, and sends some of them.
fn begin(api: &Api, path: &str, header: &str, len: usize, sent: usize) -> TcpStream {
    let address = api.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: {address}\r\n{header}content-type: application/json\r\n\
         content-length: {len}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; sent]).unwrap();
    stream
}

/// The status that a request is answered with.
fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    std::str::from_utf8(&line).unwrap().strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

pub(super) async fn metric(api: &Api, name: &str) -> u64 {
    let text = api.get("/metrics").await.text;
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("linkmesh_server_{name} ")));
    value.unwrap_or_else(|| panic!("{name} is missing in\n{text}")).parse().unwrap()
}

#[actix_web::test]
async fn bodies_of_strangers_are_small_and_keep_nobody_out_but_strangers() {
    let api = Api::start_with(Stores::Redb, |edge| edge.max_unfinished = 4 << 20).await;
    let mut large = begin(&api, "/session", "", 1_000_000, 40_000);
    assert_eq!(status(&mut large), 413, "the rest is not waited for");

    let mut strangers = Vec::new();
    while metric(&api, "unfinished_refused_total").await == 0 {
        assert!(strangers.len() < 100, "they hold {}", metric(&api, "unfinished_bytes").await);
        strangers.push(begin(&api, "/session", "", 32_000, 31_000));
    }
    assert!(metric(&api, "unfinished_bytes").await <= (4 << 20) / 16);

    // Somebody who is known, and whose body waits for its rest.
    let token = api.service_token(Role::Viewer, None).await;
    let before = metric(&api, "unfinished_bytes").await;
    let bearer = format!("authorization: Bearer {token}\r\n");
    let mut known = begin(&api, "/pipelines/validate", &bearer, 60_000, 50_000);
    wait_for("most of it", || async {
        let held = metric(&api, "unfinished_bytes").await;
        if held >= before + 50_000 { Ok(()) } else { Err(held.to_string()) }
    })
    .await;
    known.write_all(&vec![b' '; 9_998]).unwrap();
    known.write_all(b"{}").unwrap();
    let read = status(&mut known);
    assert!([200, 422].contains(&read), "it was read to its end: {read}");
    // A body that comes whole waits for nothing.
    api.stranger().sign_in(EMAIL, PASSWORD).await.expect(200);
}
