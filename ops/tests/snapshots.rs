//! Restarts of the executable: from its snapshot, past one that is damaged or of another kind, and with a log that was
//! altered behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection, Executor, SqliteConnection};

use api::Api;
use server::{Setup, Store};

/// Each is a record, and one more of audit entries: enough for a snapshot at the end.
const WRITES: u32 = 520;
const PATIENCE: Duration = Duration::from_secs(30);

/// A store with a snapshot, and its administrator's token.
struct Place {
    setup: Setup,
    token: String,
    directory: tempfile::TempDir,
}

impl Place {
    async fn filled() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup::production(directory.path(), &Store::Sqlite).with("LOG_LEVEL", "info");
        let server = setup.start();
        let token = server.value("Bootstrap token: ").unwrap();
        let api = Api::new(&server.url, &token);
        for number in 0..WRITES {
            api.write(&format!("app/{number}"), &json!({"data": {"value": number}})).await;
        }
        assert_eq!(server.terminate(), 0);
        Self { setup, token, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("errors.log")).unwrap()
    }

    /// The one snapshot.
    fn snapshot(&self) -> (PathBuf, Vec<u8>) {
        let files = std::fs::read_dir(self.path("data/snapshots")).unwrap().map(|file| file.unwrap().path());
        let files: Vec<_> = files.collect();
        assert_eq!(files.len(), 1, "{files:?}");
        (files[0].clone(), std::fs::read(&files[0]).unwrap())
    }

    /// Leaves this one alone: a start that folds the log leaves another.
    fn replace(&self, file: &Path, bytes: &[u8]) {
        std::fs::remove_dir_all(self.path("data/snapshots")).unwrap();
        std::fs::create_dir(self.path("data/snapshots")).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// Starts with a log of its own, looks at what is served, and stops.
    async fn restarted(&self) -> String {
        std::fs::remove_file(self.path("errors.log")).unwrap();
        let server = self.setup.start();
        let api = Api::new(&server.url, &self.token);
        assert_eq!(api.read("/v1/secrets/app/7").await["data"]["value"], 7);
        assert_eq!(api.read("/v1/secrets?prefix=app/&limit=1").await["total_count"], WRITES);
        let begun = Instant::now();
        while self.log().contains("snapshot read") && !self.log().contains("the log before the snapshot is sound") {
            assert!(begun.elapsed() < PATIENCE, "the log is not checked: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(server.terminate(), 0);
        self.log()
    }
}

#[tokio::test]
async fn a_start_resumes_from_a_sound_snapshot_only() {
    let place = Place::filled().await;
    let log = place.restarted().await;
    assert!(log.contains("snapshot read"), "{log}");

    let (file, sound) = place.snapshot();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    place.replace(&file, &damaged);
    let log = place.restarted().await;
    assert!(log.contains("a snapshot cannot be used") && !log.contains("snapshot read"), "{log}");

    // Of another version: its schema, which follows the line that names the form, is another.
    let mut foreign = sound.clone();
    let schema = foreign.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    foreign[schema] = if foreign[schema] == b'0' { b'1' } else { b'0' };
    place.replace(&file, &foreign);
    let log = place.restarted().await;
    assert!(log.contains("log folded") && !log.contains("snapshot read"), "{log}");

    place.replace(&file, &sound);
    let log = place.restarted().await;
    assert!(log.contains("snapshot read"), "{log}");
}

#[tokio::test]
async fn a_log_altered_behind_the_snapshot_is_found() {
    let place = Place::filled().await;
    let file = place.path("data/scaivault.db");
    let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    database.execute("DROP TRIGGER events_refuse_update").await.unwrap();
    database.execute("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 40").await.unwrap();
    database.close().await.unwrap();

    let server = place.setup.start();
    let api = Api::new(&server.url, &place.token);
    let begun = Instant::now();
    loop {
        let body = api.read("/v1/health/ready").await;
        if body["checks"]["projections"] == "degraded" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is found: {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.errors().contains("position 40"), "{}", server.errors());
    assert_eq!(api.read("/v1/secrets/app/7").await["data"]["value"], 7, "what had come of the sound log is served");
    assert_eq!(server.terminate(), 0);

    // A start without it looks at all of the log first.
    std::fs::remove_dir_all(place.path("data/snapshots")).unwrap();
    let mut refused = place.setup.command(&["server"]);
    let refused = refused.output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("position 40"), "{refused:?}");
}
