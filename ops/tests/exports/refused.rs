//! What is refused, and who may see what.

use serde_json::{Value, json};

use super::content::{ask, completed, ended, everything};
use super::server::Server;

fn s3(more: &Value) -> Value {
    let mut destination = json!({"type": "s3", "bucket": "audit", "credentials_path": "audit/s3"});
    destination.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut body = everything("jsonl");
    body["destination"] = destination;
    body
}

async fn refusal(server: &Server, body: Value) -> (u16, String, String) {
    let answer = server.call("POST", "/v1/audit/exports", Some(body)).await;
    (answer.status, answer.code().to_owned(), answer.body["error"]["details"].to_string())
}

#[tokio::test]
async fn bad_bodies_name_their_fields() {
    let server = Server::start();
    let keys = json!({"data": {"access_key_id": "AK", "secret_access_key": "hush"}});
    server.call("PUT", "/v1/secrets/audit/s3", Some(keys)).await;
    server.call("PUT", "/v1/secrets/audit/other", Some(json!({"data": {"password": "hush-hush"}}))).await;
    let mut missing = everything("jsonl");
    missing.as_object_mut().unwrap().remove("from");
    let with = |name: &str, value: Value| {
        let mut body = s3(&json!({}));
        body[name] = value;
        body
    };
    for (body, field) in [
        (missing, "\"from\""),
        (with("format", json!("xml")), "\"format\""),
        (with("from", json!("3000-01-01")), "\"from\""),
        (with("to", json!("yesterday")), "\"to\""),
        (with("filters", json!({"action": ["reed"]})), "filters.action"),
        (with("filters", json!({"identity_type": "robot"})), "filters.identity_type"),
        (with("filters", json!({"secret": "x"})), "filters.secret"),
        (with("destination", json!({"type": "ftp"})), "destination.type"),
        (with("destination", json!({"type": "s3"})), "destination.bucket"),
        (with("destination", Value::Null), "destination"),
        (with("shape", json!(1)), "\"shape\""),
        (s3(&json!({"prefix": "/x"})), "destination.prefix"),
        (s3(&json!({"prefix": "a/../b"})), "destination.prefix"),
        (s3(&json!({"bucket": "a/b"})), "destination.bucket"),
        (s3(&json!({"region": "evil.example/"})), "destination.region"),
        (s3(&json!({"endpoint": "https://169.254.169.254"})), "destination.endpoint"),
        (s3(&json!({"endpoint": "https://user:pass@s3.example"})), "destination.endpoint"),
        (s3(&json!({"endpoint": "http://s3.example"})), "destination.endpoint"),
        (s3(&json!({"secret_access_key": "hush"})), "destination.secret_access_key"),
        (s3(&json!({"credentials_path": "audit/other"})), "destination.credentials_path"),
        // This server has no directory for them.
        (everything("jsonl"), "destination.type"),
    ] {
        let (status, code, details) = refusal(&server, body.clone()).await;
        assert_eq!((status, code.as_str()), (422, "validation_error"), "{body}: {details}");
        assert!(details.contains(field), "{body}: {details}");
        assert!(!details.contains("hush"), "{details}");
    }
    let (status, code, _) = refusal(&server, s3(&json!({"credentials_path": "audit/none"}))).await;
    assert_eq!((status, code.as_str()), (404, "secret_not_found"));
    let (status, code, _) = refusal(&server, s3(&json!({"credentials_path": "Audit//x"}))).await;
    assert_eq!((status, code.as_str()), (400, "invalid_path"));
}

#[tokio::test]
async fn credentials_are_read_with_the_rights_of_the_caller() {
    let server = Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")]);
    let keys = json!({"data": {"access_key_id": "key-of-nobody", "secret_access_key": "hush"}});
    server.call("PUT", "/v1/secrets/audit/s3", Some(keys)).await;
    let body = s3(&json!({"endpoint": "http://127.0.0.1:9"}));
    for (scopes, narrowing, reason) in [
        (["audit:export", "audit:read"], json!({}), "insufficient_scope"),
        (["audit:export", "secrets:read"], json!({"allowed_paths": ["app/**"]}), "token_path_restriction"),
    ] {
        let token = server.token(&scopes, narrowing).await;
        let answer = server.call_as(&token, "POST", "/v1/audit/exports", Some(body.clone()), &[]).await;
        assert_eq!((answer.status, answer.detail("reason")), (403, &json!(reason)), "{answer:?}");
    }
    let id = ask(&server, body).await;
    let failed = ended(&server, &id).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("backend_error")), "{failed}");
    assert_eq!((&failed["manifest"], &failed["completed_at"]), (&Value::Null, &Value::Null));
    let trail = server.call("GET", "/v1/audit/secrets/audit/s3?action=read", None).await.body;
    let who: Vec<&str> =
        trail["logs"].as_array().unwrap().iter().map(|entry| entry["identity_id"].as_str().unwrap()).collect();
    assert!(who[..who.len() - 2].iter().all(|who| *who == "system:exporter") && who.len() > 2, "{who:?}");
    let work = server.call("GET", "/v1/audit/logs?identity_id=system:exporter&action=write", None).await.body;
    assert_eq!((&work["logs"][0]["success"], &work["logs"][0]["error_code"]), (&json!(false), &json!("backend_error")));
    let log = server.log_of(1).await;
    assert!(!log.contains("hush") && !log.contains("key-of-nobody"), "{log}");
}

#[tokio::test]
async fn exports_of_others_are_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with(&[("EXPORT_DIR", directory.path().to_str().unwrap())]);
    let id = ask(&server, everything("jsonl")).await;
    let export = completed(&server, &id).await;
    let name = export["manifest"][0]["name"].as_str().unwrap();
    let other = server
        .call("POST", "/v1/identity/tenants", Some(json!({"name": "Second", "partner_id": "ptn_dev"})))
        .await
        .body;
    let there = format!("/v1/t/{}", other["id"].as_str().unwrap());
    for path in [String::new(), format!("/files/{name}")] {
        let elsewhere = server.call("GET", &format!("{there}/audit/exports/{id}{path}"), None).await;
        assert_eq!((elsewhere.status, elsewhere.code()), (404, "export_not_found"));
    }
    for name in ["none", "..%2F..%2Fx", "manifest.json.part", &name.replace("00001", "00002")] {
        let missing = server.call("GET", &format!("/v1/audit/exports/{id}/files/{name}"), None).await;
        assert_eq!((missing.status, missing.code()), (404, "not_found"), "{name}");
    }
    let unknown = server.call("GET", "/v1/audit/exports/exp_01JXR90A3T6W8K2M5P7Q9S1V4X", None).await;
    assert_eq!((unknown.status, unknown.code()), (404, "export_not_found"));
    let reader = server.token(&["audit:export", "secrets:read"], json!({})).await;
    let mut body = everything("jsonl");
    body["platform"] = json!(true);
    let allowed = server.call_as(&reader, "POST", "/v1/audit/exports", Some(body), &[]).await;
    assert_eq!(allowed.status, 202, "the root may");
}
