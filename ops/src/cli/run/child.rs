//! The running command: gets the signals this process gets, and is replaced when it has to be.

use std::future::poll_fn;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::task::Poll;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{self, SignalKind};
use zeroize::Zeroizing;

use super::program::Program;
use super::sources::Loaded;
use crate::cli::error::{Exit, Failure};

/// How long a command that is to be replaced may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

const PASSED_ON: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// Signals sent to this process. They are kept from before the command starts, so that none is lost.
pub(super) struct Signals {
    streams: Vec<(Signal, unix::Signal)>,
}

/// A running command.
pub(super) struct Child {
    process: tokio::process::Child,
}

/// How a run came to its end.
pub(super) enum End {
    /// The command ended.
    Ended(Exit),
    /// It was stopped, because there are other values now.
    Replaced(Loaded),
}

// === impl Signals ===

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> Result<Self, Failure> {
        let streams = PASSED_ON.iter().map(|signal| {
            unix::signal(SignalKind::from_raw(*signal as i32))
                .map(|stream| (*signal, stream))
                .map_err(|error| Failure::general(format!("Signals cannot be received: {error}")))
        });
        Ok(Self { streams: streams.collect::<Result<_, _>>()? })
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (signal, stream) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }
}

// === impl Child ===

impl Child {
    /// Starts the command.
    pub(super) fn start(program: &Program, variables: &[(String, Zeroizing<String>)]) -> Result<Self, Failure> {
        match program.command(variables).spawn() {
            Ok(process) => Ok(Self { process }),
            Err(error) => Err(program.fault(&error)),
        }
    }

    /// Waits until it ends, or until `changed` has other values and it has been stopped for them.
    pub(super) async fn run(
        &mut self,
        signals: &mut Signals,
        changed: impl Future<Output = Loaded>,
    ) -> Result<End, Failure> {
        let mut changed = pin!(changed);
        loop {
            tokio::select! {
                status = self.process.wait() => return ended(status).map(End::Ended),
                signal = signals.next() => self.pass_on(signal),
                next = &mut changed => return self.replace(signals, next).await,
            }
        }
    }

    async fn replace(&mut self, signals: &mut Signals, next: Loaded) -> Result<End, Failure> {
        self.send(Signal::SIGTERM);
        let mut wanted = true;
        let mut patience = pin!(tokio::time::sleep(PATIENCE));
        let mut killed = false;
        loop {
            tokio::select! {
                status = self.process.wait() => {
                    let exit = ended(status)?;
                    return Ok(if wanted { End::Replaced(next) } else { End::Ended(exit) });
                }
                signal = signals.next() => {
                    // Somebody wants the command to end, not to start anew.
                    wanted = wanted && matches!(signal, Signal::SIGUSR1 | Signal::SIGUSR2);
                    self.pass_on(signal);
                }
                () = &mut patience, if !killed => {
                    killed = true;
                    self.send(Signal::SIGKILL);
                }
            }
        }
    }

    /// A terminal sends its interrupt and quit to the whole foreground group: the command has them already.
    fn pass_on(&self, signal: Signal) {
        if !(matches!(signal, Signal::SIGINT | Signal::SIGQUIT) && std::io::stdin().is_terminal()) {
            self.send(signal);
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(id) = self.process.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended this very moment; then nobody is left to be told.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> Result<Exit, Failure> {
    let status = status.map_err(|error| Failure::general(format!("The command is lost: {error}")))?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(Exit(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::GENERAL.0)))
}
