//! Every operation of the description has a row here: what it needs, and that nothing less opens it.

use serde_json::{Value, json};

use super::server::Server;

/// Operation, and the scopes it needs; `None` for public ones.
const ROWS: &[(&str, Option<&[&str]>)] = &[
    ("health", None),
    ("ready", None),
    ("version", None),
    ("openapi", None),
    ("docs", None),
    ("metrics", None),
    ("health_detailed", Some(&["admin"])),
    ("show_clock", Some(&["admin"])),
    ("move_clock", Some(&["admin"])),
    ("whoami", Some(&[])),
    ("revoke_token_value", Some(&[])),
    ("create_token", Some(&["tokens:self"])),
    ("list_tokens", Some(&["tokens:self"])),
    ("revoke_token", Some(&["tokens:self"])),
    ("introspect_token", Some(&["admin"])),
    ("exchange_token", None),
    ("list_issuers", Some(&["admin"])),
    ("create_issuer", Some(&["admin"])),
    ("read_issuer", Some(&["admin"])),
    ("update_issuer", Some(&["admin"])),
    ("delete_issuer", Some(&["admin"])),
    ("list_exchange_rules", Some(&["admin"])),
    ("create_exchange_rule", Some(&["admin"])),
    ("read_exchange_rule", Some(&["admin"])),
    ("update_exchange_rule", Some(&["admin"])),
    ("delete_exchange_rule", Some(&["admin"])),
    ("list_policies", Some(&["policies:read"])),
    ("create_policy", Some(&["policies:write"])),
    ("read_policy", Some(&["policies:read"])),
    ("replace_policy", Some(&["policies:write"])),
    ("update_policy", Some(&["policies:write"])),
    ("delete_policy", Some(&["policies:write"])),
    ("list_policy_bindings", Some(&["policies:read"])),
    ("bind_policy", Some(&["policies:write"])),
    ("unbind_policy", Some(&["policies:write"])),
    ("test_policies", Some(&["policies:read"])),
    ("explain_request", Some(&["policies:read"])),
    ("replay_policies", Some(&["audit:read", "policies:read"])),
    ("read_policy_replay", Some(&["audit:read", "policies:read"])),
    ("list_secret_policies", Some(&["policies:read"])),
    ("create_secret_policy", Some(&["policies:write"])),
    ("list_secret_policy_types", Some(&["policies:read"])),
    ("read_secret_policy", Some(&["policies:read"])),
    ("update_secret_policy", Some(&["policies:write"])),
    ("delete_secret_policy", Some(&["policies:write"])),
    ("list_rotation_policies", Some(&["admin"])),
    ("create_rotation_policy", Some(&["admin"])),
    ("read_rotation_policy", Some(&["admin"])),
    ("update_rotation_policy", Some(&["admin"])),
    ("delete_rotation_policy", Some(&["admin"])),
    ("enable_rotation_policy", Some(&["admin"])),
    ("disable_rotation_policy", Some(&["admin"])),
    ("list_rotation_policy_secrets", Some(&["admin"])),
    ("attach_secret_to_rotation_policy", Some(&["admin"])),
    ("detach_secret_from_rotation_policy", Some(&["admin"])),
    ("rotate_rotation_policy_secrets", Some(&["secrets:rotate"])),
    ("list_rotation_history", Some(&["audit:read"])),
    ("list_due_rotations", Some(&["secrets:rotate"])),
    ("list_pending_rotations", Some(&["secrets:rotate"])),
    ("list_subscriptions", Some(&["subscriptions:read"])),
    ("create_subscription", Some(&["subscriptions:write"])),
    ("read_subscription", Some(&["subscriptions:read"])),
    ("update_subscription", Some(&["subscriptions:write"])),
    ("delete_subscription", Some(&["subscriptions:write"])),
    ("poll_events", Some(&["subscriptions:read"])),
    ("acknowledge_events", Some(&["subscriptions:read"])),
    ("stream_events", Some(&["subscriptions:read"])),
    ("generate_secret_values", Some(&["policies:read"])),
    ("list_webhooks", Some(&["admin"])),
    ("create_webhook", Some(&["admin"])),
    ("read_webhook", Some(&["admin"])),
    ("update_webhook", Some(&["admin"])),
    ("delete_webhook", Some(&["admin"])),
    ("test_webhook", Some(&["admin"])),
    ("list_webhook_deliveries", Some(&["admin"])),
    ("read_webhook_delivery", Some(&["admin"])),
    ("redeliver_webhook_delivery", Some(&["admin"])),
    ("replay_webhook", Some(&["admin"])),
    ("list_partners", Some(&["identity:read"])),
    ("create_partner", Some(&["identity:admin"])),
    ("read_partner", Some(&["identity:read"])),
    ("update_partner", Some(&["identity:admin"])),
    ("list_tenants", Some(&["identity:read"])),
    ("create_tenant", Some(&["identity:admin"])),
    ("read_tenant", Some(&["identity:read"])),
    ("update_tenant", Some(&["identity:admin"])),
    ("delete_tenant", Some(&["identity:admin"])),
    ("read_tenant_settings", Some(&["identity:read"])),
    ("update_tenant_settings", Some(&["identity:admin"])),
    ("list_users", Some(&["identity:read"])),
    ("read_user_roles", Some(&["identity:read"])),
    ("update_user_roles", Some(&["identity:admin"])),
    ("list_groups", Some(&["identity:read"])),
    ("list_group_members", Some(&["identity:read"])),
    ("resolve_identity", Some(&["identity:read"])),
    ("list_identity_roles", Some(&[])),
    ("receive_scaikey_webhook", None),
    ("read_scaikey_registration", Some(&["identity:read"])),
    ("register_with_scaikey", Some(&["identity:admin"])),
    ("start_identity_sync", Some(&["identity:admin"])),
    ("list_identity_syncs", Some(&["identity:read"])),
    ("read_identity_sync", Some(&["identity:read"])),
    ("list_service_accounts", Some(&["identity:read"])),
    ("create_service_account", Some(&["identity:admin"])),
    ("read_service_account", Some(&["identity:read"])),
    ("update_service_account", Some(&["identity:admin"])),
    ("delete_service_account", Some(&["identity:admin"])),
    ("list_service_account_keys", Some(&["identity:read"])),
    ("create_service_account_key", Some(&["identity:admin"])),
    ("delete_service_account_key", Some(&["identity:admin"])),
    ("list_audit_logs", Some(&["audit:read"])),
    ("read_audit_entry", Some(&["audit:read"])),
    ("read_secret_trail", Some(&["audit:read"])),
    ("read_identity_trail", Some(&["audit:read"])),
    ("summarise_audit", Some(&["audit:read"])),
    ("read_blast_radius", Some(&["audit:read"])),
    ("start_audit_reindex", Some(&["audit:read"])),
    ("read_audit_reindex", Some(&["audit:read"])),
    ("create_audit_export", Some(&["audit:export"])),
    ("list_audit_exports", Some(&["audit:export"])),
    ("read_audit_export", Some(&["audit:export"])),
    ("read_audit_export_file", Some(&["audit:export"])),
    ("read_audit_checkpoint", Some(&["audit:read"])),
    ("read_audit_public_key", Some(&["audit:read"])),
    ("prove_audit_inclusion", Some(&["audit:read"])),
    ("prove_audit_consistency", Some(&["audit:read"])),
    ("list_audit_leaves", Some(&["audit:read"])),
    ("make_audit_bundle", Some(&["audit:read"])),
    ("verify_audit", Some(&["audit:read"])),
    ("replay_audit", Some(&["audit:read"])),
    ("read_secret", Some(&["secrets:read"])),
    ("write_secret", Some(&["secrets:write"])),
    ("update_secret", Some(&["secrets:write"])),
    ("delete_secret", Some(&["secrets:delete"])),
    ("restore_secret", Some(&["secrets:write"])),
    ("rotate_secret", Some(&["secrets:rotate"])),
    ("list_secret_versions", Some(&["secrets:list"])),
    ("list_secret_consumers", Some(&["secrets:list", "audit:read"])),
    ("read_secret_metadata", Some(&["secrets:list"])),
    ("list_secrets", Some(&["secrets:list"])),
    ("list_expiring_secrets", Some(&["secrets:list"])),
    ("read_secrets", Some(&["secrets:read"])),
    ("read_secrets_metadata", Some(&["secrets:list"])),
];

/// A scope that opens none of them.
const OTHER: &str = "federation:read";

pub fn scopes_of(operation: &str) -> Option<&'static [&'static str]> {
    let name = operation.trim_start_matches("partner_").trim_end_matches("_in_tenant");
    let row = ROWS.iter().find(|(known, _)| *known == name);
    row.unwrap_or_else(|| panic!("{operation} has no row: say what it needs")).1
}

pub fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(verb, operation)| (path.clone(), verb.to_uppercase(), operation.clone()))
    });
    all.collect()
}

/// A request's path: `id` in every place that takes one, or if that is empty, one of the right kind.
pub fn url_of(path: &str, id: &str) -> String {
    let kinds = [
        ("{key_id}", "key_1"),
        ("{binding_id}", "bnd_1"),
        ("{request_id}", "req_1"),
        ("{tenant_id}", "tnt_dev"),
        ("{identity_type}", "user"),
        ("{id}", "tok_1"),
    ];
    let is_id = |name: &str| !id.is_empty() && name != "{identity_type}";
    let path = path.replace("{path}", "app/db").replace("{secret_path}", "app/db");
    let url = kinds.iter().fold(path, |url, (name, of_kind)| url.replace(name, if is_id(name) { id } else { of_kind }));
    // Whatever else is named by an id.
    let mut parts = url.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |url, part| url + if id.is_empty() { "none_1" } else { id } + part.split_once('}').unwrap().1)
}

#[tokio::test]
async fn nothing_opens_without_its_scopes() {
    let server = Server::start();
    let description = server.call_as("", "GET", "/v1/openapi.json", None, &[]).await.body;
    let other = server.token(&[OTHER], json!({})).await;
    let mut seen = 0;
    for (path, verb, operation) in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        let url = url_of(&path, "");
        let body = operation.get("requestBody").map(|_| json!({}));
        let nobody = server.call_as("", &verb, &url, body.clone(), &[]).await;
        let Some(scopes) = scopes_of(id) else {
            // One that takes a body finds out from it who calls, and an empty one says nothing; a webhook says by its
            // signature who sends it.
            let status = match (id, body.is_some()) {
                ("receive_scaikey_webhook", _) => 401,
                (_, true) => 400,
                (_, false) => 200,
            };
            assert_eq!(nobody.status, status, "{id} is public");
            continue;
        };
        seen += 1;
        assert_eq!((nobody.status, nobody.code()), (401, "authentication_required"), "{id} without a token");
        assert_eq!(nobody.detail("reason"), "missing");
        assert_eq!(nobody.header("www-authenticate"), "Bearer");
        assert_eq!(operation["x-scopes"], json!(scopes), "{id} documents its scopes");
        for missing in scopes {
            let rest: Vec<&str> = scopes.iter().filter(|scope| *scope != missing).copied().chain([OTHER]).collect();
            let token = server.token(&rest, json!({})).await;
            let answer = server.call_as(&token, &verb, &url, body.clone(), &[]).await;
            assert_eq!((answer.status, answer.code()), (403, "access_denied"), "{id} without {missing}");
            assert_eq!(answer.detail("reason"), "insufficient_scope");
            // Where another one will do as well, that is told.
            let is_either =
                ["list_due_rotations", "list_pending_rotations"].iter().any(|either| id.starts_with(either));
            let required = if is_either { format!("{missing} or admin") } else { (*missing).to_owned() };
            assert_eq!(answer.detail("required_scope"), required.as_str());
        }
        if scopes.is_empty() {
            let answer = server.call_as(&other, &verb, &url, body, &[]).await;
            assert_ne!(answer.status, 403, "{id} needs no scope");
        }
    }
    assert!(seen > 40, "the description lists operations");
}
