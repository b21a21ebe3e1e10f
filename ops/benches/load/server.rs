//! The executable as an operator runs it: production mode and its defaults, but for rate limits.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::backend::Backend;
use crate::exchange;
use crate::failure::{self, Failure};

/// The executable of this build.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");
/// How often a starting server is asked whether it is ready.
const ASK_INTERVAL: Duration = Duration::from_millis(10);
/// Longest time to start, with a full replay; and to stop, with a last snapshot.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest time until a line is in the server's log.
const LINE_PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of the log that are shown when a server does not start.
const SHOWN_LOG_BYTES: u64 = 1_000;

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// Where it shows its metrics.
    pub(crate) metrics: SocketAddr,
    /// From the start of the process to the first `GET /v1/health/ready` that succeeds.
    pub(crate) ready_after: Duration,
    log: PathBuf,
}

/// What a server says of its replay.
#[derive(Clone, Copy)]
pub(crate) struct Folded {
    /// Last position of the log.
    pub(crate) position: u64,
    /// Audit entries in the records it folded.
    pub(crate) entries: u64,
    /// How long it took, in milliseconds.
    pub(crate) duration_ms: u64,
}

/// An address of this host that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

// === impl Backend ===

impl Backend {
    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(&self) -> Result<Server, Failure> {
        self.serve_with(Path::new(BINARY))
    }

    /// The same with another executable.
    pub(crate) fn serve_with(&self, executable: &Path) -> Result<Server, Failure> {
        let directory = self.directory.path();
        let (address, metrics) = (free_address()?, free_address()?);
        let log = directory.join("server.log");
        let begun = Instant::now();
        let child = Command::new(executable)
            .arg("server")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", directory)
            .env("DATA_DIR", directory.join("data"))
            .env("BIND_ADDRESS", address.to_string())
            .env("METRICS_BIND_ADDRESS", metrics.to_string())
            .env("RATE_LIMIT_ENABLED", "false")
            .env("SCAIVAULT_BOOTSTRAP_TOKEN_FILE", self.token_file())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            // An interrupt at the terminal is ours to act on.
            .process_group(0)
            .spawn()?;
        let mut server = Server { child, address, metrics, ready_after: Duration::ZERO, log };
        server.wait_until_ready(begun)?;
        Ok(server)
    }

    /// The administrator's token, which the first start has left.
    pub(crate) fn token(&self) -> Result<String, Failure> {
        Ok(std::fs::read_to_string(self.token_file())?.trim().to_owned())
    }

    /// Where the server keeps its snapshots.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.directory.path().join("data/snapshots")
    }

    fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }
}

// === impl Server ===

impl Server {
    fn wait_until_ready(&mut self, begun: Instant) -> Result<(), Failure> {
        loop {
            failure::check()?;
            if exchange::get(self.address, "/v1/health/ready").is_ok_and(|answer| answer.status == 200) {
                self.ready_after = begun.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Failure::Unusable(format!("the server does not start ({status}): {}", self.last_words())));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::Unusable(format!("the server does not become ready: {}", self.last_words())));
            }
            std::thread::sleep(ASK_INTERVAL);
        }
    }

    /// SIGTERM; how long it takes to end.
    pub(crate) fn stop(mut self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        kill(id, Signal::SIGTERM).map_err(std::io::Error::from)?;
        loop {
            failure::check()?;
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(begun.elapsed()),
                Some(status) => {
                    return Err(Failure::Unusable(format!("the server stops with {status}: {}", self.last_words())));
                }
                None if begun.elapsed() > PATIENCE => {
                    return Err(Failure::Unusable("the server does not stop".to_owned()));
                }
                None => std::thread::sleep(ASK_INTERVAL),
            }
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its line about the replay at start, which is written some milliseconds late.
    pub(crate) fn folded(&self) -> Result<Folded, Failure> {
        let begun = Instant::now();
        loop {
            match self.says_folded()? {
                Some(folded) => return Ok(folded),
                None if begun.elapsed() > LINE_PATIENCE => break,
                None => std::thread::sleep(ASK_INTERVAL),
            }
        }
        Err(Failure::Unusable("the server's log has no line \"log folded\"".into()))
    }

    fn says_folded(&self) -> Result<Option<Folded>, Failure> {
        for line in BufReader::new(File::open(&self.log)?).lines() {
            let line = line?;
            if line.contains("\"log folded\"")
                && let Ok(fields) = serde_json::from_str::<Value>(&line)
                && let [Some(position), Some(entries), Some(duration_ms)] =
                    ["position", "entries", "duration_ms"].map(|name| fields.get(name).and_then(number))
            {
                return Ok(Some(Folded { position, entries, duration_ms }));
            }
        }
        Ok(None)
    }

    fn last_words(&self) -> String {
        let mut text = String::new();
        let read = File::open(&self.log).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(SHOWN_LOG_BYTES)))?;
            file.read_to_string(&mut text)
        });
        if read.is_err() { "its log cannot be read".to_owned() } else { text.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
