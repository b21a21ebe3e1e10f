//! The yardstick: one axum route that returns a constant body, in a process of its own with the runtime of the server.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use http::header::CONTENT_TYPE;

use crate::failure::Failure;

/// A running bare route; ends when it is dropped.
pub(crate) struct Bare {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

// === impl Bare ===

impl Bare {
    /// Starts this executable again, as the bare route.
    pub(crate) fn start(body_bytes: u64) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(format!("--bare-route={body_bytes}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let mut bare = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        match (read, line.trim().parse()) {
            (Some(Ok(_)), Ok(address)) => bare.address = address,
            _ => return Err(Failure::Unusable("the bare route does not start".into())),
        }
        Ok(bare)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends, which it does with the process that started this one.
pub(crate) fn serve(body_bytes: usize) -> ExitCode {
    // As many worker threads as the server: tokio's default.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let body = Bytes::from(vec![b'x'; body_bytes]);
    let answer = move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
    let router: Router = Router::new().route("/v1/secrets/{*path}", get(answer));
    let served = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            println!("{}", listener.local_addr()?);
            // The server does so too. A connection on which it fails is only slower.
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            axum::serve(listener, router).await
        })
    });
    if let Err(error) = served {
        eprintln!("the bare route ended: {error}");
    }
    ExitCode::FAILURE
}
