//! Somebody who runs the executable, in an environment of their own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::fake::Fake;

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");
/// A token of the right form.
pub(crate) const TOKEN: &str = "skt_0aB4cdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV";

/// A user with a home of their own.
pub(crate) struct User {
    pub(crate) home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn of(fake: &Fake) -> Self {
        Self::new().with("SCAIVAULT_URL", &fake.url).with("SCAIVAULT_TOKEN", TOKEN)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(BINARY);
        command.args(line.split(' ').filter(|word| !word.is_empty())).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, line: &str) -> Done {
        Done::of(self.command(line).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, line: &str, input: &str) -> Done {
        let mut command = self.command(line);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Done::of(child.wait_with_output().unwrap())
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.home.path().join(".scaivault/config.json")
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.home.path().join(name), content).unwrap();
        name.to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn printed(self, text: &str) -> Self {
        assert_eq!((self.status, self.out.as_str()), (0, text), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn failed(self, status: i32, error: &str) -> Self {
        assert_eq!((self.status, self.out.as_str()), (status, ""), "{self:?}");
        assert!(self.err.contains(error), "{self:?}");
        self
    }
}
