//! Lines as readers of the formats expect them.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::Format;

fn entry(change: impl FnOnce(&mut Value)) -> String {
    let mut entry = json!({
        "id": "log_01JX5V2N8C4M7K1R9T3W6Y0ABQ", "timestamp": "2026-04-23T14:30:00.123456Z", "action": "read",
        "identity_type": "service_account", "identity_id": "sa:reporting", "tenant_id": "tnt_acme_prod",
        "acting_tenant_id": "tnt_acme_prod", "secret_path": "integrations/salesforce/oauth", "resource": null,
        "secret_version": 3, "source_ip": "10.0.1.50", "user_agent": "scaivault-python/1.0.0", "success": true,
        "error_code": null, "duration_ms": 12, "request_id": "req_1", "position": 104_523,
        "extra_data": {"permission": "read", "rule_index": 0},
    });
    change(&mut entry);
    entry.to_string()
}

fn line(format: Format, entry: &str) -> String {
    let mut out = String::new();
    format.write(entry, &mut out).unwrap();
    out
}

fn nobody(entry: &mut Value) {
    for name in ["identity_type", "identity_id", "tenant_id", "acting_tenant_id", "secret_path", "secret_version"] {
        entry[name] = Value::Null;
    }
    entry["source_ip"] = Value::Null;
    entry["user_agent"] = Value::Null;
    entry["extra_data"] = json!({});
}

#[test]
fn jsonl_is_the_entry() {
    let entry = entry(|_| {});
    assert_eq!(line(Format::Jsonl, &entry), format!("{entry}\n"));
}

#[test]
fn csv_quotes_what_must_be_quoted() {
    let start = "log_01JX5V2N8C4M7K1R9T3W6Y0ABQ,2026-04-23T14:30:00.123456Z,read,";
    let whole = "service_account,sa:reporting,tnt_acme_prod,tnt_acme_prod,integrations/salesforce/oauth,,3,10.0.1.50,scaivault-python/1.0.0,true,,12,req_1,104523,\"{\"\"permission\"\":\"\"read\"\",\"\"rule_index\"\":0}\"\r\n";
    assert_eq!(line(Format::Csv, &entry(|_| {})), format!("{start}{whole}"));
    assert_eq!(line(Format::Csv, &entry(nobody)), format!("{start},,,,,,,,,true,,12,req_1,104523,{{}}\r\n"));
    for (agent, field) in [
        ("plain text; with = and |", "plain text; with = and |"),
        ("a,b", "\"a,b\""),
        ("say \"x\"", "\"say \"\"x\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("cr\rhere", "\"cr\rhere\""),
        ("ü\t☃", "ü\t☃"),
    ] {
        let written = line(Format::Csv, &entry(|entry| entry["user_agent"] = agent.into()));
        assert!(written.contains(&format!(",10.0.1.50,{field},true,")), "{agent:?}: {written}");
    }
    let header = Format::Csv.header();
    assert!(header.ends_with(",position,extra_data\r\n") && header.split(',').count() == 18);
}

#[test]
fn cef_has_the_pairs_that_have_values() {
    let version = env!("CARGO_PKG_VERSION");
    let whole = "rt=1776954600123 externalId=log_01JX5V2N8C4M7K1R9T3W6Y0ABQ suser=sa:reporting src=10.0.1.50 requestClientApplication=scaivault-python/1.0.0 outcome=success request=integrations/salesforce/oauth cs1Label=tenant cs1=tnt_acme_prod cs2Label=requestId cs2=req_1 cn1Label=version cn1=3 cn2Label=position cn2=104523\n";
    let start = format!("CEF:0|ScaiLabs|ScaiVault|{version}|");
    assert_eq!(line(Format::Cef, &entry(|_| {})), format!("{start}read|read|3|{whole}"));
    let bare = "rt=1776954600123 externalId=log_01JX5V2N8C4M7K1R9T3W6Y0ABQ outcome=success cs2Label=requestId cs2=req_1 cn2Label=position cn2=104523\n";
    assert_eq!(line(Format::Cef, &entry(nobody)), format!("{start}read|read|3|{bare}"));
}

#[test]
fn cef_escapes_header_and_values() {
    for (agent, value) in [
        ("a=b", "a\\=b"),
        ("a|b", "a|b"),
        ("back\\slash", "back\\\\slash"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("x outcome=failure", "x outcome\\=failure"),
    ] {
        let written = line(Format::Cef, &entry(|entry| entry["user_agent"] = agent.into()));
        assert!(
            written.contains(&format!(" requestClientApplication={value} outcome=success")),
            "{agent:?}: {written}"
        );
        assert_eq!(written.lines().count(), 1);
    }
    let written = line(Format::Cef, &entry(|entry| entry["action"] = "a|b\\c\nd".into()));
    assert!(written.contains("|a\\|b\\\\c d|a\\|b\\\\c d|3|"), "{written}");
}

#[test]
fn cef_tells_how_bad_it_was() {
    for (action, error, severity) in [
        ("read", None, 3),
        ("read", Some("secret_not_found"), 6),
        ("read", Some("access_denied"), 8),
        ("write", Some("mfa_required"), 8),
        ("auth_failure", Some("token_expired"), 8),
    ] {
        let entry = entry(|entry| {
            entry["action"] = action.into();
            entry["success"] = error.is_none().into();
            entry["error_code"] = error.into();
        });
        let written = line(Format::Cef, &entry);
        assert!(written.contains(&format!("|{action}|{action}|{severity}|")), "{written}");
        let reason = error.map_or("outcome=success request=".into(), |code| format!("outcome=failure reason={code} "));
        assert!(written.contains(&reason), "{written}");
    }
}

#[test]
fn ocsf_has_the_fields_of_api_activity() {
    let written: Value = serde_json::from_str(&line(Format::Ocsf, &entry(|_| {}))).unwrap();
    let expected = json!({
        "category_uid": 6, "class_uid": 6003, "activity_id": 2, "type_uid": 600_302, "time": 1_776_954_600_123_i64,
        "status_id": 1, "severity_id": 1, "api": {"operation": "read", "request": {"uid": "req_1"}},
        "actor": {"user": {"uid": "sa:reporting", "type": "service_account"}}, "src_endpoint": {"ip": "10.0.1.50"},
        "http_request": {"user_agent": "scaivault-python/1.0.0"},
        "resources": [{"name": "integrations/salesforce/oauth", "version": "3"}],
        "metadata": {"uid": "log_01JX5V2N8C4M7K1R9T3W6Y0ABQ", "sequence": 104_523, "tenant_uid": "tnt_acme_prod",
                     "product": {"name": "ScaiVault", "vendor_name": "ScaiLabs"}, "version": "1.3.0"},
        "unmapped": {"permission": "read", "rule_index": 0},
    });
    assert_eq!(written, expected);
    let bare: Value = serde_json::from_str(&line(Format::Ocsf, &entry(nobody))).unwrap();
    for name in ["src_endpoint", "http_request", "resources"] {
        assert_eq!(bare.get(name), None, "{name}");
    }
    assert_eq!((&bare["actor"]["user"], bare["metadata"].get("tenant_uid")), (&json!({}), None));
    let failed = entry(|entry| {
        entry["success"] = false.into();
        entry["error_code"] = "access_denied".into();
    });
    let failed: Value = serde_json::from_str(&line(Format::Ocsf, &failed)).unwrap();
    assert_eq!((&failed["status_id"], &failed["severity_id"]), (&json!(2), &json!(3)));
    assert_eq!(failed["status_code"], "access_denied");
}

#[test]
fn every_action_has_an_activity() {
    for (action, version, activity) in [
        ("read", Some(1), 2),
        ("list", None, 2),
        ("write", Some(1), 1),
        ("write", Some(2), 3),
        ("write", None, 3),
        ("policy_create", None, 1),
        ("pki_issue", None, 1),
        ("export_created", None, 1),
        ("webhook_update", None, 3),
        ("rotate", Some(4), 3),
        ("policy_unbind", None, 3),
        ("delete", None, 4),
        ("pki_revoke", None, 4),
        ("federation_delete", None, 4),
        ("auth_failure", None, 99),
        ("unseal", None, 99),
        ("identity_sync", None, 99),
    ] {
        let entry = entry(|entry| {
            entry["action"] = action.into();
            entry["secret_version"] = version.into();
        });
        let written: Value = serde_json::from_str(&line(Format::Ocsf, &entry)).unwrap();
        assert_eq!(written["activity_id"], activity, "{action}");
        assert_eq!(written["type_uid"], 600_300 + activity);
    }
}
