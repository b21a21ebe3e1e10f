//! The signals of the process: the first SIGTERM or SIGINT asks for shutdown, the second ends at once, SIGHUP reloads.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Exit code of a process that SIGINT ends.
const INTERRUPTED: i32 = 130;
/// Exit code of a process that SIGTERM ends.
const TERMINATED: i32 = 143;

/// Lets any number of tasks learn that shutdown has been asked for.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

/// Asks for shutdown.
#[derive(Clone, Debug)]
pub(crate) struct ShutdownSwitch(watch::Sender<bool>);

/// A switch, and what it switches.
pub(crate) fn shutdown() -> (ShutdownSwitch, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownSwitch(sender), Shutdown(receiver))
}

/// Takes over the signals of this process; `reload` runs on SIGHUP. Signals that come before this was called end the
/// process, so it belongs before the first listener.
pub(crate) fn listen(switch: ShutdownSwitch, reload: impl Fn() + Send + 'static) -> io::Result<()> {
    let signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup: signal(SignalKind::hangup())?,
    };
    tokio::spawn(signals.follow(switch, reload));
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

// === impl Signals ===

impl Signals {
    async fn follow(mut self, switch: ShutdownSwitch, reload: impl Fn() + Send + 'static) {
        loop {
            let code = tokio::select! {
                _ = self.terminate.recv() => TERMINATED,
                _ = self.interrupt.recv() => INTERRUPTED,
                _ = self.hangup.recv() => {
                    tracing::info!(target: "server", "reloading");
                    reload();
                    continue;
                }
            };
            if switch.is_on() {
                // What is durable is durable; whoever signals twice does not want to wait for the rest.
                crate::telemetry::flush();
                std::process::exit(code);
            }
            let signal = if code == INTERRUPTED { "SIGINT" } else { "SIGTERM" };
            tracing::info!(target: "server", signal, "shutting down");
            switch.turn_on();
        }
    }
}

// === impl Shutdown ===

impl Shutdown {
    /// Completes when shutdown is asked for, at once if it has been. Also completes when the switch is gone.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        // An error means that the sender was dropped: nobody could ask any more, so tasks end.
        let _ = receiver.wait_for(|requested| *requested).await;
    }

    /// Whether shutdown has been asked for.
    #[cfg(test)]
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

// === impl ShutdownSwitch ===

impl ShutdownSwitch {
    /// Asks for shutdown.
    pub(crate) fn turn_on(&self) {
        self.0.send_replace(true);
    }

    fn is_on(&self) -> bool {
        *self.0.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_learns_of_shutdown() {
        let (switch, first) = shutdown();
        let second = first.clone();
        assert!(!first.is_requested());
        switch.turn_on();
        first.requested().await;
        second.requested().await;
        assert!(second.is_requested());
    }
}
