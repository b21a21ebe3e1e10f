//! The wall clock of one process, moved from outside while it runs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::server::Setup;

/// The clock of one process.
pub struct WallClock {
    offset: File,
}

impl WallClock {
    /// For a process that is about to be started.
    pub fn of(setup: Setup, directory: &Path) -> (Self, Setup) {
        let path = directory.join("clock");
        let offset = OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
        let clock = Self { offset };
        clock.set(0);
        let setup = setup.with("LD_PRELOAD", library()).with("FAULT_CLOCK", path.to_str().unwrap());
        (clock, setup)
    }

    /// Goes by the real time and so much.
    pub fn ahead(&self, by: Duration) {
        self.set(i64::try_from(by.as_micros()).unwrap());
    }

    /// Goes by the real time less so much.
    pub fn behind(&self, by: Duration) {
        self.set(-i64::try_from(by.as_micros()).unwrap());
    }

    /// Goes by the real time.
    pub fn right(&self) {
        self.set(0);
    }

    fn set(&self, micros: i64) {
        self.offset.write_all_at(&micros.to_ne_bytes(), 0).unwrap();
    }
}

/// Made once for this process, by the C compiler that builds need as well.
fn library() -> &'static str {
    static LIBRARY: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/clock.c");
        let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&path).arg(source).status().unwrap();
        assert!(made.success(), "cc cannot make {}", path.display());
        let path = path.to_str().unwrap().to_owned();
        (directory, path)
    });
    path
}
