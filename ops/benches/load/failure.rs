//! Why a run ends early. An interrupt is an error like any other, so that everything is stopped and removed on the way
//! out.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Why a backend is not measured to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// SIGINT or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// Something needed does not start or does not answer as it should; the text says what.
    #[error("{0}")]
    Unusable(String),
    /// This host.
    #[error("{0}")]
    Host(#[from] io::Error),
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on, SIGINT and SIGTERM make [`check`] fail instead of ending the process.
pub(crate) fn watch_interrupts() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        INTERRUPTED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Fails once the run has been interrupted. Every loop that waits asks.
pub(crate) fn check() -> Result<(), Failure> {
    if INTERRUPTED.load(Ordering::Relaxed) { Err(Failure::Interrupted) } else { Ok(()) }
}
