//! The groups `service-accounts`, `identity` and `scaikey` against the real server.

use std::process::Command;

use serde_json::json;

use crate::provider::{CLIENT, Provider};
use crate::server::{Server, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");

/// Somebody at a terminal.
struct User<'a> {
    server: &'a Server,
    home: tempfile::TempDir,
}

impl<'a> User<'a> {
    fn of(server: &'a Server) -> Self {
        Self { server, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        let mut command = Command::new(BINARY);
        command.args(line.split_whitespace()).env_clear().env("HOME", self.home.path());
        command.env("SCAIVAULT_URL", &self.server.address).env("SCAIVAULT_TOKEN", TOKEN);
        let output = command.current_dir(self.home.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// What a command that succeeds prints.
    fn prints(&self, line: &str) -> String {
        let (status, out, err) = self.run(line);
        assert_eq!(status, 0, "{line}: {err}");
        out
    }
}

/// The value of a `field: value` line.
fn value<'t>(text: &'t str, field: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}: ")));
    line.unwrap_or_else(|| panic!("no {field} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn service_accounts_and_keys() {
    let server = Server::start();
    let user = User::of(&server);
    let made = user.prints("service-accounts create --name builder --roles secrets-writer --description builds");
    assert_eq!((value(&made, "identity_id"), value(&made, "is_active")), ("sa:builder", "yes"));
    let idle = user.prints("service-accounts create --name idle --active false");
    assert_eq!((value(&idle, "identity_id"), value(&idle, "is_active")), ("sa:idle", "no"));
    user.prints("service-accounts delete sa:idle --yes");
    let list = user.prints("service-accounts list --query BUILD");
    let mut lines = list.lines();
    assert!(lines.next().unwrap().split_whitespace().eq(["ID", "NAME", "IDENTITY", "ROLES", "ACTIVE"]), "{list}");
    assert!(lines.next().unwrap().ends_with("sa:builder  secrets-writer  yes"), "{list}");
    let key = user.prints("service-accounts create-key sa:builder --name one --expires-in none");
    assert!(value(&key, "key").starts_with("sak_") && value(&key, "expires_at") == "-", "{key}");
    let stored = user.prints("service-accounts create-key sa:builder --name two --store-in app/key");
    assert_eq!((value(&stored, "key"), value(&stored, "stored_in")), ("-", "app/key"));
    let keys = user.prints("service-accounts list-keys sa:builder");
    assert!(keys.contains("one") && keys.contains("two") && keys.starts_with("KEY"), "{keys}");
    for number in 0..3 {
        user.prints(&format!("service-accounts create --name more-{number}"));
    }
    let (_, page, notice) = user.run("service-accounts list --limit 2");
    assert_eq!(page.lines().count(), 3, "{page}");
    assert!(notice.contains("--cursor 2"), "{notice}");
    assert!(user.prints("service-accounts list --limit 2 --cursor 2").contains("sa:builder"));
    let all = user.prints("--json service-accounts list --limit 2 --all");
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    assert_eq!((&all["total"], all["service_accounts"].as_array().unwrap().len()), (&json!(4), 4));
    let changed = user.prints("service-accounts update sa:builder --active false --scopes secrets:read");
    assert_eq!((value(&changed, "is_active"), value(&changed, "scopes")), ("no", "secrets:read"));
    let id = value(&key, "id");
    assert_eq!(user.prints(&format!("service-accounts delete-key sa:builder {id}")), format!("Deleted {id}\n"));
    assert_eq!(user.prints("service-accounts delete sa:builder"), "Deleted sa:builder\n");
    let (status, out, err) = user.run("service-accounts get sa:builder");
    assert_eq!((status, out.as_str()), (4, ""));
    assert!(err.contains("[service_account_not_found]"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_tenants_and_users() {
    let server = Server::start();
    let user = User::of(&server);
    let partner = user.prints("identity create-partner --name Acme --region eu");
    let partner = value(&partner, "id").to_owned();
    let made = user.prints(&format!("identity create-tenant --name Prod --slug acme-prod --partner-id {partner}"));
    let id = value(&made, "id").to_owned();
    assert!(user.prints("identity partners").contains("Acme"));
    assert_eq!(value(&user.prints(&format!("identity tenants {id}")), "slug"), "acme-prod");
    let settings =
        user.prints(&format!("identity settings {id} --set default_max_versions=3 --set recovery_window=2d"));
    assert_eq!((value(&settings, "default_max_versions"), value(&settings, "recovery_window")), ("3", "2d"));
    let settings = user.prints(&format!("identity settings {id} --set recovery_window="));
    assert_eq!(value(&settings, "recovery_window"), "30d");
    assert_eq!(user.run(&format!("identity delete-tenant {id}")).0, 1, "it is active");
    user.prints(&format!("identity update-tenant {id} --status SUSPENDED --name Gone"));
    assert_eq!(value(&user.prints(&format!("identity delete-tenant {id}")), "status"), "DELETED");
    let users = user.prints("identity users --query root");
    assert!(users.starts_with("ID") && users.contains("root@dev"), "{users}");
    let root = users.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!(user.prints("identity groups --tenant tnt_dev").lines().count(), 1, "headings only");
    assert_eq!(value(&user.prints("identity resolve user root@dev"), "id"), root);
    assert!(user.prints("identity roles").contains("secrets-reader"));
    assert_eq!(value(&user.prints(&format!("identity roles {root}")), "roles"), "super_admin");
    let (status, _, err) = user.run(&format!("identity roles {root} --set tenant_admin,super_admin"));
    assert_eq!(status, 3, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_and_synchronisation() {
    let provider = Provider::start().await;
    let server = Server::with(&[
        ("SCAIKEY_URL", &provider.url),
        ("SCAIKEY_CLIENT_ID", CLIENT.0),
        ("SCAIKEY_CLIENT_SECRET", CLIENT.1),
        ("IDENTITY_SYNC_ENABLED", "false"),
    ]);
    let user = User::of(&server);
    assert_eq!(value(&user.prints("scaikey status"), "status"), "unregistered");
    assert_eq!(user.run("scaikey sync-status").0, 4, "there was none yet");
    std::fs::write(user.home.path().join("secret"), "a secret of thirty-two bytes or more\n").unwrap();
    let made = user.prints("scaikey register --scope platform --email a@b.example --webhook-secret-file secret");
    assert_eq!((value(&made, "scope"), value(&made, "email")), ("platform", "a@b.example"));
    let synced = user.prints("scaikey sync --wait --tenant tnt_dev");
    let mut lines = synced.lines();
    assert!(lines.next().unwrap().split_whitespace().eq(["SYNC", "STATUS", "STARTED", "FINISHED", "CHANGES"]));
    assert!(lines.next().unwrap().ends_with("0 created, 0 updated, 0 deleted"), "{synced}");
    assert!(user.prints("scaikey sync-status --history").contains("completed"));
    assert!(user.prints("scaikey sync-status").contains("completed"));
}
