//! Programs in other languages that say whether they believe a request.
//!
//! A machine without their libraries fails the tests: `ops/scripts/webhook-receivers` installs them beside what is built.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::heard::Heard;

/// A running one; killed when it is dropped.
pub struct Program {
    child: Child,
    asked: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// In Python.
    pub fn python(file: &str) -> Self {
        Self::start(Command::new(tools().join("bin/python")).arg(place(file)))
    }

    /// In JavaScript.
    pub fn node(file: &str) -> Self {
        Self::start(Command::new("node").arg(place(file)).env("NODE_PATH", tools().join("node_modules")))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (asked, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, asked, told: BufReader::new(told).lines() }
    }

    /// The id of the event if it believes a request, or `refused`.
    pub fn verdict(&mut self, secret: &str, request: &Heard) -> String {
        let headers: serde_json::Map<_, _> =
            request.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let line = json!({"secret": secret, "body": request.body, "headers": headers});
        writeln!(self.asked, "{line}").unwrap();
        self.told.next().expect("it goes on").unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn place(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receivers").join(file)
}

fn tools() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_scaivault"));
    let target = binary.ancestors().find(|place| place.join("tools/webhook-receivers").exists());
    let target = target.expect("these tests need libraries of receivers: run ops/scripts/webhook-receivers");
    target.join("tools/webhook-receivers")
}
