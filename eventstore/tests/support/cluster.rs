//! A private PostgreSQL server for one test process, thrown away when the process ends.
//!
//! Stands alone (std only), so that other test crates can include it by path. A machine without
//! PostgreSQL fails the tests: what is not tested must not look green.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A running server with durable commits.
pub struct Cluster {
    directory: PathBuf,
    programs: PathBuf,
    port: u16,
    /// We are root, which PostgreSQL refuses to run as.
    root: bool,
    creating: Mutex<u32>,
    /// Removes everything once its standard input closes: when this is dropped, or the process dies.
    watchdog: Child,
}

impl Cluster {
    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of its own, for tests that stop it.
    pub fn start() -> Self {
        Self::start_in(&std::env::temp_dir())
    }

    /// The same with everything it keeps somewhere below `parent`.
    pub fn start_in(parent: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let programs = programs();
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = parent.join(format!("pg-{}-{number}-{nanos}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        let root = fs::metadata(&directory).unwrap().uid() == 0;
        if root {
            run(Command::new("chown").arg("postgres").arg(&directory));
        }
        let watchdog = watchdog(&directory, &programs, root);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { directory, programs, port, root, creating: Mutex::new(0), watchdog };
        let data = cluster.data();
        run(cluster.program("initdb").arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nfsync = on\n\
             synchronous_commit = on\nmax_connections = 200\n",
            cluster.directory.display()
        );
        fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .unwrap();
        cluster.resume();
        cluster
    }

    /// Creates an empty database and returns its URL.
    pub fn database(&self) -> String {
        // One at a time: each copies the template, which nobody else may use meanwhile.
        let mut number = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let name = format!("test_{number}");
        let port = self.port.to_string();
        run(self.program("createdb").args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name]));
        format!("postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    }

    /// Stops the server at once, as a crash would.
    pub fn crash(&self) {
        run(self.program("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]));
    }

    /// Stops and starts the server at once.
    pub fn restart(&self) {
        let log = self.directory.join("server.log");
        run(self.program("pg_ctl").arg("-D").arg(self.data()).arg("-l").arg(log).args([
            "-m",
            "immediate",
            "-w",
            "restart",
        ]));
    }

    /// Whether the server runs.
    pub fn runs(&self) -> bool {
        let mut status = self.program("pg_ctl");
        let status = status.arg("-D").arg(self.data()).arg("status").stdin(Stdio::null()).stdout(Stdio::null());
        status.status().unwrap().success()
    }

    /// Where it listens, on this host.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server again on the same data and port.
    pub fn resume(&self) {
        let log = self.directory.join("server.log");
        run(self.program("pg_ctl").arg("-D").arg(self.data()).arg("-l").arg(log).args(["-w", "start"]));
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if self.root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.directory);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Directory of `initdb`: from the search path, or where distributions put it.
fn programs() -> PathBuf {
    let searched = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&searched).collect();
    let mut installed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    installed.sort();
    candidates.extend(installed.into_iter().rev());
    candidates
        .into_iter()
        .find(|directory| ["initdb", "pg_ctl", "createdb"].iter().all(|name| directory.join(name).exists()))
        .unwrap_or_else(|| {
            panic!(
                "these tests need a PostgreSQL server (14 or later): install it so that initdb, pg_ctl and createdb \
             are on PATH or in /usr/lib/postgresql/<version>/bin"
            )
        })
}

/// Waits for the end of this process, however it ends; in its own process group, so that an
/// interrupt at the terminal does not end it first.
fn watchdog(directory: &Path, programs: &Path, root: bool) -> Child {
    let stop = if root { "runuser -u postgres -- \"$1/pg_ctl\"" } else { "\"$1/pg_ctl\"" };
    let script = format!("cd /; cat; {stop} -D \"$0/data\" -m immediate -w stop; rm -rf \"$0\"");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(directory)
        .arg(programs)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh starts")
}

fn run(command: &mut Command) {
    // Not piped: the server would inherit the pipe and keep it open.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(status.success(), "{command:?} failed: {status}");
}
