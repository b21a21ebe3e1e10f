//! `kill -9` in the middle of an export: it is complete after a restart, with every entry once.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::content::{PATIENCE, check_order, check_row, entries, everything, many};
use super::process::{Server, Setup, Store};

/// Enough that a file is a while in the making.
const ENTRIES: usize = 20_000;

/// When the server is killed.
#[derive(Debug)]
enum Moment {
    /// As soon as the export is asked for.
    Asked,
    /// Once so many bytes of its file are written.
    Written(u64),
}

struct Client {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    fn new(server: &Server, token: &str) -> Self {
        Self { url: server.url.clone(), token: token.into(), http: reqwest::Client::new() }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }
}

/// Waits until so much of a file is on the disk.
async fn written(directory: &Path, bytes: u64) {
    let asked = Instant::now();
    loop {
        let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
        if files.filter_map(|file| file.metadata().ok()).any(|file| file.len() > bytes) {
            return;
        }
        assert!(asked.elapsed() < PATIENCE, "nothing is written to {}", directory.display());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn killed_at_any_moment_an_export_is_complete_in_the_end() {
    let place = TempDir::new().unwrap();
    let setup = Setup::production(place.path(), &Store::Sqlite);
    let mut server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let client = Client::new(&server, &token);
    many(async |method, path, body| client.call(method, path, Some(body)).await.0, ENTRIES).await;
    for moment in [Moment::Asked, Moment::Written(0), Moment::Written(3_000_000)] {
        let client = Client::new(&server, &token);
        let (status, made) = client.call("POST", "/v1/audit/exports", Some(everything("jsonl"))).await;
        assert_eq!(status, 202, "{made}");
        let id = made["id"].as_str().unwrap();
        let directory = place.path().join("data/exports").join(id);
        if let Moment::Written(bytes) = moment {
            written(&directory, bytes).await;
        }
        server.kill();
        assert!(!directory.join("manifest.json").exists(), "it was killed before the end, {moment:?}");
        server = setup.start();
        let client = Client::new(&server, &token);
        let asked = Instant::now();
        let export = loop {
            let (status, export) = client.call("GET", &format!("/v1/audit/exports/{id}"), None).await;
            assert_eq!(status, 200, "{export}");
            if export["status"] == "completed" {
                break export;
            }
            assert!(asked.elapsed() < PATIENCE && export["status"] != "failed", "{export}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let rows = export["manifest"].as_array().unwrap();
        assert_eq!((rows.len(), &export["entries"]), (1, &export["entries_total"]));
        let content = std::fs::read(directory.join(rows[0]["name"].as_str().unwrap())).unwrap();
        let exported = entries(&content);
        check_row(&rows[0], &content, exported.len());
        check_order(&exported);
        assert!(exported.len() > ENTRIES, "{}", exported.len());
        let reads = exported.iter().filter(|entry| entry["extra_data"]["batch"] == json!(true)).count();
        assert_eq!(reads, ENTRIES, "{moment:?}");
        let names: Vec<String> = std::fs::read_dir(&directory)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.len(), 2, "nothing half-written is left: {names:?}");
    }
    assert_eq!(server.terminate(), 0);
}
