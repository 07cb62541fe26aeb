//! Which of several servers is the primary, and that everybody goes to it.
//!
//! The primary is the server that accepts writes in the latest timeline. A promotion begins a new timeline, so that an old
//! primary that does not know of it, or comes back as if nothing had happened, has an earlier one: whoever saw the later one
//! never uses it again. Whoever has not seen it yet writes to the old primary and waits in vain, provided that every commit
//! needs a standby (`synchronous_standby_names`); without that, what an old primary acknowledges is lost with it.

use std::{fmt, future::Future, io, pin::pin, sync::Arc, time::Duration};

use procession_domain::{Classified as _, Kind};
use sqlx::{
    Connection as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    Connection, failed,
    position::{self, Seen, late},
};
use crate::{Error, Result};

/// A call that takes longer is a reason to ask all servers which is the primary.
const PATIENCE: Duration = Duration::from_secs(1);

/// Without any reason they are asked so often: a server that was left behind and is only read from gives none.
const ROUTINE: Duration = Duration::from_secs(5);

/// After this time a connection is asked whether it is still good before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection has to say that it is still good. Sooner than its call's end, where it is asked before a call.
const PING: Duration = Duration::from_secs(3);

/// What connected so shortly after a change may have been asked before it.
const DOUBTFUL: Duration = Duration::from_millis(100);

/// Where writes go.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// The primary's place in the URL.
    server: usize,
    /// Its timeline; 0 for one server alone, which is not asked for it.
    timeline: i64,
    /// When it became known that it is another than before.
    moved_at: Option<Instant>,
}

/// The servers, and which of them is the primary as far as is known.
pub(super) struct Primary {
    servers: Vec<PgConnectOptions>,
    probe_timeout: Duration,
    standing: watch::Sender<Standing>,
    /// Somebody has a reason to believe that the primary is another.
    doubt: Notify,
}

impl fmt::Debug for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A server's options hold its password.
        f.debug_struct("Primary").field("standing", &*self.standing.borrow()).finish_non_exhaustive()
    }
}

impl Primary {
    /// Finds the primary. One server alone is taken as it is.
    ///
    /// # Errors
    /// If none of the servers says within `patience` that it accepts writes: as the first that refused says, else `Unavailable`.
    pub(super) async fn find(
        servers: Vec<PgConnectOptions>,
        probe_timeout: Duration,
        patience: Duration,
    ) -> Result<Arc<Self>> {
        let (mut server, mut timeline) = (0, 0);
        if servers.len() > 1 {
            let mut seen = Vec::new();
            let found = timeout(patience, position::search(&servers, probe_timeout, (0, 0), &mut seen)).await;
            (server, timeline) = found.map_err(|_| nowhere(&servers, seen))?;
        }
        let standing = watch::Sender::new(Standing { server, timeline, moved_at: None });
        Ok(Arc::new(Self { servers, probe_timeout, standing, doubt: Notify::new() }))
    }

    /// How to reach it.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.servers[self.standing.borrow().server].clone()
    }

    /// Whether there are several servers.
    pub(super) fn can_move(&self) -> bool {
        self.servers.len() > 1
    }

    /// A call that ends, as `Unavailable`, when the primary is found to be another than when it began: what the old one would
    /// answer, if it answers at all, is of no use. A call that fails or takes long is a reason to look.
    pub(super) async fn over<T>(&self, action: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        if !self.can_move() {
            return call.await;
        }
        let mut standing = self.standing.subscribe();
        let (mut call, mut patience) = (pin!(call), interval(PATIENCE));
        patience.reset();
        loop {
            tokio::select! {
                biased;
                done = &mut call => {
                    if matches!(&done, Err(error) if error.kind() == Kind::Unavailable) {
                        self.doubt.notify_one();
                    }
                    return done;
                }
                _ = standing.changed() => return Err(failed(action)(moved())),
                _ = patience.tick() => self.doubt.notify_one(),
            }
        }
    }

    /// Ends when the primary is another than it is now.
    pub(super) fn moved(&self) -> impl Future<Output = ()> + use<> {
        let mut standing = self.standing.subscribe();
        async move {
            if standing.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Keeps a pool's connections on the primary, for ever.
    pub(super) async fn follow(&self, pool: &PgPool) {
        let mut pause = interval(PATIENCE / 4);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            let _ = timeout(ROUTINE, self.doubt.notified()).await;
            let known = *self.standing.borrow();
            let (now, mut seen) = ((known.server, known.timeline), Vec::new());
            let (server, timeline) = position::search(&self.servers, self.probe_timeout, now, &mut seen).await;
            if (server, timeline) == (known.server, known.timeline) {
                continue;
            }
            let (host, port) = (self.servers[server].get_host(), self.servers[server].get_port());
            tracing::warn!(host, port, timeline, "the ledger's primary is another server than before");
            pool.set_connect_options(self.servers[server].clone());
            self.standing.send_replace(Standing { server, timeline, moved_at: Some(Instant::now()) });
        }
    }

    /// What makes a pool whose connections all go to the primary.
    pub(super) fn pool(self: &Arc<Self>) -> PgPoolOptions {
        let [connecting, acquiring, releasing] = [(); 3].map(|()| Arc::clone(self));
        PgPoolOptions::new()
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let primary = Arc::clone(&connecting);
                Box::pin(async move { primary.verify(connection).await })
            })
            .before_acquire(move |connection, meta| {
                let primary = Arc::clone(&acquiring);
                Box::pin(async move {
                    if primary.has_left(meta.age) {
                        return Ok(false);
                    }
                    Ok(meta.idle_for < FRESH || matches!(timeout(PING, primary.verify(connection)).await, Ok(Ok(()))))
                })
            })
            // A call that ended too early leaves an answer under way; a server that hangs never sends it.
            .after_release(move |connection, meta| {
                let has_left = releasing.has_left(meta.age);
                Box::pin(async move {
                    if has_left {
                        return Err(moved());
                    }
                    timeout(PING, connection.ping()).await.unwrap_or_else(|_| Err(late())).map(|()| true)
                })
            })
    }

    /// Whether a connection of this age may go to a server that is not the primary any more.
    fn has_left(&self, age: Duration) -> bool {
        self.standing.borrow().moved_at.is_some_and(|moved_at| age + DOUBTFUL > moved_at.elapsed())
    }

    /// That a connection goes to the primary.
    async fn verify(&self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let writes = position::ask(connection, self.can_move()).await?;
        let known = self.standing.borrow().timeline;
        if writes != Some(known) {
            self.doubt.notify_one();
        }
        match writes {
            Some(timeline) if timeline >= known => Ok(()),
            Some(_) => Err(unusable("the server was the primary once, and another is now".to_owned())),
            None => Err(unusable("the server accepts no writes".to_owned())),
        }
    }
}

fn moved() -> sqlx::Error {
    unusable("another server is the primary now".to_owned())
}

fn unusable(why: String) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::NotConnected, why))
}

/// Why there is no primary. What a server refuses, as it does not know user or database, is said before all.
fn nowhere(servers: &[PgConnectOptions], seen: Vec<Option<Seen>>) -> Error {
    let said = servers.iter().zip(&seen).map(|(server, seen)| {
        let said = match seen {
            Some(Seen::Writes(timeline)) => format!("accepts writes in timeline {timeline}"),
            Some(Seen::Reads) => "accepts no writes".to_owned(),
            Some(Seen::Fails(error)) => error.to_string(),
            None => "did not answer".to_owned(),
        };
        format!("{}:{} {said}", server.get_host(), server.get_port())
    });
    let why = format!("no server is known to be the primary: {}", said.collect::<Vec<_>>().join("; "));
    let reach = failed("reach PostgreSQL");
    let errors = seen.into_iter().flatten().filter_map(|seen| match seen {
        Seen::Fails(error) => Some(error),
        Seen::Writes(_) | Seen::Reads => None,
    });
    let refused = errors.map(failed("reach PostgreSQL")).find(|error| error.kind() == Kind::Invalid);
    refused.unwrap_or_else(|| reach(unusable(why)))
}
