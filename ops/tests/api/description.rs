//! The OpenAPI document is a reviewed file: `docs/openapi.json`.

use std::path::PathBuf;

use super::server::Server;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

/// A change of the API shows as a change of that file. `UPDATE_DESCRIPTION=1` writes it anew.
#[tokio::test]
async fn the_served_description_is_the_reviewed_one() {
    let served = Server::start().call_as("", "GET", "/v1/openapi.json", None, &[]).await.body;
    let served = serde_json::to_string_pretty(&served).unwrap() + "\n";
    if std::env::var_os("UPDATE_DESCRIPTION").is_some() {
        std::fs::write(file(), &served).unwrap();
    }
    let reviewed = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(
        served == reviewed,
        "the API changed: run this test with UPDATE_DESCRIPTION=1 and review docs/openapi.json"
    );
}

#[tokio::test]
async fn the_page_is_complete_in_itself() {
    let server = Server::start();
    let page = server.raw(b"GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/html"), "{}", &page[..200]);
    for outside in ["src=\"http", "href=\"http", "url(http", "import "] {
        assert!(!page.contains(outside), "loads from elsewhere: {outside}");
    }
    assert!(page.contains("\"operationId\":\"read_secret\""));
}
