//! repmgr beside each of several servers, as in production: it promotes a standby by itself when the primary is gone.

use std::{
    fs,
    os::unix::fs::chown,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Group, NOBODY, binary, is_root, never_as_root};

/// As docs/operations.md recommends it, but for addresses and paths.
const SETTINGS: &str = "failover=automatic
monitor_interval_secs=1
reconnect_attempts=2
reconnect_interval=2
connection_check_type=ping
primary_visibility_consensus=true
election_rerun_interval=1
primary_notification_timeout=10
promote_check_interval=1
promote_check_timeout=10
repmgrd_standby_startup_timeout=10
";

/// The programs that watch. They end with their value.
pub(crate) struct Watch(Vec<Child>);

impl Watch {
    /// What each server has to be started with.
    pub(crate) const SERVER_SETTINGS: [&str; 1] = ["shared_preload_libraries=repmgr"];

    /// Makes the servers known to each other, and watches from now on.
    pub(crate) fn over(group: &Group) -> Self {
        group.primary().say("CREATE EXTENSION repmgr");
        for (number, server) in group.servers().iter().enumerate() {
            let (folder, bin) = (server.folder().display(), binary("postgres"));
            let (bin, number) = (bin.parent().unwrap().display(), number + 1);
            let configuration = format!(
                "node_id={number}\nnode_name=n{}\nconninfo='host=127.0.0.1 port={} user=procession dbname=postgres connect_timeout=2'\n\
                 data_directory='{folder}/data'\npg_bindir='{bin}'\nlog_file='{folder}/repmgr.log'\n\
                 promote_command='{bin}/repmgr standby promote -f {folder}/repmgr.conf --log-to-file'\n\
                 follow_command='{bin}/repmgr standby follow -f {folder}/repmgr.conf --log-to-file --upstream-node-id=%n'\n{SETTINGS}",
                number - 1,
                server.port(),
            );
            let path = server.folder().join("repmgr.conf");
            fs::write(&path, configuration).unwrap();
            if is_root() {
                chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            let role: &[&str] =
                if number == 1 { &["primary"] } else { &["standby", "--upstream-node-id=1", "--wait-sync=30"] };
            let mut register = never_as_root("repmgr");
            register.arg("-f").arg(&path).arg(role[0]).arg("register").args(&role[1..]);
            let said = register.output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        }
        let watch = |server: &super::Server| {
            let mut command = never_as_root("repmgrd");
            command.arg("-f").arg(server.folder().join("repmgr.conf")).args(["--daemonize=false", "--no-pid-file"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let watch = Self(group.servers().iter().map(watch).collect());
        watch.until_ready(group);
        watch
    }

    /// Sends the one beside this server a signal: it is on the same machine.
    pub(crate) fn signal(&self, number: usize, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.0[number].id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Each says so itself, in the server that it is beside.
    fn until_ready(&self, group: &Group) {
        let start = Instant::now();
        for server in group.servers() {
            while server.say("SELECT repmgr.repmgrd_is_running()") != "t" {
                assert!(start.elapsed() < Duration::from_secs(60), "repmgrd does not start");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
