//! A line between two programs that can fall silent or be cut: a TCP proxy.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing arrives, and nobody is told: as when a switch dies.
    Silent,
}

/// Carries bytes to a server as long as it is open.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where the clients connect.
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
}

impl Line {
    /// A line to the server at this port of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, watched.clone()));
            }
        });
        Self { address, state }
    }

    /// From now on nothing arrives at either end, and no connection ends.
    pub(crate) fn fall_silent(&self) {
        self.state.send_replace(State::Silent);
    }

    /// What was held up arrives, and all goes on.
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn carry(client: TcpStream, port: u16, state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, state.clone()), pass(from_server, to_client, state));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| *state == State::Open).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
