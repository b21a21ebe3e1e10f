//! Exports to object stores: real clients, servers that run here.

use std::process::Command;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde_json::{Value, json};

use super::content::{ask, check_order, check_row, completed, ended, entries, everything, history, many};
use super::emulator::{Emulator, python};
use super::server::Server;

/// The account and key that every Azurite has.
const AZURE: (&str, &str) =
    ("devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");

/// A server that logs all it can.
fn logged() -> Server {
    Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")])
}

async fn secret(server: &Server, data: Value) {
    let answer = server.call("PUT", "/v1/secrets/audit/store", Some(json!({"data": data}))).await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

fn to(kind: &str, endpoint: &str) -> Value {
    let mut body = everything("jsonl");
    body["destination"] = json!({"type": kind, "bucket": "audit", "prefix": "vault/2026", "endpoint": endpoint,
                                 "credentials_path": "audit/store"});
    body
}

/// Looks at what an export left in a store.
async fn check(store: &dyn ObjectStore, id: &str, export: &Value) -> usize {
    let get =
        async |name: &str| store.get(&Path::from(format!("vault/2026/{name}"))).await.unwrap().bytes().await.unwrap();
    let rows = export["manifest"].as_array().unwrap();
    let mut all = Vec::new();
    for row in rows {
        let content = get(row["name"].as_str().unwrap()).await;
        let found = entries(&content);
        check_row(row, &content, found.len());
        all.extend(found);
    }
    check_order(&all);
    assert_eq!(export["entries"].as_u64(), Some(all.len() as u64));
    let manifest: Value = serde_json::from_slice(&get("manifest.json").await).unwrap();
    assert_eq!(manifest["manifest"], export["manifest"], "{id}");
    all.len()
}

fn s3(emulator: &Emulator) -> impl ObjectStore {
    let builder = AmazonS3Builder::new().with_bucket_name("audit").with_region("us-east-1");
    let builder = builder.with_access_key_id("AKIATEST").with_secret_access_key("s3-hush");
    builder.with_endpoint(emulator.url()).with_allow_http(true).build().unwrap()
}

#[tokio::test]
async fn s3_gets_small_and_large_objects() {
    let emulator = Emulator::s3();
    reqwest::Client::new().put(format!("{}/audit", emulator.url())).send().await.unwrap().error_for_status().unwrap();
    let server = logged();
    secret(&server, json!({"access_key_id": "AKIATEST", "secret_access_key": "s3-hush"})).await;
    history(&server).await;
    let id = ask(&server, to("s3", &emulator.url())).await;
    let export = completed(&server, &id).await;
    assert_eq!(export["destination"]["region"], "us-east-1");
    assert_eq!(export["destination"]["credentials_path"], "audit/store");
    check(&s3(&emulator), &id, &export).await;
    // More than a part holds.
    many(async |method, path, body| server.call(method, path, Some(body)).await.status, 22_000).await;
    let id = ask(&server, to("s3", &emulator.url())).await;
    let export = completed(&server, &id).await;
    assert!(export["manifest"][0]["bytes"].as_u64().unwrap() > 9 * 1024 * 1024, "{export}");
    assert!(check(&s3(&emulator), &id, &export).await > 22_000);
    let log = server.log_of(1).await;
    assert!(!log.contains("s3-hush"), "no credential in the log");
    let file = server.call("GET", &format!("/v1/audit/exports/{id}/files/manifest.json"), None).await;
    assert_eq!((file.status, file.code()), (404, "not_found"), "only files of the server");
}

#[tokio::test]
async fn azure_gets_objects_by_key() {
    let emulator = Emulator::azure();
    let endpoint = format!("{}/{}", emulator.url(), AZURE.0);
    let builder = MicrosoftAzureBuilder::new().with_container_name("audit").with_account(AZURE.0);
    let store = builder.with_access_key(AZURE.1).with_endpoint(endpoint.clone()).with_allow_http(true).build().unwrap();
    create_container(&endpoint).await;
    let server = logged();
    secret(&server, json!({"account_name": AZURE.0, "account_key": AZURE.1})).await;
    many(async |method, path, body| server.call(method, path, Some(body)).await.status, 22_000).await;
    let id = ask(&server, to("azure_blob", &endpoint)).await;
    let export = completed(&server, &id).await;
    assert!(export["manifest"][0]["bytes"].as_u64().unwrap() > 9 * 1024 * 1024, "{export}");
    check(&store, &id, &export).await;
    assert!(!server.log_of(1).await.contains(AZURE.1));
}

/// Signs the request that makes the container, which no object store crate does.
async fn create_container(endpoint: &str) {
    let script = "
import sys, hmac, hashlib, base64, urllib.request
from email.utils import formatdate
endpoint, account, key = sys.argv[1:]
date = formatdate(usegmt=True)
path = '/' + account + '/' + account + '/audit'
text = 'PUT' + chr(10) * 12 + 'x-ms-date:' + date + chr(10) + 'x-ms-version:2021-08-06' + chr(10) + path + chr(10) + 'restype:container'
tag = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
headers = {'x-ms-date': date, 'x-ms-version': '2021-08-06', 'Authorization': f'SharedKey {account}:{tag}'}
request = urllib.request.Request(endpoint + '/audit?restype=container', method='PUT', headers=headers)
assert urllib.request.urlopen(request).status == 201
";
    let made = Command::new(python()).args(["-c", script, endpoint, AZURE.0, AZURE.1]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn gcs_gets_objects() {
    let emulator = Emulator::gcs();
    let script = "
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization as s
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(), end='')
";
    let key = Command::new(python()).args(["-c", script]).output().unwrap();
    let key = String::from_utf8(key.stdout).unwrap();
    let server = logged();
    secret(
        &server,
        json!({"type": "service_account", "client_email": "audit@acme.example", "private_key_id": "1",
                           "private_key": key}),
    )
    .await;
    history(&server).await;
    let id = ask(&server, to("gcs", &emulator.url())).await;
    let export = completed(&server, &id).await;
    let row = &export["manifest"][0];
    let url = format!("{}/audit/vault/2026/{}", emulator.url(), row["name"].as_str().unwrap());
    let content = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    check_row(row, &content, entries(&content).len());
    let manifest = reqwest::get(format!("{}/audit/vault/2026/manifest.json", emulator.url())).await.unwrap();
    assert_eq!(manifest.json::<Value>().await.unwrap()["manifest"], export["manifest"]);
    assert!(!server.log_of(1).await.contains("PRIVATE KEY"));
}

#[tokio::test]
async fn refusals_of_stores_end_exports() {
    let emulator = Emulator::azure();
    let endpoint = format!("{}/{}", emulator.url(), AZURE.0);
    let server = logged();
    let wrong = format!("{}==", "A".repeat(86));
    for (key, message) in [(AZURE.1, "no such bucket"), (&wrong, "refuses the credentials")] {
        secret(&server, json!({"account_name": AZURE.0, "account_key": key})).await;
        let id = ask(&server, to("azure_blob", &endpoint)).await;
        let failed = ended(&server, &id).await;
        assert_eq!(failed["error"]["code"], "backend_error", "{failed}");
        assert!(failed["error"]["message"].as_str().unwrap().contains(message), "{failed}");
        assert!(!failed.to_string().contains(key));
    }
    assert!(!server.log_of(1).await.contains(&wrong));
}
