//! Nothing secret reaches a log line or a metric, at any level.

use serde_json::json;

use super::server::{Server, TOKEN};

#[tokio::test]
async fn logs_and_metrics_hold_nothing_secret() {
    let server = Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")]);
    let (value, path, query) = ("a-value-of-the-test", "app/path-of-the-test", "tag=query-of-the-test");
    let secret = format!("/v1/secrets/{path}");
    let written = server.call("PUT", &secret, Some(json!({"data": {"password": value}}))).await;
    assert_eq!(written.status, 201);
    server.call("PUT", &secret, Some(json!({"data": value}))).await;
    server.call("GET", &secret, None).await;
    server.call("GET", &format!("/v1/secrets?{query}"), None).await;
    server.call("GET", &format!("/v1/secrets?{query}&unknown={value}"), None).await;
    let token = server.token(&["secrets:read"], json!({})).await;
    server.call_as(&token, "GET", &secret, None, &[]).await;
    server.call("DELETE", &format!("/v1/auth/tokens/{token}"), None).await;
    server.call_as("a-wrong-token-of-the-test", "GET", &secret, None, &[]).await;
    let metrics = server.raw(b"GET /v1/metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(metrics.contains("scaivault_requests_total"), "{metrics}");
    let log = server.log_of(10).await;
    for text in [&log, &metrics] {
        for secret in [value, path, "query-of-the-test", TOKEN, token.as_str(), "a-wrong-token-of-the-test"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    for line in log.lines().filter(|line| line.contains("\"http\"")) {
        let line: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
        for field in ["timestamp", "level", "target", "message", "node_id", "request_id", "status", "duration_ms"] {
            assert!(!line[field].is_null(), "{field} in {line}");
        }
    }
}
