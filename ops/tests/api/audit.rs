//! The audit trail over HTTP: every request is found, once, by whatever tells it apart, and by nobody else.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::isolation::key;
use super::server::Server;

async fn logs(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.call("GET", &format!("/v1/audit/logs?{query}"), None).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.body["logs"].as_array().unwrap().clone()
}

fn column<'a>(logs: &'a [Value], name: &str) -> Vec<&'a Value> {
    logs.iter().map(|entry| &entry[name]).collect()
}

/// A little history: who, what, and whether it was denied.
async fn history(server: &Server) -> String {
    for path in ["app/db", "app/cache", "web/tls"] {
        let body = json!({"data": {"v": path}});
        assert_eq!(server.call("PUT", &format!("/v1/secrets/{path}"), Some(body)).await.status, 201);
    }
    let reader = server.token(&["secrets:read"], json!({"allowed_paths": ["app/**"]})).await;
    for path in ["app/db", "app/db", "app/cache", "web/tls"] {
        server.call_as(&reader, "GET", &format!("/v1/secrets/{path}"), None, &[]).await;
    }
    server.call("POST", "/v1/secrets/app/db/rotate", Some(json!({"new_value": {"v": 2}}))).await;
    server.call("GET", "/v1/secrets/app/none", None).await;
    reader
}

#[tokio::test]
async fn entries_are_found_by_what_tells_them_apart() {
    let server = Server::start();
    history(&server).await;
    let made = server.call_as("wrong", "GET", "/v1/secrets/app/db", None, &[("X-Request-ID", "mine-1")]).await;
    assert_eq!((made.status, made.header("x-request-id")), (401, "mine-1"));
    let denied = logs(&server, "success=false&action=read").await;
    assert_eq!(column(&denied, "error_code"), ["secret_not_found", "access_denied"], "newest first");
    assert_eq!(column(&denied, "secret_path"), ["app/none", "web/tls"]);
    for (query, count) in [
        ("path_prefix=app/db&action=read", 2),
        ("path_prefix=app/&action=read,rotate", 5),
        ("error_code=access_denied", 1),
        ("identity_type=system&action=read", 0),
        ("source_ip=127.0.0.1&action=rotate", 1),
        ("source_ip=10.0.0.1", 0),
        ("action=seal", 0),
        ("from=2999-01-01", 0),
        ("to=2000-01-01", 0),
    ] {
        assert_eq!(logs(&server, query).await.len(), count, "{query}");
    }
    let platform = logs(&server, "platform=true&request_id=mine-1").await;
    assert_eq!(column(&platform, "action"), ["auth_failure"], "of a token of nobody known");
    let entry = &denied[0];
    let shown = server.call("GET", &format!("/v1/audit/logs/{}", entry["id"].as_str().unwrap()), None).await;
    assert_eq!((shown.status, &shown.body), (200, entry));
    let by_request = logs(&server, &format!("request_id={}", entry["request_id"].as_str().unwrap())).await;
    assert_eq!(by_request, std::slice::from_ref(entry));
    let own = logs(&server, "resource=audit/logs&limit=2").await;
    assert_eq!(column(&own, "action"), ["list", "list"], "reading the audit is recorded itself");
}

#[tokio::test]
async fn pages_and_tails_have_everything_once() {
    let server = Server::start();
    history(&server).await;
    let all = logs(&server, "order=asc&limit=1000").await;
    let last = all.last().unwrap()["position"].as_u64().unwrap();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.call("GET", &format!("/v1/audit/logs?order=asc&limit=3{cursor}"), None).await.body;
        seen.extend(page["logs"].as_array().unwrap().clone());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen[..all.len()], all[..]);
    let positions: Vec<u64> = seen.iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted());
    let tail = logs(&server, &format!("order=asc&after_position={last}&limit=1000")).await;
    assert_eq!(tail[..seen.len() - all.len()], seen[all.len()..]);
    let ids: HashSet<_> = seen.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), seen.len());
    let other = server.call("GET", &format!("/v1/audit/logs?order=desc{cursor}"), None).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"), "a cursor of another query");
}

#[tokio::test]
async fn trails_and_summary_count() {
    let server = Server::start();
    history(&server).await;
    let trail = server.call("GET", "/v1/audit/secrets/app/db", None).await.body;
    for (name, expected) in [("reads", 2), ("writes", 1), ("rotations", 1), ("denied", 0), ("unique_identities", 1)] {
        assert_eq!(trail["summary"][name], expected, "{name}: {trail}");
    }
    assert_eq!(trail["logs"].as_array().unwrap().len(), 4);
    assert_eq!(trail["summary"]["last_access"], trail["logs"][1]["timestamp"]);
    let denied = server.call("GET", "/v1/audit/secrets/web/tls", None).await.body;
    assert_eq!((&denied["summary"]["denied"], &denied["summary"]["last_access"]), (&json!(1), &Value::Null));
    let nothing = server.call("GET", "/v1/audit/secrets/no/such", None).await;
    assert_eq!((nothing.status, &nothing.body["summary"]["reads"]), (200, &json!(0)));

    let who = server.call("GET", "/v1/auth/whoami", None).await.body["identity_id"].as_str().unwrap().to_owned();
    let trail = server.call("GET", &format!("/v1/audit/identities/{who}?action=rotate"), None).await.body;
    assert_eq!(
        (&trail["summary"]["reads"], &trail["summary"]["secrets_touched"]),
        (&json!(4), &json!(3)),
        "three, and whoami: {trail}"
    );
    assert_eq!(column(trail["logs"].as_array().unwrap(), "action"), ["rotate"]);

    let summary = server.call("GET", "/v1/audit/summary", None).await.body;
    assert_eq!(summary["by_action"]["rotate"], 1);
    assert_eq!(summary["by_action"]["read"].as_u64().unwrap(), 5 + 1, "five of secrets, and whoami");
    assert_eq!(summary["unique_secrets"], 5, "those whose trails were asked for too");
    assert_eq!(summary["failed_events"], 2);
    let days = summary["by_day"].as_array().unwrap();
    assert_eq!(days.len(), 31);
    assert_eq!(days.last().unwrap()["count"], summary["total_events"]);
    assert_eq!(summary["top_secrets"][0], json!({"path": "app/db", "count": 5}), "the read of its trail too");
    let long = server.call("GET", "/v1/audit/summary?from=2020-01-01", None).await;
    assert_eq!((long.status, long.code()), (422, "validation_error"));
}

#[tokio::test]
async fn the_blast_radius_of_a_token_is_what_it_read() {
    let server = Server::start();
    let reader = history(&server).await;
    let tokens = server.call("GET", "/v1/auth/tokens", None).await.body;
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    let (job, _) = key(&server, "/v1", json!(["secrets-reader"])).await;
    server.call_as(&job, "GET", "/v1/secrets/app/cache", None, &[]).await;
    let radius = server.call("GET", &format!("/v1/audit/blast-radius?token_id={id}"), None).await;
    assert_eq!(radius.status, 200, "{radius:?}");
    let radius = radius.body;
    let expected =
        json!({"secrets": 2, "versions": 2, "still_current": 1, "certificates": 0, "leases": 0, "rotations": 1});
    assert_eq!(radius["summary"], expected);
    let paths = column(radius["secrets"].as_array().unwrap(), "path");
    assert_eq!(paths, ["app/cache", "app/db"]);
    let cache = &radius["secrets"][0];
    assert_eq!(
        (&cache["current_version"], &cache["still_current"], &cache["others_count"]),
        (&json!(1), &json!(true), &json!(1))
    );
    assert_eq!(cache["others"][0]["identity_type"], "service_account");
    let db = &radius["secrets"][1];
    assert_eq!((&db["versions"][0]["version"], &db["versions"][0]["read_count"]), (&json!(1), &json!(2)));
    assert_eq!((&db["current_version"], &db["still_current"]), (&json!(2), &json!(false)), "it was rotated since");
    assert_eq!(column(radius["rotations"].as_array().unwrap(), "path"), ["app/cache"]);
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page =
            server.call("GET", &format!("/v1/audit/blast-radius?token_id={id}&limit=1{cursor}"), None).await.body;
        rows.push((page["secrets"].as_array().unwrap().len(), page["rotations"].as_array().unwrap().len()));
        assert_eq!(page["summary"], expected, "over all pages");
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(rows, [(1, 0), (1, 0), (0, 1)]);
    for query in ["", "identity_id=sa:a&token_id=tok_1", "token_id=skt_1"] {
        let refused = server.call("GET", &format!("/v1/audit/blast-radius?{query}"), None).await;
        assert_eq!((refused.status, refused.code()), (422, "validation_error"), "{query}");
    }
    let future = server.call("GET", "/v1/audit/blast-radius?identity_id=sa:a&from=2999-01-01T00:00:00Z", None).await;
    assert_eq!(future.status, 422, "{future:?}");
    let nothing = server.call("GET", "/v1/audit/blast-radius?identity_id=sa:nobody", None).await.body;
    assert_eq!((&nothing["summary"]["secrets"], &nothing["identity_id"]), (&json!(0), &json!("sa:nobody")));
    drop(reader);
}

#[tokio::test]
async fn what_was_read_in_an_earlier_life_is_not_current() {
    let server = Server::start();
    let reader = history(&server).await;
    let tokens = server.call("GET", "/v1/auth/tokens", None).await.body;
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    let advance = async || server.call("POST", "/v1/sys/clock", Some(json!({"advance": "1h"}))).await;
    let cache = async || {
        let radius = server.call("GET", &format!("/v1/audit/blast-radius?token_id={id}"), None).await.body;
        let rows = radius["secrets"].as_array().unwrap();
        let row = rows.iter().find(|row| row["path"] == "app/cache").unwrap().clone();
        let rotated = column(radius["rotations"].as_array().unwrap(), "path").contains(&&json!("app/cache"));
        (row, radius["summary"].clone(), rotated)
    };
    let told = |row: &Value| {
        let version = &row["versions"][0];
        let names = ["version", "is_current", "readable", "read_count"];
        (
            row["current_version"].clone(),
            row["still_current"].clone(),
            row["deleted"].clone(),
            names.map(|name| version[name].clone()),
        )
    };
    let (row, summary, rotated) = cache().await;
    assert_eq!(told(&row), (json!(1), json!(true), json!(false), [json!(1), json!(true), json!(true), json!(1)]));
    assert!(rotated && summary["still_current"] == 1);

    advance().await;
    assert_eq!(server.call("DELETE", "/v1/secrets/app/cache?permanent=true", None).await.status, 204);
    let gone = (Value::Null, json!(false), json!(true), [json!(1), json!(false), json!(false), json!(1)]);
    assert_eq!(told(&cache().await.0), gone, "nothing is there");

    // Another secret at the path, whose version has the same number.
    let again = server.call("PUT", "/v1/secrets/app/cache", Some(json!({"data": {"v": "another"}}))).await;
    assert_eq!((again.status, &again.body["version"]), (201, &json!(1)));
    let (row, summary, rotated) = cache().await;
    assert_eq!(told(&row), (json!(1), json!(false), json!(false), [json!(1), json!(false), json!(false), json!(1)]));
    assert!(!rotated, "what leaked opens nothing any more");
    assert_eq!(
        (&summary["secrets"], &summary["still_current"], &summary["rotations"]),
        (&json!(2), &json!(0), &json!(0))
    );

    advance().await;
    assert_eq!(server.call_as(&reader, "GET", "/v1/secrets/app/cache", None, &[]).await.status, 200);
    let (row, _, rotated) = cache().await;
    assert_eq!(told(&row), (json!(1), json!(true), json!(false), [json!(1), json!(true), json!(true), json!(2)]));
    assert!(rotated, "this one was read, too");
}

#[tokio::test]
async fn rejected_tokens_are_their_owners() {
    let server = Server::start();
    let reader = history(&server).await;
    let tokens = server.call("GET", "/v1/auth/tokens", None).await.body;
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    assert_eq!(server.call("DELETE", &format!("/v1/auth/tokens/{id}"), None).await.status, 204);
    let refused = server.call_as(&reader, "GET", "/v1/secrets/app/db", None, &[]).await;
    assert_eq!((refused.status, refused.code()), (401, "token_revoked"));
    let entries = logs(&server, "action=auth_failure").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["secret_path"], "app/db");
    assert_eq!(entries[0]["extra_data"]["token_id"], id);
    assert_eq!(entries[0]["acting_tenant_id"], "tnt_dev");
}

#[tokio::test]
async fn names_of_identities_may_have_slashes() {
    let server = Server::start();
    for identity in ["user:a%2Fb", "user:a/b"] {
        let trail = server.call("GET", &format!("/v1/audit/identities/{identity}"), None).await;
        assert_eq!((trail.status, &trail.body["identity_id"]), (200, &json!("user:a/b")));
    }
}

#[tokio::test]
async fn bad_filters_are_named() {
    let server = Server::start();
    for (query, field) in [
        ("action=reed", "query.action"),
        ("action=read,,list", "query.action"),
        ("success=maybe", "query.success"),
        ("identity_type=robot", "query.identity_type"),
        ("from=2026-02-01&to=2026-01-01", "query.from"),
        ("limit=1001", "query.limit"),
        ("after_position=-1", "query.after_position"),
        ("order=up", "query.order"),
        ("secret_scope=all", "query.secret_scope"),
        ("path=app", "query.path"),
    ] {
        let refused = server.call("GET", &format!("/v1/audit/logs?{query}"), None).await;
        assert_eq!((refused.status, refused.code()), (422, "validation_error"), "{query}");
        assert!(refused.body["error"]["details"].to_string().contains(field), "{query}: {refused:?}");
    }
    let unknown = server.call("GET", "/v1/audit/logs/log_01JXR90A3T6W8K2M5P7Q9S1V4X", None).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
}

#[tokio::test]
async fn tenants_see_their_own_and_administrators_of_partners_theirs() {
    let server = Server::start();
    history(&server).await;
    server.call("PUT", "/v1/partner/secrets/shared", Some(json!({"data": {}}))).await;
    let other = server
        .call("POST", "/v1/identity/tenants", Some(json!({"name": "Second", "partner_id": "ptn_dev"})))
        .await
        .body;
    let there = format!("/v1/t/{}", other["id"].as_str().unwrap());
    let (auditor, _) = key(&server, &there, json!(["tenant_admin"])).await;
    let ask = async |token: &str, query: &str| {
        server.call_as(token, "GET", &format!("/v1/audit/logs?{query}"), None, &[]).await
    };
    server.call_as(&auditor, "GET", "/v1/partner/secrets/shared", None, &[]).await;
    let own = ask(&auditor, "").await;
    assert_eq!(own.status, 200, "{own:?}");
    let own = own.body;
    let tenants: HashSet<_> = own["logs"].as_array().unwrap().iter().map(|entry| entry["tenant_id"].as_str()).collect();
    assert_eq!(tenants, HashSet::from([other["id"].as_str()]));
    let shared = ask(&auditor, "secret_scope=partner").await;
    assert_eq!(shared.status, 200, "{shared:?}");
    let shared = shared.body;
    assert_eq!(column(shared["logs"].as_array().unwrap(), "action"), ["read"], "its own access alone");
    let all = logs(&server, "secret_scope=partner").await;
    assert_eq!(column(&all, "action"), ["read", "write"]);
    let platform = logs(&server, "platform=true&secret_scope=partner&action=read,write").await;
    assert_eq!(platform, all, "of all its tenants");
    let id = shared["logs"][0]["id"].as_str().unwrap();
    for route in [format!("logs/{id}"), format!("bundle?entry_id={id}"), format!("proof/inclusion?entry_id={id}")] {
        let found = server.call_as(&auditor, "GET", &format!("/v1/audit/{route}"), None, &[]).await;
        assert_eq!(found.status, 200, "{route}: {found:?}");
    }
    let written = format!("/v1/audit/logs/{}", all[1]["id"].as_str().unwrap());
    assert_eq!(server.call_as(&auditor, "GET", &written, None, &[]).await.status, 404, "not the access of another");
    let refused = ask(&auditor, "platform=true").await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    let platform = logs(&server, "platform=true&action=write&limit=1000").await;
    assert!(platform.iter().all(|entry| entry["tenant_id"] == Value::Null) && !platform.is_empty());
    let crossing = server.call("GET", &format!("{there}/audit/logs?limit=1"), None).await.body;
    assert_eq!(crossing["logs"][0]["acting_tenant_id"], other["id"], "{crossing}");
    let again = server.call("GET", &format!("{there}/audit/logs?limit=1"), None).await.body;
    let pair = (&again["logs"][0]["tenant_id"], &again["logs"][0]["acting_tenant_id"]);
    assert_eq!(pair, (&other["id"], &json!("tnt_dev")), "in the log of the tenant acted upon");
}

#[tokio::test]
async fn the_index_is_made_anew_while_it_serves() {
    let server = Server::start();
    history(&server).await;
    let before = logs(&server, "order=asc&action=read,write,rotate&path_prefix=a").await;
    let none = server.call("GET", "/v1/audit/reindex", None).await.body;
    assert_eq!((&none["status"], &none["started_at"]), (&json!("none"), &Value::Null));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(40);
    for _ in 0..3 {
        let started = server.call("POST", "/v1/audit/reindex", None).await;
        assert_eq!((started.status, &started.body["status"]), (202, &json!("running")));
        loop {
            assert_eq!(logs(&server, "order=asc&action=read,write,rotate&path_prefix=a").await, before);
            let status = server.call("GET", "/v1/audit/reindex", None).await.body;
            if status["status"] == "completed" {
                assert!(status["completed_at"].is_string() && status["error"].is_null(), "{status}");
                break;
            }
            assert!(std::time::Instant::now() < deadline, "{status}");
        }
    }
    assert_eq!(logs(&server, "order=asc&action=read,write,rotate&path_prefix=a").await, before);
}

#[tokio::test]
async fn what_was_kept_long_enough_is_erased_for_good() {
    let server = Server::start();
    history(&server).await;
    let old = logs(&server, "path_prefix=app/db&order=asc").await;
    let id = old[0]["id"].as_str().unwrap().to_owned();
    let settings = json!({"audit_retention": "30d"});
    assert_eq!(server.call("PATCH", "/v1/identity/tenants/tnt_dev/settings", Some(settings)).await.status, 200);
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "31d"}))).await;
    assert!(logs(&server, "path_prefix=app/db").await.is_empty(), "at once");
    let gone = server.call("GET", &format!("/v1/audit/logs/{id}"), None).await;
    assert_eq!((gone.status, gone.code()), (404, "not_found"));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let erased = loop {
        let erased = logs(&server, "action=delete&resource=audit/logs&identity_type=system").await;
        if !erased.is_empty() {
            break erased;
        }
        assert!(std::time::Instant::now() < deadline, "nothing is erased");
    };
    assert_eq!(erased[0]["identity_id"], "system:key-manager");
    let longer = json!({"audit_retention": "3000d"});
    assert_eq!(server.call("PATCH", "/v1/identity/tenants/tnt_dev/settings", Some(longer)).await.status, 200);
    assert!(logs(&server, "path_prefix=app/db").await.is_empty(), "it does not come back");
    server.call("POST", "/v1/audit/reindex", None).await;
    loop {
        let status = server.call("GET", "/v1/audit/reindex", None).await.body;
        if status["status"] == "completed" {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{status}");
    }
    assert!(logs(&server, "path_prefix=app/db").await.is_empty(), "not even to an index made anew");
    let trail = server.call("GET", "/v1/audit/secrets/app/db", None).await.body;
    assert_eq!(trail["logs"], json!([]));
    let verified = server.call("POST", "/v1/audit/verify", Some(json!({}))).await.body;
    assert_eq!((&verified["ok"], &verified["complete"]), (&json!(true), &json!(true)), "the leaves stay: {verified}");
}

#[tokio::test]
async fn reads_may_be_ahead_of_their_entries_but_every_one_has_one() {
    let server = Server::with(&[("AUDIT_MODE", "async")]);
    let health = server.call("GET", "/v1/health/detailed", None).await.body;
    assert_eq!(health["checks"]["audit"]["mode"], "async");
    server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"v": 1}}))).await;
    let mut asked = HashSet::new();
    for _ in 0..50 {
        let read = server.call("GET", "/v1/secrets/app/db", None).await;
        assert_eq!(read.status, 200);
        asked.insert(read.header("x-request-id").to_owned());
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let found = logs(&server, "action=read&path_prefix=app/db&limit=1000").await;
        assert!(found.len() <= 50, "none twice");
        if found.iter().map(|entry| entry["request_id"].as_str().unwrap().to_owned()).collect::<HashSet<_>>() == asked {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{} of 50", found.len());
    }
}
