//! Exports to files of the server.

use serde_json::{Value, json};

use super::content::{ask, check_order, check_row, completed, entries, everything, file, history};
use super::server::Server;

/// A server that keeps exports below a directory.
fn start() -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (Server::with(&[("EXPORT_DIR", directory.path().to_str().unwrap())]), directory)
}

#[tokio::test]
async fn what_is_exported_is_what_the_log_shows() {
    let (server, directory) = start();
    history(&server).await;
    let id = ask(&server, everything("jsonl")).await;
    let export = completed(&server, &id).await;
    let manifest = export["manifest"].as_array().unwrap();
    assert_eq!(manifest.len(), 1);
    let name = manifest[0]["name"].as_str().unwrap();
    assert_eq!(name, format!("{id}-00001.jsonl"));
    let content = file(&server, &id, name).await;
    let exported = entries(&content);
    check_row(&manifest[0], &content, exported.len());
    check_order(&exported);
    let until = exported.last().unwrap()["position"].as_u64().unwrap();
    let logs = server.call("GET", "/v1/audit/logs?order=asc&limit=1000", None).await.body;
    let logged: Vec<&Value> =
        logs["logs"].as_array().unwrap().iter().filter(|entry| entry["position"].as_u64().unwrap() <= until).collect();
    assert_eq!(exported.iter().collect::<Vec<_>>(), logged);
    let listed: Value = serde_json::from_slice(&file(&server, &id, "manifest.json").await).unwrap();
    assert_eq!(listed["manifest"], export["manifest"]);
    let note = listed["checkpoint"].as_str().unwrap();
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert!(note.contains("\n\n— ") && size >= until, "{note}");
    let on_disk = std::fs::read(directory.path().join(&id).join(name)).unwrap();
    assert_eq!(on_disk, content);
    let list = server.call("GET", "/v1/audit/exports", None).await.body;
    assert_eq!((&list["exports"], &list["has_more"]), (&json!([export]), &json!(false)));
}

#[tokio::test]
async fn every_format_has_every_entry() {
    let (server, _directory) = start();
    history(&server).await;
    let mut filtered = everything("jsonl");
    filtered["filters"] = json!({"action": ["read"], "path_prefix": "app/", "identity_type": "user"});
    let id = ask(&server, filtered.clone()).await;
    assert_eq!(completed(&server, &id).await["filters"], filtered["filters"]);
    let exported = entries(&file(&server, &id, &format!("{id}-00001.jsonl")).await);
    let paths: Vec<&str> = exported.iter().map(|entry| entry["secret_path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["app/db", "app/cache", "app/none"]);
    for format in ["csv", "cef", "ocsf"] {
        let mut body = filtered.clone();
        body["format"] = format.into();
        let id = ask(&server, body).await;
        let export = completed(&server, &id).await;
        let text = String::from_utf8(file(&server, &id, &format!("{id}-00001.{format}")).await).unwrap();
        check_row(&export["manifest"][0], text.as_bytes(), 3);
        let lines: Vec<&str> = text.lines().collect();
        let lines = if format == "csv" { &lines[1..] } else { &lines[..] };
        assert_eq!(lines.len(), 3, "{text}");
        for (line, entry) in lines.iter().zip(&exported) {
            assert!(line.contains(entry["id"].as_str().unwrap()), "{format}: {line}");
            assert!(line.contains(entry["secret_path"].as_str().unwrap()), "{format}: {line}");
        }
        assert_eq!(text.contains("\r\n"), format == "csv");
    }
}

#[tokio::test]
async fn an_export_of_nothing_has_a_manifest() {
    let (server, _directory) = start();
    let mut body = everything("csv");
    body["filters"] = json!({"identity_id": "sa:nobody"});
    let id = ask(&server, body).await;
    let export = completed(&server, &id).await;
    assert_eq!((&export["manifest"], &export["entries_total"]), (&json!([]), &json!(0)));
    let listed: Value = serde_json::from_slice(&file(&server, &id, "manifest.json").await).unwrap();
    assert_eq!(listed["manifest"], json!([]));
}

#[tokio::test]
async fn exports_and_their_work_are_recorded() {
    let (server, _directory) = start();
    let id = ask(&server, everything("jsonl")).await;
    completed(&server, &id).await;
    let logs = server.call("GET", "/v1/audit/logs?action=export_created", None).await.body;
    let made = &logs["logs"][0];
    assert_eq!((&made["resource"], &made["success"]), (&json!("audit/exports"), &json!(true)));
    let logs = server.call("GET", "/v1/audit/logs?identity_id=system:exporter", None).await.body;
    let work = &logs["logs"][0];
    assert_eq!((&work["action"], &work["identity_type"]), (&json!("write"), &json!("system")));
    assert_eq!((&work["resource"], &work["source_ip"]), (&json!(format!("audit/exports/{id}")), &Value::Null));
    file(&server, &id, "manifest.json").await;
    // Names that are no ids are not recorded.
    let resource = format!("audit/exports/{id}/files");
    let logs = server.call("GET", &format!("/v1/audit/logs?resource={resource}"), None).await.body;
    assert_eq!(logs["logs"].as_array().unwrap().len(), 1, "{logs}");
}

#[tokio::test]
async fn files_are_kept_for_thirty_days() {
    let (server, directory) = start();
    let id = ask(&server, everything("jsonl")).await;
    completed(&server, &id).await;
    let place = directory.path().join(&id);
    let url = format!("/v1/audit/exports/{id}/files/manifest.json");
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "29d"}))).await;
    assert_eq!(server.call("GET", &url, None).await.status, 200);
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "25h"}))).await;
    let gone = server.call("GET", &url, None).await;
    assert_eq!((gone.status, gone.code()), (404, "not_found"));
    let asked = std::time::Instant::now();
    while place.exists() {
        assert!(asked.elapsed() < super::content::PATIENCE, "the files stay");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let shown = server.call("GET", &format!("/v1/audit/exports/{id}"), None).await;
    assert_eq!((shown.status, &shown.body["status"]), (200, &json!("completed")), "what there was is still told");
}

#[tokio::test]
async fn lists_have_pages_and_platform_exports_are_apart() {
    let (server, _directory) = start();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ask(&server, everything("cef")).await);
    }
    ids.reverse();
    let first = server.call("GET", "/v1/audit/exports?limit=2", None).await.body;
    let cursor = first["cursor"].as_str().unwrap();
    let second = server.call("GET", &format!("/v1/audit/exports?limit=2&cursor={cursor}"), None).await.body;
    let rows = first["exports"].as_array().unwrap().iter().chain(second["exports"].as_array().unwrap());
    assert_eq!(rows.map(|export| export["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!((&second["cursor"], &second["has_more"]), (&Value::Null, &json!(false)));
    let mut body = everything("jsonl");
    body["platform"] = json!(true);
    let answer = server.call("POST", "/v1/audit/exports", Some(body)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let url = answer.body["status_url"].as_str().unwrap();
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(url, format!("/v1/audit/exports/{id}?platform=true"));
    assert_eq!(server.call("GET", url, None).await.status, 200);
    let here = server.call("GET", &format!("/v1/audit/exports/{id}"), None).await;
    assert_eq!((here.status, here.code()), (404, "export_not_found"), "not among those of the tenant");
    let apart = server.call("GET", "/v1/audit/exports?platform=true", None).await.body;
    assert_eq!(apart["exports"].as_array().unwrap().len(), 1);
    let asked = std::time::Instant::now();
    while server.call("GET", url, None).await.body["status"] != "completed" {
        assert!(asked.elapsed() < super::content::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let name = format!("/v1/audit/exports/{id}/files/{id}-00001.jsonl?platform=true");
    let answer = reqwest::Client::new().get(format!("{}{name}", server.address)).bearer_auth(super::server::TOKEN);
    let exported = entries(&answer.send().await.unwrap().bytes().await.unwrap());
    assert!(!exported.is_empty() && exported.iter().all(|entry| entry["tenant_id"].is_null()));
}
