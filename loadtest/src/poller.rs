//! One simulated Alloy on its own keep-alive connection. It writes prepared bytes and compares what comes back, so that
//! the harness takes as little as it can of the processor that it shares with the server.

use std::{io::Read, net::SocketAddr};

use anyhow::{Context, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use linkmesh_proto::wire::collector::{
    AgentConfigFile, AgentConfigMap, EffectiveConfig, GetConfigRequest, GetConfigResponse, RegisterCollectorRequest,
    RemoteConfigStatus, RemoteConfigStatuses,
};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Publications that a poller follows before it demands `not_modified`.
const PUBLICATIONS: usize = 8;

/// A poller that runs what it was served and now only hears that nothing changed.
pub(crate) struct Poller {
    stream: TcpStream,
    buffer: BytesMut,
    /// The whole request of an unchanged poll, as often as polls may be under way.
    request: Bytes,
    depth: usize,
    /// A body that was once decoded and found to say `not_modified`.
    unchanged: Bytes,
}

/// What is the same in all requests of one poller.
struct Caller<'a> {
    id: String,
    host: &'a str,
    token: &'a str,
}

impl Poller {
    /// Starts as an Alloy does: register, take what is served until nothing is new, report it as applied, register.
    pub(crate) async fn start(address: SocketAddr, token: &str, index: usize, depth: usize) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let host = address.to_string();
        let caller = Caller { id: format!("alloy-{index}"), host: &host, token };
        let mut poller =
            Self { stream, buffer: BytesMut::new(), request: Bytes::new(), depth, unchanged: Bytes::new() };
        poller.register(&caller).await?;
        let mut hash = String::new();
        let mut status = None;
        let mut effective = None;
        for _ in 0..PUBLICATIONS {
            let asked = caller.get_config(&hash, status.take(), effective.take());
            let body = poller.call(&caller.request("GetConfig", &asked, false)).await.context("GetConfig")?;
            let answer = GetConfigResponse::decode(body)?;
            if answer.not_modified {
                poller.register(&caller).await?;
                return poller.ready(&caller, &hash).await;
            }
            ensure!(!answer.content.is_empty(), "an answer without content clears nothing");
            hash = answer.hash;
            status =
                Some(RemoteConfigStatus { status: RemoteConfigStatuses::Applied.into(), error_message: String::new() });
            effective = Some(answer.content);
        }
        bail!("the server never said that nothing changed")
    }

    async fn register(&mut self, caller: &Caller<'_>) -> anyhow::Result<()> {
        let message = RegisterCollectorRequest {
            id: caller.id.clone(),
            name: caller.id.clone(),
            local_attributes: caller.attributes(),
            ..RegisterCollectorRequest::default()
        };
        self.call(&caller.request("RegisterCollector", &message, false)).await.context("RegisterCollector").map(|_| ())
    }

    /// Prepares the request of every later poll, with `Accept-Encoding: gzip` as Alloy sends it, and sends it once.
    async fn ready(mut self, caller: &Caller<'_>, hash: &str) -> anyhow::Result<Self> {
        let request = caller.request("GetConfig", &caller.get_config(hash, None, None), true);
        let body = self.call(&request).await?;
        ensure!(GetConfigResponse::decode(body.clone())?.not_modified, "a poll was answered with news");
        self.unchanged = body;
        self.request = request.repeat(self.depth).into();
        Ok(self)
    }

    /// Polls as often as polls may be under way; every answer must say that nothing changed.
    pub(crate) async fn poll(&mut self) -> anyhow::Result<usize> {
        self.stream.write_all(&self.request).await?;
        for _ in 0..self.depth {
            let body = self.answer().await?;
            if body != self.unchanged {
                ensure!(GetConfigResponse::decode(body.clone())?.not_modified, "a poll was answered with news");
                self.unchanged = body;
            }
        }
        Ok(self.depth)
    }

    async fn call(&mut self, request: &[u8]) -> anyhow::Result<Bytes> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    /// Reads one answer and returns its body.
    async fn answer(&mut self) -> anyhow::Result<Bytes> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = Head::parse(&self.buffer[..end])?;
                let whole = end + 4 + head.length;
                while self.buffer.len() < whole {
                    self.more().await?;
                }
                self.buffer.advance(end + 4);
                let body = self.buffer.split_to(head.length).freeze();
                let body = if head.gzip { inflated(&body)? } else { body };
                if head.status != 200 {
                    bail!("{}: {}", head.status, String::from_utf8_lossy(&body));
                }
                return Ok(body);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
        Ok(())
    }
}

impl Caller<'_> {
    fn attributes(&self) -> std::collections::BTreeMap<String, String> {
        [("collector.version", "v1.18.0"), ("collector.os", "linux"), ("env", "load"), ("host.name", self.id.as_str())]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn get_config(
        &self,
        hash: &str,
        remote_config_status: Option<RemoteConfigStatus>,
        effective: Option<String>,
    ) -> GetConfigRequest {
        let effective_config = effective.map(|text| {
            let file = AgentConfigFile { body: text.into_bytes().into(), content_type: "text/plain".to_owned() };
            EffectiveConfig { config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }) }
        });
        GetConfigRequest {
            id: self.id.clone(),
            hash: hash.to_owned(),
            local_attributes: self.attributes(),
            remote_config_status,
            effective_config,
            ..GetConfigRequest::default()
        }
    }

    /// The bytes of a call, with the headers that Alloy sends.
    fn request(&self, method: &str, message: &impl Message, gzip: bool) -> Vec<u8> {
        let body = message.encode_to_vec();
        let mut request = format!(
            "POST /api/v1/remotecfg/collector.v1.CollectorService/{method} HTTP/1.1\r\nHost: {}\r\nUser-Agent: \
             Alloy/v1.18.0 (linux; binary)\r\nContent-Length: {}\r\n{}Authorization: Bearer {}\r\n\
             Connect-Protocol-Version: 1\r\nContent-Type: application/proto\r\n\r\n",
            self.host,
            body.len(),
            if gzip { "Accept-Encoding: gzip\r\n" } else { "" },
            self.token,
        )
        .into_bytes();
        request.extend_from_slice(&body);
        request
    }
}

/// What the harness reads of an answer's head.
struct Head {
    status: u16,
    length: usize,
    gzip: bool,
}

impl Head {
    fn parse(head: &[u8]) -> anyhow::Result<Self> {
        let head = std::str::from_utf8(head).context("an answer's head")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("a status line")?.parse()?;
        let mut found = Self { status, length: 0, gzip: false };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                found.length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("content-encoding") {
                found.gzip = value.trim() == "gzip";
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("a unary answer came in chunks");
            }
        }
        Ok(found)
    }
}

fn inflated(body: &[u8]) -> anyhow::Result<Bytes> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain)?;
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_of_an_answer_is_read_whatever_the_case_of_its_names() {
        let head = Head::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\ncontent-encoding: gzip").expect("a head");
        assert_eq!((head.status, head.length, head.gzip), (200, 12, true));
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked").is_err());
    }
}
