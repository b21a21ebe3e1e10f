//! What reaches standard output and standard error, and the questions asked in between.

use std::io::{self, BufRead, IsTerminal, Write};

use super::client::Answer;
use super::error::Failure;
use super::json::{Json, layout};

/// How this invocation speaks.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// The API's answers as JSON.
    pub(crate) json: bool,
    /// No notices.
    pub(crate) quiet: bool,
    /// No questions.
    pub(crate) yes: bool,
}

// === impl Output ===

impl Output {
    /// Prints a result on standard output.
    pub(crate) fn print(self, text: &str) -> Result<(), Failure> {
        print(text)
    }

    /// Prints a JSON document of our own making.
    pub(crate) fn document(self, document: &Json) -> Result<(), Failure> {
        self.print(&layout::indent(&document.compact()))
    }

    /// Prints an answer: exactly as it came, or as people read it. `{}` stands for an answer without content.
    pub(crate) fn answer(self, answer: &Answer, human: impl FnOnce(&Json) -> String) -> Result<(), Failure> {
        if self.json { self.print(&layout::indent(answer.text())) } else { self.print(&human(&answer.json()?)) }
    }

    /// Prints the line of an answer without content; `{}` as JSON.
    pub(crate) fn done(self, line: &str) -> Result<(), Failure> {
        self.print(if self.json { "{}" } else { line })
    }

    /// Tells something that is no result.
    pub(crate) fn notice(self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Asks before something is lost; only where somebody can answer.
    pub(crate) async fn confirm(self, question: &str) -> Result<(), Failure> {
        if self.yes || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(());
        }
        let question = format!("{question} [y/N] ");
        // On a thread of its own, so that an interrupt is heard while nobody answers.
        match tokio::task::spawn_blocking(move || ask(&question)).await {
            Ok(Ok(reply)) if matches!(reply.trim(), "y" | "Y" | "yes" | "Yes" | "YES") => Ok(()),
            _ => Err(Failure::general("Declined")),
        }
    }
}

fn ask(question: &str) -> io::Result<String> {
    let mut error = io::stderr().lock();
    error.write_all(question.as_bytes())?;
    error.flush()?;
    drop(error);
    let mut reply = String::new();
    io::stdin().lock().read_line(&mut reply)?;
    Ok(reply)
}

/// Writes a text and a line break to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        // Whoever reads has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::general(format!("Cannot write to standard output: {error}"))),
    }
}

/// Writes a line to standard error. Nothing can be done when even that fails.
pub(crate) fn complain(text: &str) {
    let mut error = io::stderr().lock();
    let _ = error.write_all(text.as_bytes()).and_then(|()| error.write_all(b"\n")).and_then(|()| error.flush());
}
