//! A private NATS server with `JetStream`, ended when it is dropped.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{self, Failure};
use crate::server::free_address;

/// Longest time to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where packages put it, besides the search path.
const PATHS: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// A running broker.
pub(crate) struct Broker {
    child: Child,
    address: SocketAddr,
}

// === impl Broker ===

impl Broker {
    /// Starts `nats-server` with its store in `directory`.
    pub(crate) fn start(directory: &Path) -> Result<Self, Failure> {
        use std::os::unix::process::CommandExt as _;
        let address = free_address()?;
        let log = File::create(directory.join("broker.log"))?;
        let searched = std::env::var("PATH").unwrap_or_default();
        let child = Command::new("nats-server")
            .env("PATH", format!("{searched}:{PATHS}"))
            .args(["-js", "-a", "127.0.0.1", "-p", &address.port().to_string(), "-sd"])
            .arg(directory.join("broker"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::Unusable(format!("nats-server does not start: {error}")))?;
        let mut broker = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            failure::check()?;
            if begun.elapsed() > PATIENCE || broker.child.try_wait()?.is_some() {
                return Err(Failure::Unusable("nats-server does not listen".into()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }

    /// For `NATS_URL`.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
