//! `audit export` and `audit exports` by the executable.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::content::{check_row, entries, history};
use super::server::{Server, TOKEN};

struct User<'a> {
    server: &'a Server,
    home: tempfile::TempDir,
}

impl User<'_> {
    fn run(&self, line: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scaivault"));
        command.args(line.split_whitespace()).env_clear().env("HOME", self.home.path());
        command.env("SCAIVAULT_URL", &self.server.address).env("SCAIVAULT_TOKEN", TOKEN);
        let output = command.current_dir(self.home.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn prints(&self, line: &str) -> String {
        let (status, out, err) = self.run(line);
        assert_eq!(status, 0, "{line}: {err}");
        out
    }
}

fn value<'t>(text: &'t str, field: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}: ")));
    line.unwrap_or_else(|| panic!("no {field} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_made_watched_and_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::with(&[("EXPORT_DIR", directory.path().to_str().unwrap())]);
    history(&server).await;
    let user = User { server: &server, home: tempfile::tempdir().unwrap() };
    let made = user.prints("audit export --format csv --action read,write --path-prefix app/ --wait");
    let id = value(&made, "id");
    assert_eq!((value(&made, "status"), value(&made, "filters.action")), ("completed", "read,write"));
    let columns = made.lines().find(|line| line.starts_with("FILE")).unwrap();
    assert!(columns.split_whitespace().eq(["FILE", "BYTES", "ENTRIES", "SHA256"]), "{made}");
    assert!(made.lines().last().unwrap().starts_with(&format!("{id}-00001.csv")), "{made}");
    let whole = user.prints("audit export");
    assert!(["pending", "running", "completed"].contains(&value(&whole, "status")));
    let json = user.prints("--json audit export --start 2026-01-01 --wait");
    let export: Value = serde_json::from_str(&json).unwrap();
    let id = export["id"].as_str().unwrap();
    let list = user.prints("audit exports list");
    let mut lines = list.lines();
    assert!(lines.next().unwrap().split_whitespace().eq(["ID", "STATUS", "FORMAT", "ENTRIES", "CREATED"]), "{list}");
    assert!(lines.next().unwrap().starts_with(id) && lines.count() == 2, "{list}");
    let shown = user.prints(&format!("audit exports get {id}"));
    assert!(
        shown.contains("completed") && shown.contains(export["manifest"][0]["sha256"].as_str().unwrap()),
        "{shown}"
    );
    let fetched = user.prints(&format!("audit exports download {id} --out-dir here"));
    assert!(fetched.contains(id));
    let here = user.home.path().join("here");
    let name = export["manifest"][0]["name"].as_str().unwrap();
    let content = std::fs::read(here.join(name)).unwrap();
    check_row(&export["manifest"][0], &content, entries(&content).len());
    assert!(here.join("manifest.json").exists());
    let (_, _, notices) = user.run(&format!("audit exports download {id} --out-dir here"));
    assert!(notices.contains("is there already"), "{notices}");
    refusals(&user, &directory.path().join(id).join(name), &here.join(name), id);
}

fn refusals(user: &User<'_>, on_server: &Path, here: &Path, id: &str) {
    for (line, expected, message) in [
        ("audit export --destination ftp://x", 5, "--destination"),
        ("audit export --format xml", 5, "validation_error"),
        ("audit export --destination s3://audit/x --credentials-path audit/none", 4, "secret_not_found"),
        ("audit exports get exp_01JXR90A3T6W8K2M5P7Q9S1V4X", 4, "export_not_found"),
    ] {
        let (status, _, err) = user.run(line);
        assert_eq!(status, expected, "{line}: {err}");
        assert!(err.contains(message), "{line}: {err}");
    }
    // A file that is not what the server says of it is not kept.
    std::fs::write(on_server, "altered").unwrap();
    std::fs::remove_file(here).unwrap();
    let (status, _, err) = user.run(&format!("audit exports download {id} --out-dir here"));
    assert_eq!(status, 1, "{err}");
    assert!(err.contains("digest") && !here.exists(), "{err}");
}
