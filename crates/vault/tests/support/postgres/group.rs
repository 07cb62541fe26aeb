//! Three PostgreSQL servers for a test: a primary and two standbys, of which one has every commit before it is acknowledged.

use std::time::{Duration, Instant};

use super::Server;

/// What each is started with, besides a name of its own.
const SETTINGS: [&str; 5] = [
    "wal_log_hints=on",
    "wal_keep_size=512MB",
    "wal_receiver_timeout=3s",
    "wal_sender_timeout=3s",
    "wal_retrieve_retry_interval=1s",
];
const NAMES: [&str; 3] = ["n0", "n1", "n2"];
const QUORUM: &str = "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (n0, n1, n2)'";
const PATIENCE: Duration = Duration::from_secs(60);

/// The servers. They end with their value.
pub(crate) struct Group {
    servers: Vec<Server>,
    primary: usize,
}

impl Group {
    /// Starts them, with these settings besides, and waits until both standbys follow.
    pub(crate) fn start(more: &[&str]) -> Self {
        let mut servers: Vec<Server> = Vec::new();
        for name in NAMES {
            let own = format!("cluster_name={name}");
            let settings = [&SETTINGS[..], more, &[&own]].concat();
            servers.push(match servers.first() {
                None => Server::start(&settings),
                Some(primary) => primary.standby(&settings),
            });
        }
        for server in &servers {
            server.say(QUORUM);
            server.say("SELECT pg_reload_conf()");
        }
        let group = Self { servers, primary: 0 };
        group.until_followed_by(2);
        group
    }

    /// Where the database of this name is.
    pub(crate) fn url(&self, database: &str) -> String {
        let hosts: Vec<String> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        format!("postgres://procession@{}/{database}", hosts.join(","))
    }

    /// Makes an empty database and says where it is.
    pub(crate) fn database(&self, name: &str) -> String {
        self.primary().say(&format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// The servers, in the order of the URL.
    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The number of the primary.
    pub(crate) fn number(&self) -> usize {
        self.primary
    }

    /// The primary.
    pub(crate) fn primary(&self) -> &Server {
        &self.servers[self.primary]
    }

    /// As `primary`, to be killed.
    pub(crate) fn primary_mut(&mut self) -> &mut Server {
        &mut self.servers[self.primary]
    }

    /// The server of this number.
    pub(crate) fn server_mut(&mut self, number: usize) -> &mut Server {
        &mut self.servers[number]
    }

    /// What an operator or a program does when the primary answers no more: lets the standbys go from it, promotes the one
    /// that has most, and lets the other follow that. The old primary is left as it is.
    pub(crate) fn fail_over(&mut self) {
        let standbys = || (0..NAMES.len()).filter(|number| *number != self.primary);
        // Otherwise an old primary that still works could have one of them acknowledge what the other never gets.
        standbys().for_each(|number| self.follow(number, None));
        for number in standbys() {
            self.until(number, "SELECT COUNT(*) = 0 FROM pg_stat_wal_receiver");
        }
        let has = |number: &usize| {
            let sql =
                "SELECT pg_wal_lsn_diff(GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')::BIGINT";
            self.servers[*number].say(sql).parse::<u64>().unwrap()
        };
        let new = standbys().max_by_key(has).unwrap();
        assert_eq!(self.servers[new].say("SELECT pg_promote()"), "t");
        standbys().filter(|number| *number != new).for_each(|number| self.follow(number, Some(new)));
        self.primary = new;
        self.until_followed_by(1);
    }

    /// Lets a standby follow another server, or none.
    fn follow(&self, number: usize, other: Option<usize>) {
        let other = other.map(|other| format!("host=127.0.0.1 port={} user=procession", self.servers[other].port()));
        let to = other.unwrap_or_default();
        self.servers[number].say(&format!("ALTER SYSTEM SET primary_conninfo = '{to}'"));
        self.servers[number].say("SELECT pg_reload_conf()");
    }

    /// Makes a server a standby of the primary that has what the primary has and nothing else, whatever it was before.
    pub(crate) fn rejoin(&mut self, number: usize) {
        let primary = self.primary().url("postgres");
        self.servers[number].copy_again(&primary);
        self.until_followed_by(2);
    }

    fn until_followed_by(&self, standbys: usize) {
        let follow = "FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'";
        self.until(self.primary, &format!("SELECT COUNT(*) >= {standbys} {follow}"));
    }

    /// Waits until a server says that it is so.
    fn until(&self, number: usize, question: &str) {
        let start = Instant::now();
        while self.servers[number].say(question) != "t" {
            assert!(start.elapsed() < PATIENCE, "{question} is never so");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
