//! The end of a tenant: here, after a restart from the log, and from a snapshot that had it.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};

use crate::api::{Answer, Api};
use crate::process::{Setup, Store};
use crate::server::Server;
use crate::tenancy::tenant;

const PATIENCE: Duration = Duration::from_secs(30);
/// Each is a record, and one more of audit entries: enough for a snapshot at the end.
const WRITES: u32 = 520;

#[tokio::test]
async fn only_a_suspended_tenant_can_be_deleted() {
    let server = Server::start();
    let other = tenant(&server, "Other").await;
    let path = format!("/v1/identity/tenants/{other}");
    let refused = server.call("DELETE", &path, None).await;
    assert_eq!(
        (refused.status, refused.code(), refused.detail("reason")),
        (409, "resource_in_use", &json!("tenant_active"))
    );
    server.call("PATCH", &path, Some(json!({"status": "SUSPENDED"}))).await;
    let deleted = server.call("DELETE", &path, None).await;
    assert_eq!((deleted.status, &deleted.body["status"]), (202, &json!("DELETED")), "{deleted:?}");
    let asked = Instant::now();
    let gone = loop {
        let shown = server.call("GET", &path, None).await.body;
        if shown.get("shredded_at").is_some() {
            break shown;
        }
        assert!(asked.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(gone["status"], "DELETED");
    let there = server.call("GET", &format!("/v1/t/{other}/secrets"), None).await;
    assert_eq!((there.status, there.code()), (404, "tenant_not_found"));
    let back = server.call("PATCH", &path, Some(json!({"status": "ACTIVE"}))).await;
    assert_eq!((back.status, back.code()), (409, "resource_in_use"), "nothing brings it back");
    assert_eq!(server.call("DELETE", &path, None).await.status, 202, "again");
    let lists = server.call("GET", "/v1/identity/tenants", None).await.body;
    assert_eq!(lists["total"], 1, "lists leave it out");
    let lists = server.call("GET", "/v1/identity/tenants?status=DELETED", None).await.body;
    assert_eq!(lists["tenants"][0], gone);
    // Its slug is free, its id is not given again.
    assert_ne!(tenant(&server, "Other").await, other);
}

/// A store with two tenants, of which one is about to go.
struct Place {
    setup: Setup,
    token: String,
    directory: tempfile::TempDir,
}

impl Place {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("errors.log")).unwrap()
    }

    /// Waits until the log has said so.
    async fn says(&self, text: &str) {
        let asked = Instant::now();
        while !self.log().contains(text) {
            assert!(asked.elapsed() < PATIENCE, "'{text}' is not in the log: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Rows of the table of keys, with the lengths of what they hold.
    async fn keys(&self) -> Vec<(String, usize)> {
        let file = self.path("data/scaivault.db");
        let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
        let rows =
            sqlx::query("SELECT owner, length(wrapped) FROM keys WHERE level = 'tenant'").fetch_all(&mut database);
        rows.await.unwrap().iter().map(|row| (row.get(0), usize::try_from(row.get::<i64, _>(1)).unwrap())).collect()
    }
}

async fn send(api: &Api, method: Method, path: &str, body: Option<Value>) -> Answer {
    api.send(method, path, &[], body.as_ref()).await.unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn what_a_deleted_tenant_had_is_nowhere_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite).with("LOG_LEVEL", "info");
    let server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let place = Place { setup, token, directory };
    let api = Api::new(&server.url, &place.token);
    let own = api.read("/v1/auth/whoami").await;
    let partner = own["partner_id"].as_str().unwrap();
    let made =
        send(&api, Method::POST, "/v1/identity/tenants", Some(json!({"name": "Doomed", "partner_id": partner}))).await;
    let doomed = made.json()["id"].as_str().unwrap().to_owned();
    let accounts = format!("/v1/t/{doomed}/identity/service-accounts");
    let account = send(&api, Method::POST, &accounts, Some(json!({"name": "job", "roles": ["secrets-reader"]}))).await;
    assert_eq!(account.status, 201, "{}", account.text);
    let key = send(&api, Method::POST, &format!("{accounts}/sa:job/keys"), Some(json!({"name": "k"}))).await;
    let key = key.json()["key"].as_str().unwrap().to_owned();
    for number in 0..WRITES {
        let path = if number % 2 == 0 {
            format!("/v1/t/{doomed}/secrets/app/{number}")
        } else {
            format!("/v1/secrets/app/{number}")
        };
        let written = send(&api, Method::PUT, &path, Some(json!({"data": {"value": number}}))).await;
        assert_eq!(written.status, 201, "{}", written.text);
    }
    assert_eq!(server.terminate(), 0);
    let snapshots = place.path("data/snapshots");
    copy(&snapshots, &place.path("before"));

    let server = place.setup.start();
    place.says("snapshot read").await;
    let api = Api::new(&server.url, &place.token);
    let job = Api::new(&server.url, &key);
    assert_eq!(job.read("/v1/secrets/app/0").await["data"]["value"], 0);
    let path = format!("/v1/identity/tenants/{doomed}");
    assert_eq!(send(&api, Method::PATCH, &path, Some(json!({"status": "SUSPENDED"}))).await.status, 200);
    assert_eq!(send(&api, Method::DELETE, &path, None).await.status, 202);
    let asked = Instant::now();
    while api.read(&path).await.get("shredded_at").is_none() {
        assert!(asked.elapsed() < PATIENCE, "its key is not destroyed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gone(&api, &job, &doomed).await;
    assert!(
        place.keys().await.iter().all(|(owner, length)| (*owner == doomed) == (*length == 0)),
        "{:?}",
        place.keys().await
    );
    server.kill();

    // The snapshot it had is of no use any more; the log is, though some of it cannot be opened.
    std::fs::remove_file(place.path("errors.log")).unwrap();
    std::fs::remove_dir_all(&snapshots).unwrap();
    copy(&place.path("before"), &snapshots);
    let server = place.setup.start();
    place.says("a snapshot cannot be used").await;
    place.says("log folded").await;
    gone(&Api::new(&server.url, &place.token), &Api::new(&server.url, &key), &doomed).await;
    assert_eq!(server.terminate(), 0);
    let before: Vec<_> =
        std::fs::read_dir(place.path("before")).unwrap().map(|file| file.unwrap().file_name()).collect();
    let kept: Vec<_> = std::fs::read_dir(&snapshots).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!kept.is_empty() && kept.iter().all(|file| !before.contains(file)), "{kept:?}");

    // From a snapshot made after it.
    std::fs::remove_file(place.path("errors.log")).unwrap();
    let server = place.setup.start();
    place.says("snapshot read").await;
    gone(&Api::new(&server.url, &place.token), &Api::new(&server.url, &key), &doomed).await;
    place.says("the log before the snapshot is sound").await;
    assert_eq!(server.terminate(), 0);
}

/// Of the deleted tenant nothing is there but the record that it was; the other one is whole.
async fn gone(api: &Api, job: &Api, doomed: &str) {
    let record = api.read(&format!("/v1/identity/tenants/{doomed}")).await;
    assert!(record["status"] == "DELETED" && record["shredded_at"].is_string(), "{record}");
    let there = send(api, Method::GET, &format!("/v1/t/{doomed}/secrets/app/0"), None).await;
    assert_eq!((there.status, there.json()["error"]["code"].as_str()), (404, Some("tenant_not_found")));
    let refused = send(job, Method::GET, "/v1/auth/whoami", None).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["details"]["reason"]),
        (401, &json!("unknown")),
        "{}",
        refused.text
    );
    assert_eq!(api.read("/v1/secrets/app/7").await["data"]["value"], 7);
    assert_eq!(api.read("/v1/secrets?limit=1").await["total_count"], WRITES / 2);
    let ready = api.read("/v1/health/ready").await;
    assert_eq!(ready["status"], "ready", "{ready}");
}

#[tokio::test]
async fn a_key_destroyed_behind_the_logs_back_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite);
    let server = setup.start();
    assert_eq!(server.terminate(), 0);
    let file = directory.path().join("data/scaivault.db");
    let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    sqlx::query("UPDATE keys SET wrapped = x'' WHERE level = 'tenant'").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let refused = setup.command(&["server"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the log has no order to do so"), "{refused:?}");
}
