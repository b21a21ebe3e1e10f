//! A server that is killed while it makes keys: each is there with its secret, or neither is.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::process::{Setup, Store};

/// Tasks that make keys at the same time.
const TASKS: usize = 4;
/// Answers after which the server is killed.
const ENOUGH: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_its_secret_are_there_together_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite);
    let server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let api = Api::new(&server.url, &token);
    let body = json!({"name": "job", "roles": ["secrets-reader"]});
    let made = api.send(Method::POST, "/v1/identity/service-accounts", &[], Some(&body)).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    let keys = "/v1/identity/service-accounts/sa:job/keys";
    let (told, mut answers) = tokio::sync::mpsc::channel(TASKS);
    for task in 0..TASKS {
        let (api, told) = (api.clone(), told.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let path = format!("app/{task}/{number}");
                let body = json!({"name": path, "store_in": path});
                // The connection breaks when the server is killed.
                let Ok(answer) = api.send(Method::POST, keys, &[], Some(&body)).await else { return };
                if told.send((answer.status, path)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(told);
    let mut answered = BTreeSet::new();
    while answered.len() < ENOUGH {
        let (status, path) = answers.recv().await.unwrap();
        assert_eq!(status, 201, "{path}");
        answered.insert(path);
    }
    server.kill();

    let server = setup.start();
    let api = Api::new(&server.url, &token);
    let listed = api.read(&format!("{keys}?page_size=200")).await;
    let texts = |rows: &Value, field: &str| -> BTreeSet<String> {
        rows.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    let with_key = texts(&listed["keys"], "stored_in");
    let secrets = texts(&api.read("/v1/secrets?limit=200").await["secrets"], "path");
    assert_eq!(with_key, secrets);
    assert!(answered.is_subset(&secrets), "what was answered is there");
    for path in &secrets {
        let secret = api.read(&format!("/v1/secrets/{path}")).await;
        let job = Api::new(&server.url, secret["data"]["api_key"].as_str().unwrap());
        assert_eq!(job.read("/v1/auth/whoami").await["identity_id"], "sa:job", "{path}");
    }
    assert_eq!(server.terminate(), 0);
}
