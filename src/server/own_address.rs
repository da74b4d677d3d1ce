//! Whether the address that collectors are told leads anywhere.
//!
//! Released supervisors never go back from an address that they were offered to the one that they had (opamp.md 2.8), so
//! that one with a slip in it is not offered: it has to be one by which a collector came, or to take a connection from here.

use std::time::Duration;

use linkmesh_actors::fleet::FleetHandle;
use tokio::{
    net::TcpStream,
    time::{interval, timeout},
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long until it is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Tries the address until it takes a connection.
pub(super) async fn prove(fleet: FleetHandle) {
    let Some(address) = fleet.public_address() else { return };
    let mut is_told = false;
    let mut again = interval(AGAIN);
    loop {
        again.tick().await;
        let error = match timeout(CONNECT, TcpStream::connect(&address)).await {
            Ok(Ok(_)) => break,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if !is_told {
            is_told = true;
            tracing::warn!(
                %address, %error,
                "server.public_url takes no connection from here: collectors are offered no address and token of their own \
                 until it does, or one of them comes by it"
            );
        }
    }
    if is_told {
        tracing::info!(%address, "server.public_url takes connections");
    }
    fleet.address_answers();
}
