//! Log lines on their way to standard error. A line for each request is too many to write one by one: a thread of its
//! own writes what a few milliseconds bring. What is severe is written at once, with all that came before it.

use std::io::Write as _;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tracing::Level;

/// How long a line may wait for others.
const GATHERING: Duration = Duration::from_millis(5);
/// How long the end of the process may wait for its last lines.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes that may wait; who brings more writes them himself.
const MOST_BYTES: usize = 256 * 1024;

/// Standard error of this process.
pub(super) static OUTPUT: Output = Output::new();

/// Lines that wait, and who writes them.
pub(super) struct Output {
    waiting: Mutex<Waiting>,
    came: Condvar,
    /// Held by who writes, so that lines stay in order.
    writing: Mutex<()>,
}

struct Waiting {
    lines: Vec<u8>,
    /// Whether a thread comes for them.
    attended: bool,
}

// === impl Output ===

impl Output {
    const fn new() -> Self {
        let waiting = Waiting { lines: Vec::new(), attended: false };
        Self { waiting: Mutex::new(waiting), came: Condvar::new(), writing: Mutex::new(()) }
    }

    /// Takes a line.
    pub(super) fn line(&self, level: Level, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        let is_first = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        let at_once = level <= Level::WARN || waiting.lines.len() > MOST_BYTES || !waiting.attended;
        drop(waiting);
        if at_once {
            self.flush();
        } else if is_first {
            self.came.notify_one();
        }
    }

    /// Writes all that waits.
    pub(super) fn flush(&self) {
        self.write(&self.writing.lock());
    }

    /// The same at the end of the process, which does not wait long for who has stopped reading.
    pub(super) fn finish(&self) {
        if let Some(one) = self.writing.try_lock_for(PATIENCE) {
            self.write(&one);
        }
    }

    fn write(&self, _one: &MutexGuard<'_, ()>) {
        let mut lines = std::mem::take(&mut self.waiting.lock().lines);
        // Nobody reading any more is no reason to stop serving, and there is no other place to say so.
        let _ = std::io::stderr().lock().write_all(&lines);
        lines.clear();
        let mut waiting = self.waiting.lock();
        if waiting.lines.is_empty() {
            waiting.lines = lines;
        }
    }

    /// Lets a thread write. Without one, each line is written as it comes.
    pub(super) fn attend(&'static self) {
        let attended = std::thread::Builder::new().name("log".to_owned()).spawn(|| self.run()).is_ok();
        self.waiting.lock().attended = attended;
    }

    fn run(&self) {
        loop {
            let mut waiting = self.waiting.lock();
            while waiting.lines.is_empty() {
                self.came.wait(&mut waiting);
            }
            drop(waiting);
            std::thread::sleep(GATHERING);
            self.flush();
        }
    }
}
