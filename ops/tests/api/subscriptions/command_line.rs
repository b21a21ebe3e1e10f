//! The group `subscriptions` of the command line against the real server.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{BASE, put};
use crate::server::{Server, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");

fn command(server: &Server, line: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(line.split(' ')).env_clear();
    command.env("SCAIVAULT_URL", &server.address).env("SCAIVAULT_TOKEN", TOKEN);
    command
}

fn prints(server: &Server, line: &str) -> String {
    let output = command(server, line).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_made_followed_and_deleted() {
    let server = Server::start();
    let made = prints(&server, "subscriptions create --name shop --paths shop/** --events secret.* --json");
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    let listed = prints(&server, "subscriptions list");
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, [id.as_str(), "shop", "shop/**", "secret.*", "polling", "active"]);
    assert!(prints(&server, &format!("subscriptions get {id}")).contains("pending_events: 0\n"));

    put(&server, "shop/a").await;
    let table = prints(&server, &format!("subscriptions poll {id} --timeout 0"));
    assert!(table.lines().nth(1).unwrap().contains("secret.created  shop/a"), "{table}");
    let mut following = command(&server, &format!("subscriptions poll {id} --follow --json --timeout 1"));
    let mut child = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["path"], "shop/a");
    put(&server, "shop/b").await;
    assert_eq!(next()["path"], "shop/b");
    put(&server, "shop/c").await;
    assert_eq!(next()["path"], "shop/c");
    // Deleted, there is nothing to follow any more.
    prints(&server, &format!("subscriptions delete {id}"));
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let left = server.call("GET", BASE, None).await.body;
    assert_eq!(left["subscriptions"], json!([]));
}
