//! Rotation policies: made, changed, listed, ended; secrets attached and detached.

use serde_json::{Value, json};

use super::{BASE, attached, get, made, policy, put, standing};
use crate::isolation::key;
use crate::server::{Answer, Server};

fn faults(answer: &Answer) -> Vec<&str> {
    assert_eq!((answer.status, answer.code()), (422, "validation_error"), "{answer:?}");
    answer.detail("fields").as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_policy_is_shown_as_it_counts() {
    let server = Server::start();
    put(&server, "app/green", json!({"data": {}})).await;
    let recipe = json!({"name": "pw", "fields": [{"name": "password", "generator": "random"}]});
    made(&server, "/v1/secret-policies", recipe).await;
    let body = json!({
        "name": "Quarterly", "interval": "12w", "description": "d", "grace_period": "1d", "warn_before": "1d, 7d",
        "auto_generate": true, "secret_policy_id": "sp_pw", "finish_when_moved": true,
        "window": {"days": ["sun", "sat"], "start": "22:00", "end": "04:00"},
        "min_distance": {"path": "app/green", "duration": "24h"},
    });
    let created = server.call("POST", BASE, Some(body)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let at = created.body["created_at"].clone();
    let wanted = json!({
        "id": "rot_quarterly", "name": "Quarterly", "description": "d", "interval": "12w", "interval_seconds": 7_257_600,
        "grace_period": "1d", "warn_before": "7d,1d", "auto_generate": true, "secret_policy_id": "sp_pw",
        "window": {"days": ["sat", "sun"], "start": "22:00", "end": "04:00", "timezone": "UTC"},
        "min_distance": {"path": "app/green", "duration": "24h"}, "finish_when_moved": true, "webhook_ids": [],
        "secrets_count": 0, "is_active": true, "created_at": at, "updated_at": at,
    });
    assert_eq!(created.body, wanted);
    assert_eq!(get(&server, &format!("{BASE}/rot_quarterly")).await, wanted);
    // It keeps its recipe from being deleted without a word.
    let refused = server.call("DELETE", "/v1/secret-policies/sp_pw", None).await;
    assert_eq!((refused.status, refused.detail("rotation_policies")), (409, &json!(["rot_quarterly"])));

    let change = json!({"name": "Yearly", "interval": "365d", "window": null, "min_distance": null, "auto_generate": false,
                        "secret_policy_id": null, "warn_before": "", "is_active": false, "grace_period": null});
    let changed = server.call("PATCH", &format!("{BASE}/rot_quarterly"), Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let told = |name: &str| changed.body[name].clone();
    assert_eq!((told("id"), told("name")), (json!("rot_quarterly"), json!("Yearly")));
    assert_eq!(
        (told("window"), told("min_distance"), told("secret_policy_id")),
        (Value::Null, Value::Null, Value::Null)
    );
    assert_eq!((told("grace_period"), told("warn_before"), told("is_active")), (json!("48h"), json!(""), json!(false)));
    // Objects are merged key by key.
    let base = format!("{BASE}/rot_quarterly");
    let patch = async |body: Value| server.call("PATCH", &base, Some(body)).await;
    patch(json!({"window": {"days": ["sun"], "start": "02:00", "end": "04:00", "timezone": "Europe/Amsterdam"}})).await;
    let later = patch(json!({"window": {"start": "03:00", "days": null}})).await.body["window"].clone();
    let days = json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    assert_eq!(later, json!({"days": days, "start": "03:00", "end": "04:00", "timezone": "Europe/Amsterdam"}));
    patch(json!({"min_distance": {"path": "app/green", "duration": "24h"}})).await;
    let nearer = patch(json!({"min_distance": {"duration": "12h"}})).await.body["min_distance"].clone();
    assert_eq!(nearer, json!({"path": "app/green", "duration": "12h"}));
    patch(json!({"window": null, "min_distance": null, "is_active": false})).await;
    for (verb, is_active) in [("enable", true), ("enable", true), ("disable", false)] {
        let answer = made(&server, &format!("{BASE}/rot_quarterly/{verb}"), json!({})).await;
        assert_eq!(answer["is_active"], is_active);
    }
    let taken = server.call("POST", BASE, Some(json!({"name": "yEARLY", "interval": "1d"}))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    assert_eq!(get(&server, &format!("{BASE}?active_only=true")).await["data"], json!([]));
    let listed = get(&server, BASE).await;
    assert_eq!(listed["data"][0]["name"], "Yearly");

    assert_eq!(server.call("DELETE", &format!("{BASE}/rot_quarterly"), None).await.status, 204);
    let gone = server.call("GET", &format!("{BASE}/rot_quarterly"), None).await;
    assert_eq!((gone.status, gone.code()), (404, "rotation_policy_not_found"));
    let actions = get(&server, "/v1/audit/logs?resource=rotation/policies/rot_quarterly&limit=200").await;
    let actions: Vec<_> = actions["logs"].as_array().unwrap().iter().map(|log| log["action"].clone()).collect();
    for action in
        ["rotation_policy_update", "rotation_policy_enable", "rotation_policy_disable", "rotation_policy_delete"]
    {
        assert!(actions.contains(&json!(action)), "{action} in {actions:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let server = Server::start();
    let ask = async |more: Value| {
        let mut body = json!({"name": "p", "interval": "90d"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.call("POST", BASE, Some(body)).await
    };
    for (more, field) in [
        (json!({"interval": "9s"}), "interval"),
        (json!({"interval": "3651d"}), "interval"),
        (json!({"grace_period": "366d"}), "grace_period"),
        (json!({"warn_before": "90d"}), "warn_before"),
        (json!({"warn_before": "24h,1d"}), "warn_before"),
        (json!({"secret_policy_id": "sp_x"}), "secret_policy_id"),
        (json!({"window": {"days": ["sunday"], "start": "02:00", "end": "04:00"}}), "window.days"),
        (json!({"window": {"start": "02:00", "end": "02:00"}}), "window.end"),
        (json!({"window": {"start": "2:00", "end": "04:00"}}), "window.start"),
        (json!({"min_distance": {"path": "app/none", "duration": "90d"}}), "min_distance.duration"),
        (json!({"secret_policy_id": "sp_none"}), "secret_policy_id"),
        (json!({"window": {"start": "02:00"}}), "window.end"),
        (json!({"window": {"start": "02:00", "end": "04:00", "timezone": "Mars/Base"}}), "window.timezone"),
        (json!({"min_distance": {"path": "app/db", "duration": "90d"}}), "min_distance.duration"),
        (json!({"name": "---"}), "name"),
        (json!({"unknown": 1}), "unknown"),
    ] {
        if more["secret_policy_id"] == "sp_x" {
            made(&server, "/v1/secret-policies", json!({"name": "x", "fields": [{"name": "f", "generator": "hex"}]}))
                .await;
        }
        if field == "min_distance.duration" {
            put(&server, "app/db", json!({"data": {}})).await;
        }
        assert_eq!(faults(&ask(more.clone()).await), [field], "{more}");
    }
    for (more, status, code) in [
        (json!({"interval": "soon"}), 400, "invalid_duration"),
        (json!({"warn_before": "7d,soon"}), 400, "invalid_duration"),
        (json!({"auto_generate": true, "secret_policy_id": "sp_none"}), 404, "secret_policy_not_found"),
        (json!({"min_distance": {"path": "app/none", "duration": "1d"}}), 404, "secret_not_found"),
        (json!({"webhook_ids": ["wh_01JX5T0Q7M3C9V2R8K4N6P1ABD"]}), 404, "webhook_not_found"),
    ] {
        let answer = ask(more.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{more}");
    }
    assert_eq!(get(&server, BASE).await["data"], json!([]));
}

#[tokio::test]
async fn secrets_are_attached_moved_and_detached() {
    let server = Server::start();
    let (quarterly, yearly) =
        (policy(&server, "quarterly", json!({})).await, policy(&server, "yearly", json!({})).await);
    put(&server, "app/db", json!({"data": {"password": "a"}})).await;
    let place = format!("{BASE}/{quarterly}/secrets");
    let body = json!({"secret_path": "app/db"});
    let first = server.call("POST", &place, Some(body.clone())).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = server.call("POST", &place, Some(body.clone())).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!((&first.body["status"], &first.body["last_rotated_at"]), (&json!("scheduled"), &Value::Null));
    let metadata = get(&server, "/v1/secrets/metadata/app/db").await;
    assert_eq!(metadata["rotation_policy"]["id"], quarterly.as_str());
    assert_eq!(metadata["rotation_policy"]["next_rotation"], first.body["next_rotation"]);
    assert_eq!(get(&server, "/v1/secrets/app/db").await["rotation_policy_id"], quarterly.as_str());

    let moved = server.call("POST", &format!("{BASE}/{yearly}/secrets"), Some(body)).await;
    assert_eq!(moved.status, 201);
    assert_eq!(standing(&server, &quarterly, "app/db").await, Value::Null);
    let refused = server.call("DELETE", &format!("{place}/app/db"), None).await;
    assert_eq!(
        (refused.status, refused.code(), refused.detail("reason")),
        (404, "secret_not_found", &json!("not_assigned"))
    );
    let gone = server.call("DELETE", &format!("{BASE}/{yearly}/secrets/app%2Fdb"), None).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert!(get(&server, "/v1/secrets/app/db").await.get("rotation_policy_id").is_none());

    attached(&server, "app/key", &yearly).await;
    let change = json!({"options": {"rotation_policy_id": quarterly}});
    let changed = server.call("PATCH", "/v1/secrets/app/key", Some(change)).await;
    assert_eq!(changed.body["rotation_policy"]["id"], quarterly.as_str(), "{changed:?}");
    let change = json!({"options": {"rotation_policy_id": null}});
    let changed = server.call("PATCH", "/v1/secrets/app/key", Some(change)).await;
    assert_eq!(changed.body["rotation_policy"], Value::Null);
    let unknown = json!({"data": {}, "options": {"rotation_policy_id": "rot_none"}});
    let unknown = server.call("PUT", "/v1/secrets/app/new", Some(unknown)).await;
    assert_eq!((unknown.status, unknown.code()), (404, "rotation_policy_not_found"));
    assert_eq!(server.call("GET", "/v1/secrets/app/new", None).await.status, 404);

    // A policy that comes back under the same id does not take those back that were attached to the former.
    attached(&server, "app/old", &yearly).await;
    assert_eq!(get(&server, &format!("{BASE}/{yearly}")).await["secrets_count"], 1);
    server.call("DELETE", &format!("{BASE}/{yearly}"), None).await;
    assert_eq!(get(&server, "/v1/secrets/metadata/app/old").await["rotation_policy"], Value::Null);
    policy(&server, "yearly", json!({})).await;
    assert_eq!(get(&server, &format!("{BASE}/{yearly}")).await["secrets_count"], 0);
    assert_eq!(get(&server, "/v1/secrets/metadata/app/old").await["rotation_policy"], Value::Null);
}

#[tokio::test]
async fn attaching_takes_the_right_to_write() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let quarterly = policy(&server, "quarterly", json!({})).await;
    attached(&server, "app/db", &quarterly).await;
    let (stranger, _) = key(&server, "/v1", json!([])).await;
    let place = format!("{BASE}/{quarterly}/secrets");
    let ask =
        async |method: &str, path: &str, body: Option<Value>| server.call_as(&stranger, method, path, body, &[]).await;
    let attach = ask("POST", &place, Some(json!({"secret_path": "app/db"}))).await;
    let detach = ask("DELETE", &format!("{place}/app/db"), None).await;
    let rotate = format!("{BASE}/{quarterly}/rotate");
    let (all, named) =
        (ask("POST", &rotate, None).await, ask("POST", &rotate, Some(json!({"secret_paths": ["app/db"]}))).await);
    for answer in [attach, detach, all, named] {
        assert_eq!((answer.status, answer.code()), (403, "access_denied"), "{answer:?}");
    }
    let due = ask("GET", "/v1/rotation/due?within_hours=8760", None).await;
    assert_eq!(due.body["secrets"], json!([]), "only paths that the caller may list");
    assert_eq!(get(&server, "/v1/rotation/due?within_hours=8760").await["secrets"].as_array().unwrap().len(), 1);
    let old = server.call("GET", "/v1/rotation/pending", None).await;
    assert_eq!(old.header("deprecation"), "true");
    assert_eq!(old.header("link"), "</v1/rotation/due>; rel=\"successor-version\"");
}
