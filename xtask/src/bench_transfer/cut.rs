//! A line to a server that is cut once, in the middle of a photo, and counts the bytes that were sent through it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use anyhow::{Context, Result};

/// The line. Its threads end with the program.
pub(super) struct Line {
    pub(super) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Bytes that clients sent through it.
    sent: AtomicU64,
    cut_after: AtomicU64,
    is_cut: AtomicBool,
}

impl Line {
    /// A line to the server with this URL.
    pub(super) fn to(url: &str) -> Result<Self> {
        let server = url.strip_prefix("http://").context("the server has no plain URL")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (url, state) = (format!("http://{}", listener.local_addr()?), Arc::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                // A connection that does not come about is one that is cut, for the client.
                let _ = connect(client, &server, &shared);
            }
        });
        Ok(Self { url, state })
    }

    /// Counts from nothing again, and cuts the connection that is in use when so many bytes were sent.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.state.cut_after.store(bytes, SeqCst);
        self.state.sent.store(0, SeqCst);
        self.state.is_cut.store(false, SeqCst);
    }

    /// The bytes that were sent through it since, if it was cut meanwhile.
    pub(super) fn sent(&self) -> Option<u64> {
        self.state.is_cut.load(SeqCst).then(|| self.state.sent.load(SeqCst))
    }
}

fn connect(client: TcpStream, server: &str, state: &Arc<State>) -> Result<()> {
    let server = TcpStream::connect(server)?;
    let (up, down) = ((client.try_clone()?, server.try_clone()?), (server, client));
    let state = Arc::clone(state);
    thread::spawn(move || carry(up, |bytes| state.is_to_cut(bytes)));
    thread::spawn(move || carry(down, |_| false));
    Ok(())
}

impl State {
    fn is_to_cut(&self, bytes: usize) -> bool {
        let sent = self.sent.fetch_add(bytes as u64, SeqCst) + bytes as u64;
        sent >= self.cut_after.load(SeqCst) && !self.is_cut.swap(true, SeqCst)
    }
}

/// Carries bytes from one end to the other until one of them ends, or until it is said to be cut.
fn carry((mut from, mut to): (TcpStream, TcpStream), is_to_cut: impl Fn(usize) -> bool) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if is_to_cut(count) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Both directions: who waits for an answer must hear of it too.
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
