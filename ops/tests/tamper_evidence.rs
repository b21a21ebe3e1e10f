//! The executable with a log that somebody alters behind it: what the command line finds, what the server refuses
//! to sign, and that being killed alters nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "support/server.rs"]
mod server;

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::select_all;
use reqwest::Method;
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::note::Signer;
use scaivault_eventstore::merkle::{leaf_hash, root_of};
use scaivault_eventstore::{Position, Record, RecordedAt, Revision, StreamId};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqliteConnection};

use api::Api;
use server::{Server, Setup, Store};

const PATIENCE: Duration = Duration::from_secs(30);

/// A store in production mode, and its administrator's token.
struct Place {
    setup: Setup,
    token: String,
    directory: tempfile::TempDir,
}

impl Place {
    /// Makes a store; its server runs.
    fn made() -> (Self, Server) {
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup::production(directory.path(), &Store::Sqlite).with("AUDIT_ORIGIN", "vault.example.com/audit");
        let server = setup.start();
        let token = server.value("Bootstrap token: ").unwrap();
        (Self { setup, token, directory }, server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn api(&self, server: &Server) -> Api {
        Api::new(&server.url, &self.token)
    }

    fn cli(&self, server: &Server, arguments: &[&str]) -> Output {
        self.cli_as(server, &self.token, arguments)
    }

    fn cli_as(&self, server: &Server, token: &str, arguments: &[&str]) -> Output {
        let mut command = self.setup.command(arguments);
        command.env("SCAIVAULT_URL", &server.url).env("SCAIVAULT_TOKEN", token).output().unwrap()
    }

    /// Somebody with access to the file: nothing holds him back.
    async fn meddle(&self, sql: &str) {
        let mut database = self.database().await;
        database.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        database.close().await.unwrap();
    }

    async fn database(&self) -> SqliteConnection {
        let mut database = SqliteConnection::connect(self.path("data/scaivault.db").to_str().unwrap()).await.unwrap();
        for table in ["events", "checkpoints", "tiles"] {
            for what in ["update", "delete"] {
                let drop = format!("DROP TRIGGER IF EXISTS {table}_refuse_{what}");
                database.execute(AssertSqlSafe(drop)).await.unwrap();
            }
        }
        database
    }

    /// Changes when a record was made, and its leaf with it: only the tree can tell.
    async fn backdate(&self, position: i64) {
        let mut database = self.database().await;
        let sql = "SELECT stream, revision, type, schema_version, recorded_at, body_sha256, entries_root FROM events \
                   WHERE position = ?";
        let row = sqlx::query(sql).bind(position).fetch_one(&mut database).await.unwrap();
        let blob = |index: usize| row.get::<Vec<u8>, _>(index);
        let record = Record {
            position: Position(position.unsigned_abs()),
            stream: StreamId(blob(0).try_into().unwrap()),
            revision: Revision(row.get::<i64, _>(1).unsigned_abs()),
            kind: row.get::<String, _>(2).into(),
            schema_version: row.get::<i32, _>(3).try_into().unwrap(),
            recorded_at: RecordedAt(row.get::<i64, _>(4) - 1),
            command_id: None,
            body: Box::default(),
            body_sha256: blob(5).try_into().unwrap(),
            entries_root: row.get::<Option<Vec<u8>>, _>(6).map(|root| root.try_into().unwrap()),
            leaf_hash: [0; 32],
            data_key: None,
        };
        let update = "UPDATE events SET recorded_at = recorded_at - 1, leaf_hash = ? WHERE position = ?";
        sqlx::query(update).bind(leaf_hash(&record).to_vec()).bind(position).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    /// Sizes of the kept checkpoints.
    async fn kept(&self) -> Vec<i64> {
        let mut database = self.database().await;
        let rows = sqlx::query("SELECT tree_size FROM checkpoints ORDER BY tree_size");
        let sizes = rows.fetch_all(&mut database).await.unwrap().iter().map(|row| row.get(0)).collect();
        database.close().await.unwrap();
        sizes
    }

    /// Waits until a checkpoint of so many records is kept.
    async fn kept_at(&self, size: u64) {
        let begun = Instant::now();
        while self.kept().await.last().is_none_or(|last| last.unsigned_abs() < size) {
            assert!(begun.elapsed() < PATIENCE, "no checkpoint of {size}: {:?}", self.kept().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn write(api: &Api, count: u32) {
    for number in 0..count {
        api.write(&format!("app/{number}"), &json!({"data": {"value": number}})).await;
    }
}

/// The key of somebody who may read the audit log, and nothing else.
async fn auditor(api: &Api) -> String {
    let body = json!({"name": "Auditor", "scopes": ["audit:read"]});
    let made = api.send(Method::POST, "/v1/identity/service-accounts", &[], Some(&body)).await.unwrap().json();
    let keys = format!("/v1/identity/service-accounts/{}/keys", made["id"].as_str().unwrap());
    let made = api.send(Method::POST, &keys, &[], Some(&json!({"name": "k"}))).await.unwrap().json();
    made["key"].as_str().unwrap().to_owned()
}

async fn size(api: &Api) -> u64 {
    checkpoint(api).await["tree_size"].as_u64().unwrap()
}

async fn checkpoint(api: &Api) -> Value {
    let headers = [("accept", "application/json")];
    let answer = api.send(Method::GET, "/v1/audit/checkpoint", &headers, None).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What `audit verify --json` found.
fn finding(output: &Output) -> (Option<i32>, Value, Value) {
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(shown["ok"], shown["reason"].is_null(), "{shown}");
    (output.status.code(), shown["first_bad_position"].clone(), shown["reason"].clone())
}

fn sound() -> (Option<i32>, Value, Value) {
    (Some(0), Value::Null, Value::Null)
}

fn bad(position: u64, reason: &str) -> (Option<i32>, Value, Value) {
    (Some(1), json!(position), json!(reason))
}

#[tokio::test]
async fn the_command_line_verifies() {
    let (place, server) = Place::made();
    let api = place.api(&server);
    write(&api, 20).await;
    let saved = place.path("checkpoint");
    let saved = saved.to_str().unwrap();

    let printed = place.cli(&server, &["audit", "checkpoint"]);
    assert!(printed.status.success(), "{printed:?}");
    let lines: Vec<&str> = text(&printed.stdout).lines().collect();
    assert_eq!((lines[0], lines[3], lines.len()), ("vault.example.com/audit", "", 5));
    let shown: Value = serde_json::from_slice(&place.cli(&server, &["audit", "checkpoint", "--json"]).stdout).unwrap();
    assert_eq!(shown["origin"], "vault.example.com/audit");

    // The first run remembers the key, and says so.
    let first = place.cli(&server, &["audit", "verify", "--save", saved]);
    assert!(first.status.success(), "{first:?}");
    let lines: Vec<&str> = text(&first.stdout).lines().collect();
    assert_eq!((lines[0], lines[3], lines[4]), ("ok: yes", "first_bad_position: -", "reason: -"));
    assert!(lines[1].starts_with("tree_size: ") && lines[2].starts_with("root_hash: "), "{lines:?}");
    let public = api.read("/v1/audit/public-key").await;
    let key = public["verifier_key"].as_str().unwrap();
    assert!(text(&first.stderr).contains(key), "{first:?}");
    let kept: Value =
        serde_json::from_slice(&std::fs::read(place.path(".scaivault/audit_keys.json")).unwrap()).unwrap();
    assert_eq!(kept[&server.url], key);
    write(&api, 5).await;
    let second = place.cli(&server, &["audit", "verify", "--json", "--since", saved]);
    assert_eq!(finding(&second), sound());
    assert!(second.stderr.is_empty(), "{second:?}");

    // Keys from elsewhere: the right one in each form, and a wrong one.
    for form in [key.to_owned(), public["public_key_pem"].as_str().unwrap().to_owned(), public.to_string()] {
        std::fs::write(place.path("key"), form).unwrap();
        assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json", "--public-key", "key"])), sound());
    }
    let stranger = Signer::from_seed("vault.example.com/audit", &[9; 32]).unwrap();
    std::fs::write(place.path("key"), stranger.verifier().to_string()).unwrap();
    let refused = finding(&place.cli(&server, &["audit", "verify", "--json", "--public-key", "key"]));
    assert_eq!((refused.0, refused.2), (Some(1), json!("checkpoint_invalid")));

    // Earlier checkpoints that are none of this log.
    let since = std::fs::read_to_string(saved).unwrap();
    let other = Checkpoint { origin: "vault.example.com/audit".into(), tree_size: 9, root: [1; 32] };
    let (size, root) = (since.lines().nth(1).unwrap(), since.lines().nth(2).unwrap());
    let altered = [since.replacen(size, &format!("{size}0"), 1), since.replacen(root, &STANDARD.encode([1; 32]), 1)];
    for forged in altered.into_iter().chain([other.sign(&stranger), "x".to_owned()]) {
        std::fs::write(place.path("forged"), forged).unwrap();
        let refused = place.cli(&server, &["audit", "verify", "--json", "--since", "forged"]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    }

    // Who administers nothing verifies what he can see.
    let auditor = auditor(&api).await;
    assert_eq!(finding(&place.cli_as(&server, &auditor, &["audit", "verify", "--json"])), sound());
    assert_eq!(server.terminate(), 0);
}

#[tokio::test]
async fn what_is_altered_under_a_running_server_is_found() {
    let (place, server) = Place::made();
    let api = place.api(&server);
    write(&api, 160).await;
    let end = size(&api).await;
    place.kept_at(end).await;
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), sound());

    for (sql, undo, position, reason) in [
        ("recorded_at = recorded_at + 1", "recorded_at = recorded_at - 1", 40, "leaf_mismatch"),
        ("body = CAST(body || x'00' AS BLOB)", "body = substr(body, 1, length(body) - 1)", 41, "body_mismatch"),
        ("revision = revision + 70000", "revision = revision - 70000", 42, "seal_broken"),
    ] {
        place.meddle(&format!("UPDATE events SET {sql} WHERE position = {position}")).await;
        assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), bad(position, reason));
        let shown = place.cli(&server, &["audit", "verify"]);
        let lines = format!("first_bad_position: {position}\nreason: {reason}");
        assert!(shown.status.code() == Some(1) && text(&shown.stdout).contains(&lines), "{shown:?}");
        place.meddle(&format!("UPDATE events SET {undo} WHERE position = {position}")).await;
        assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), sound());
    }
    let ready = api.read("/v1/health/ready").await;
    assert_eq!(ready["checks"]["projections"], "degraded", "what was found once is not forgotten");

    // Who administers nothing sees at least where a record is missing.
    let auditor = auditor(&api).await;
    let row = "CREATE TABLE kept AS SELECT * FROM events WHERE position = 45; DELETE FROM events WHERE position = 45";
    place.meddle(row).await;
    assert_eq!(finding(&place.cli_as(&server, &auditor, &["audit", "verify", "--json"])), bad(45, "hole"));
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), bad(45, "hole"));
    place.meddle("DROP TRIGGER events_refuse_gap; INSERT INTO events SELECT * FROM kept; DROP TABLE kept").await;
    assert_eq!(finding(&place.cli_as(&server, &auditor, &["audit", "verify", "--json"])), sound());

    // All that hangs on it altered too: the kept tile says which it is.
    place.backdate(50).await;
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), bad(50, "root_mismatch"));
    // Beyond the tiles the server's own memory tells; it signs nothing that the database does not have.
    place.backdate(i64::try_from(end - 2).unwrap()).await;
    let refused = api.send(Method::GET, "/v1/audit/checkpoint", &[], None).await.unwrap();
    assert_eq!((refused.status, refused.json()["error"]["code"].clone()), (500, json!("internal_error")));
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), bad(50, "root_mismatch"));
    server.kill();
}

#[tokio::test]
async fn a_rewritten_log_is_not_signed() {
    let (place, server) = Place::made();
    let api = place.api(&server);
    write(&api, 30).await;
    let end = size(&api).await;
    place.kept_at(end).await;
    assert_eq!(server.terminate(), 0);
    let _ = std::fs::remove_dir_all(place.path("data/snapshots"));
    place.backdate(20).await;

    // To a server that starts now it is the truth: but not what was signed.
    let server = place.setup.start();
    let api = place.api(&server);
    let begun = Instant::now();
    while api.read("/v1/health/ready").await["checks"]["projections"] != "degraded" {
        assert!(begun.elapsed() < PATIENCE, "nothing is noticed: {}", server.errors());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.errors().contains("the tree does not extend it"), "{}", server.errors());
    let kept = place.kept().await;
    write(&api, 3).await;
    let refused = api.send(Method::GET, "/v1/audit/checkpoint", &[], None).await.unwrap();
    assert_eq!(refused.status, 500, "{}", refused.text);
    // The first checkpoint that does not fit was kept in the seconds of the beginning: somewhere up to the record.
    let (status, position, reason) = finding(&place.cli(&server, &["audit", "verify", "--json"]));
    assert_eq!((status, reason), (Some(1), json!("checkpoint_invalid")));
    assert!((1..=20).contains(&position.as_u64().unwrap()), "{position}");
    assert_eq!(server.terminate(), 0);
    assert_eq!(place.kept().await, kept, "nothing was signed since");
}

#[tokio::test]
async fn a_cut_log_is_not_gone_on_with() {
    let (place, server) = Place::made();
    let api = place.api(&server);
    write(&api, 30).await;
    let end = size(&api).await;
    assert_eq!(server.terminate(), 0);
    assert!(place.kept().await.last().unwrap().unsigned_abs() > end, "the last checkpoint is kept at the end");
    let _ = std::fs::remove_dir_all(place.path("data/snapshots"));
    let cut = end - 6;
    place
        .meddle(&format!(
            "DELETE FROM events WHERE position > {cut}; DELETE FROM data_keys WHERE position > {cut}; \
             UPDATE head SET position = {cut}"
        ))
        .await;
    let server = place.setup.start();
    let api = place.api(&server);
    let refused = api.send(Method::GET, "/v1/audit/checkpoint", &[], None).await.unwrap();
    assert_eq!(refused.status, 500, "{}", refused.text);
    // Requests are recorded at positions that were signed for other records.
    let (status, position, reason) = finding(&place.cli(&server, &["audit", "verify", "--json"]));
    assert_eq!(status, Some(1));
    let reason = reason.as_str().unwrap().to_owned();
    assert!(["truncated", "checkpoint_invalid"].contains(&reason.as_str()), "{reason}");
    assert!(position.as_u64().unwrap() <= end + 2, "{position}");
    server.kill();
}

/// Killed in the middle of everything: whatever there is afterwards is one tree, and was signed as such.
#[tokio::test]
async fn being_killed_alters_nothing() {
    let (place, mut server) = Place::made();
    for round in 0..6_u32 {
        let api = place.api(&server);
        // Several write, across some ticks of the keeper; when one has done its part, the others are in the middle.
        let writer = async |name: u32| {
            for number in 0..120 + 11 * round {
                let path = format!("/v1/secrets/app/{round}-{name}-{number}");
                let body = json!({"data": {"value": number}});
                if api.send(Method::PUT, &path, &[], Some(&body)).await.is_err() {
                    break;
                }
            }
        };
        let first = select_all((0..4).map(|name| Box::pin(writer(name))));
        first.await;
        server.kill();
        server = place.setup.start();
    }
    let api = place.api(&server);
    let end = size(&api).await;
    place.kept_at(end).await;
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), sound());
    assert_eq!(server.terminate(), 0);
    let mut database = place.database().await;
    let leaves: Vec<[u8; 32]> = sqlx::query("SELECT leaf_hash FROM events ORDER BY position")
        .fetch_all(&mut database)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<Vec<u8>, _>(0).try_into().unwrap())
        .collect();
    let notes = sqlx::query("SELECT tree_size, note FROM checkpoints").fetch_all(&mut database).await.unwrap();
    assert!(notes.len() >= 6, "{}", notes.len());
    for row in notes {
        let size = usize::try_from(row.get::<i64, _>(0)).unwrap();
        let root = STANDARD.encode(root_of(&leaves[..size]));
        assert_eq!(row.get::<String, _>(1).lines().nth(2), Some(root.as_str()), "at {size}");
    }
    let tiles = sqlx::query("SELECT number, hashes FROM tiles WHERE level = 0 ORDER BY number");
    let tiles = tiles.fetch_all(&mut database).await.unwrap();
    assert_eq!(tiles.len(), leaves.len() / 256);
    for (tile, leaves) in tiles.iter().zip(leaves.chunks_exact(256)) {
        assert_eq!(tile.get::<Vec<u8>, _>(1), leaves.as_flattened());
    }
}

#[tokio::test]
async fn origin_and_key_are_the_stores() {
    let (place, server) = Place::made();
    let made = place.api(&server).read("/v1/audit/public-key").await;
    assert_eq!(made["origin"], "vault.example.com/audit");
    assert_eq!(server.terminate(), 0);
    // Another name is a mistake; none is no matter.
    let refused = place.setup.clone().with("AUDIT_ORIGIN", "elsewhere.example/audit").command(&["server"]).output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(
        text(&refused.stderr).contains("AUDIT_ORIGIN") && text(&refused.stderr).contains("vault.example.com/audit")
    );

    // A key brought along signs from now on, and the store's own holds for what it signed.
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let der = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    std::fs::write(place.path("signing.pem"), pem).unwrap();
    std::fs::set_permissions(place.path("signing.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let with_key = place.setup.clone().with("AUDIT_SIGNING_KEY_FILE", place.path("signing.pem").to_str().unwrap());
    let server = with_key.start();
    let brought = place.api(&server).read("/v1/audit/public-key").await;
    assert_ne!(brought["verifier_key"], made["verifier_key"]);
    assert_eq!(brought["previous"], json!([made["verifier_key"]]));
    assert_eq!(finding(&place.cli(&server, &["audit", "verify", "--json"])), sound());
    assert_eq!(server.terminate(), 0);
    let server = place.setup.start();
    let again = place.api(&server).read("/v1/audit/public-key").await;
    assert_eq!(
        (&again["verifier_key"], &again["previous"]),
        (&made["verifier_key"], &json!([brought["verifier_key"]]))
    );
    assert_eq!(server.terminate(), 0);
    std::fs::write(place.path("signing.pem"), "nonsense").unwrap();
    let refused = with_key.command(&["server"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(text(&refused.stderr).contains("AUDIT_SIGNING_KEY_FILE"), "{refused:?}");
}
