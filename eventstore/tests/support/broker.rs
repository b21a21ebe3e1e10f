//! A private NATS server with JetStream for one test, thrown away when it is dropped.
//!
//! Stands alone (std only), so that other test crates can include it by path. A machine without a
//! NATS server fails the tests: what is not tested must not look green.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest time to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A NATS server on a port of its own.
pub struct Broker {
    directory: PathBuf,
    port: u16,
    /// Ends the server once its standard input does, by a word or by the end of this process, which
    /// also removes the directory.
    running: Mutex<Option<Child>>,
}

impl Broker {
    /// The server that the tests of this process share, each with a prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// A server of its own, for tests that stop it, with lines of configuration.
    pub fn start(configuration: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("nats-{}-{number}-{nanos}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(directory.join("nats.conf"), configuration).unwrap();
        let broker = Self { directory, port, running: Mutex::new(None) };
        broker.resume();
        broker
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Where it keeps streams.
    pub fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// `kill -9`.
    pub fn crash(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut running) = running {
            running.stdin.take().unwrap().write_all(b"keep\n").unwrap();
            running.wait().unwrap();
        }
    }

    /// Loses all it keeps; only while it does not run.
    pub fn wipe(&self) {
        fs::remove_dir_all(self.store()).unwrap();
    }

    /// Starts again on the same port with what it kept.
    pub fn resume(&self) {
        let script = "\"$@\" & server=$!; word=; read -r word; kill -9 $server; wait $server; \
                      [ \"$word\" = keep ] || { cd /; rm -rf \"$0\"; }";
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(&self.directory)
            .arg(program())
            .args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"])
            .arg(self.store())
            .arg("-c")
            .arg(self.directory.join("nats.conf"))
            .args(["-l", "nats.log"])
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let asked = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            let log = fs::read_to_string(self.directory.join("nats.log")).unwrap_or_default();
            assert!(asked.elapsed() < PATIENCE, "nats-server does not start: {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many connections this host has to it.
    pub fn connections(&self) -> usize {
        let remote = format!("0100007F:{:04X}", self.port);
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let established = |line: &&str| {
            let mut columns = line.split_whitespace().skip(2);
            columns.next() == Some(remote.as_str()) && columns.next() == Some("01")
        };
        table.lines().filter(established).count()
    }

    /// Whether any file of the server's store holds `bytes`.
    pub fn keeps(&self, bytes: &[u8]) -> bool {
        holds(&self.store(), bytes)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.crash();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn holds(place: &Path, bytes: &[u8]) -> bool {
    let Ok(entries) = fs::read_dir(place) else {
        return fs::read(place).is_ok_and(|found| found.windows(bytes.len()).any(|window| window == bytes));
    };
    entries.flatten().any(|entry| holds(&entry.path(), bytes))
}

fn program() -> PathBuf {
    let searched = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&searched)
        .chain(["/usr/sbin".into(), "/usr/local/bin".into()])
        .map(|directory: PathBuf| directory.join("nats-server"))
        .find(|program| program.exists())
        .expect("these tests need a NATS server (2.9 or later): install it so that nats-server is on PATH")
}
