//! The executable as a process of its own: a server on a free port, ended when it is dropped.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");
/// Longest time to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started; the same again after it has ended.
#[derive(Clone)]
pub struct Setup {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    directory: PathBuf,
}

/// A running server.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    /// What it printed by the time it was ready.
    pub printed: Vec<String>,
    lines: Receiver<String>,
    errors: PathBuf,
}

/// Where a log is kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// In the data directory.
    Sqlite,
    /// At this URL.
    Postgres(String),
}

impl Setup {
    /// Development mode; `directory` holds what the test keeps, not what the server does.
    pub fn dev(directory: &Path) -> Self {
        Self { arguments: vec!["server".into(), "--dev".into()], variables: Vec::new(), directory: directory.into() }
            .with("BIND_ADDRESS", "127.0.0.1:0")
    }

    /// Production mode with the root key, and the log unless it is elsewhere, in `directory`.
    pub fn production(directory: &Path, store: &Store) -> Self {
        let data = directory.join("data");
        let setup = Self { arguments: vec!["server".into()], variables: Vec::new(), directory: directory.into() }
            .with("BIND_ADDRESS", "127.0.0.1:0")
            .with("METRICS_BIND_ADDRESS", "off")
            .with("RATE_LIMIT_ENABLED", "false")
            .with("DATA_DIR", data.to_str().unwrap());
        match store {
            Store::Sqlite => setup,
            Store::Postgres(url) => setup.with("DATABASE_URL", url),
        }
    }

    /// With a variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// With a further argument.
    pub fn argument(mut self, text: &str) -> Self {
        self.arguments.push(text.into());
        self
    }

    /// The executable with other arguments in the same environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.directory).stdin(Stdio::null());
        command
    }

    /// Starts and waits until it listens and, in development mode, has shown its token.
    pub fn start(&self) -> Server {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let errors = self.directory.join("errors.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&errors).unwrap();
        let mut command = self.command(&arguments);
        if !self.variables.iter().any(|(name, _)| name == "LOG_LEVEL") {
            command.env("LOG_LEVEL", "warn");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut server = Server { child, url: String::new(), printed: Vec::new(), lines, errors };
        let last =
            if self.arguments.iter().any(|argument| argument == "--dev") { "Root token: " } else { "Listening on " };
        while !server.printed.last().is_some_and(|line| line.starts_with(last)) {
            let line = server.lines.recv_timeout(PATIENCE);
            server.printed.push(line.unwrap_or_else(|error| panic!("no server ({error}): {}", server.errors())));
        }
        server.url = server.value("Listening on ").unwrap();
        server
    }
}

impl Server {
    /// The rest of the line that starts so.
    pub fn value(&self, start: &str) -> Option<String> {
        self.printed.iter().find_map(|line| line.strip_prefix(start)).map(str::to_owned)
    }

    /// Id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it had ended before: {status}: {}", self.errors());
    }

    /// SIGTERM; the exit status, once nothing listens any more.
    pub fn terminate(mut self) -> i32 {
        let id = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(asked.elapsed() < PATIENCE, "it does not stop: {}", self.errors());
            std::thread::sleep(Duration::from_millis(10));
        };
        let address = self.url.trim_start_matches("http://");
        assert!(std::net::TcpStream::connect(address).is_err(), "something still listens on {address}");
        status.code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
