//! What each server says of itself, and which of them is the primary by that.

use std::{io, time::Duration};

use futures::{StreamExt as _, future::BoxFuture, stream};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, postgres::PgConnectOptions};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::Connection;

/// Between two questions to a server.
const PAUSE: Duration = Duration::from_millis(250);

/// Null where no transaction can write, otherwise the timeline, whose number is the first eight digits of the name of every
/// file of the write-ahead log.
const POSITION: &str = "SELECT CASE
        WHEN pg_is_in_recovery() OR current_setting('default_transaction_read_only')::BOOLEAN THEN NULL
        ELSE ('x' || LPAD(LEFT(pg_walfile_name(pg_current_wal_lsn()), 8), 16, '0'))::BIT(64)::BIGINT
    END";

/// As `POSITION`, without the timeline: not everything that speaks PostgreSQL's protocol tells of its log.
const WRITES: &str = "SELECT CASE
        WHEN pg_is_in_recovery() OR current_setting('default_transaction_read_only')::BOOLEAN THEN NULL
        ELSE 0::BIGINT
    END";

/// What a server said when it was asked last.
#[derive(Debug)]
pub(super) enum Seen {
    /// It accepts writes, in this timeline.
    Writes(i64),
    /// It is in recovery, or set to accept no writes.
    Reads,
    /// It does not answer, or refuses.
    Fails(sqlx::Error),
}

/// The timeline in which a connection's server accepts writes, 0 if it is not asked for. Nothing if it accepts none.
pub(super) async fn ask(connection: &mut Connection, with_timeline: bool) -> Result<Option<i64>, sqlx::Error> {
    sqlx::raw_sql(if with_timeline { POSITION } else { WRITES }).fetch_one(connection).await?.try_get(0)
}

/// Asks all servers at the same time, each again and again, until it is clear which is the primary. Returns its number and
/// timeline, and never if there is none; `seen` has what each said last.
pub(super) async fn search(
    servers: &[PgConnectOptions],
    deadline: Duration,
    known: (usize, i64),
    seen: &mut Vec<Option<Seen>>,
) -> (usize, i64) {
    *seen = servers.iter().map(|_| None).collect();
    let mut answers = stream::select_all(servers.iter().enumerate().map(|(number, server)| {
        let mut pause = interval(PAUSE);
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        stream::unfold(pause, move |pause| question(number, server, deadline, pause)).boxed()
    }));
    while let Some((number, said)) = answers.next().await {
        seen[number] = Some(said);
        if let Some(primary) = choose(known, seen) {
            return primary;
        }
    }
    std::future::pending().await
}

/// One question to one server, after the pause.
fn question(
    number: usize,
    server: &PgConnectOptions,
    deadline: Duration,
    mut pause: Interval,
) -> BoxFuture<'_, Option<((usize, Seen), Interval)>> {
    Box::pin(async move {
        pause.tick().await;
        let said = timeout(deadline, async {
            let mut connection = server.connect().await?;
            let said = ask(&mut connection, true).await?;
            let _ = connection.close().await;
            Ok(said)
        });
        let said = match said.await.unwrap_or_else(|_| Err(late())) {
            Ok(Some(timeline)) => Seen::Writes(timeline),
            Ok(None) => Seen::Reads,
            Err(error) => Seen::Fails(error),
        };
        Some(((number, said), pause))
    })
}

/// The primary, if what was seen suffices. A later timeline than the known one is enough; otherwise every server has to be
/// heard first, or to have failed. With the same timeline the known one stays.
fn choose((current, known): (usize, i64), seen: &[Option<Seen>]) -> Option<(usize, i64)> {
    let writing = |(number, seen): (usize, &Option<Seen>)| match seen {
        Some(Seen::Writes(timeline)) if *timeline >= known => Some((number, *timeline)),
        _ => None,
    };
    let best = seen.iter().enumerate().filter_map(writing).max_by_key(|(number, timeline)| {
        let is_current = *number == current;
        (*timeline, is_current)
    });
    best.filter(|(_, timeline)| (known > 0 && *timeline > known) || seen.iter().all(Option::is_some))
}

/// What is said when a server says nothing.
pub(super) fn late() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "PostgreSQL gave no answer in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(timelines: &[Option<i64>]) -> Vec<Option<Seen>> {
        timelines.iter().map(|timeline| Some(timeline.map_or(Seen::Reads, Seen::Writes))).collect()
    }

    #[test]
    fn the_latest_timeline_is_the_primary() {
        assert_eq!(choose((0, 0), &seen(&[None, Some(3), Some(2)])), Some((1, 3)));
        assert_eq!(choose((2, 3), &seen(&[None, Some(4), Some(3)])), Some((1, 4)));
        // The same timeline at two addresses: it is one server, and nothing moves.
        assert_eq!(choose((1, 3), &seen(&[Some(3), Some(3), Some(3)])), Some((1, 3)));
        assert_eq!(choose((0, 3), &seen(&[None, Some(3)])), Some((1, 3)));
    }

    #[test]
    fn an_old_primary_is_none() {
        assert_eq!(choose((1, 4), &seen(&[Some(3), None, None])), None);
        assert_eq!(choose((1, 4), &seen(&[None, None, None])), None);
    }

    #[test]
    fn a_later_timeline_needs_nobody_else_to_be_heard() {
        let mut some = seen(&[Some(3), Some(4), None]);
        some[2] = None;
        assert_eq!(choose((0, 3), &some), Some((1, 4)));
        // That the known one still writes says nothing of those who were not heard; nor does the first that is found.
        some[1] = None;
        assert_eq!(choose((0, 3), &some), None);
        assert_eq!(choose((0, 0), &some), None);
        some[1] = Some(Seen::Fails(late()));
        some[2] = Some(Seen::Reads);
        assert_eq!(choose((0, 3), &some), Some((0, 3)));
    }
}
