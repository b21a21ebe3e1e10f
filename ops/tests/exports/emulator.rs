//! Object stores that run on this machine, one for each kind, ended when dropped.
//!
//! A machine without them fails the tests: `ops/scripts/object-stores` installs them beside what is built.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest time to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// The emulator of Google Cloud Storage names no entity tags, which the service does with every answer.
const GCS: &str = "
import sys, http.server
end = http.server.BaseHTTPRequestHandler.end_headers
def with_tag(self):
    if b'etag' not in b''.join(getattr(self, '_headers_buffer', [])).lower():
        self.send_header('ETag', '\"1\"')
    end(self)
http.server.BaseHTTPRequestHandler.end_headers = with_tag
from gcp_storage_emulator.server import create_server
create_server('127.0.0.1', int(sys.argv[1]), in_memory=True, default_bucket='audit').run()
";

/// A running emulator.
pub struct Emulator {
    child: Child,
    pub port: u16,
    pub directory: TempDir,
}

impl Emulator {
    /// S3.
    pub fn s3() -> Self {
        Self::start(|port, _| {
            let mut command = Command::new(tools().join("bin/moto_server"));
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        })
    }

    /// Azure Blob Storage.
    pub fn azure() -> Self {
        Self::start(|port, directory| {
            let mut command = Command::new("node");
            command.arg(tools().join("node_modules/.bin/azurite-blob"));
            command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--location"]);
            command.arg(directory).args(["--skipApiVersionCheck", "--disableTelemetry"]);
            command
        })
    }

    /// Google Cloud Storage, with the bucket `audit`.
    pub fn gcs() -> Self {
        Self::start(|port, _| {
            let mut command = Command::new(python());
            command.args(["-W", "ignore", "-c", GCS, &port.to_string()]);
            command
        })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn start(command: impl Fn(u16, &Path) -> Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = directory.path().join("emulator.log");
        let mut command = command(port, directory.path());
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap())
            .process_group(0)
            .spawn();
        let child = child.expect("these tests need emulators of object stores: run ops/scripts/object-stores");
        let mut emulator = Self { child, port, directory };
        let asked = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert!(emulator.child.try_wait().unwrap().is_none(), "the emulator ended: {log}");
            assert!(asked.elapsed() < PATIENCE, "the emulator does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        emulator
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where they are installed.
fn tools() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_scaivault"));
    let target = binary.ancestors().find(|place| place.join("tools/object-stores").exists());
    let target = target.expect("these tests need emulators of object stores: run ops/scripts/object-stores");
    target.join("tools/object-stores")
}

pub fn python() -> PathBuf {
    tools().join("bin/python")
}
