//! Bad input of every kind gets its own error of the contract, never a 500, never a hang.

use serde_json::json;

use super::server::{Server, TOKEN};

fn put(headers: &str, body: &[u8]) -> Vec<u8> {
    put_to("/v1/secrets/app/db", headers, body)
}

fn put_to(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const JSON: &str = "Content-Type: application/json\r\n";

#[track_caller]
fn assert_refused(answer: &str, status: u16, code: &str, what: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {}", &answer[..answer.len().min(600)]);
    assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{what}: {}", &answer[..answer.len().min(900)]);
}

#[test]
fn bodies() {
    let server = Server::start();
    let deep = format!("{{\"data\":{}1{}}}", "{\"a\":".repeat(70), "}".repeat(70));
    let very_deep = format!("{{\"data\":{}", "[".repeat(100_000));
    let large = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(1_048_576));
    let large_value = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(524_288));
    let rows: &[(&str, &str, &[u8], u16, &str)] = &[
        ("malformed", JSON, b"{\"data\":", 400, "invalid_request"),
        ("an array", JSON, b"[]", 400, "invalid_request"),
        ("duplicate key", JSON, b"{\"data\":{\"a\":1,\"a\":2}}", 400, "invalid_request"),
        ("duplicate field", JSON, b"{\"data\":{},\"data\":{}}", 400, "invalid_request"),
        ("not UTF-8", JSON, b"{\"data\":{\"a\":\"\xff\"}}", 400, "invalid_request"),
        ("lone surrogate", JSON, b"{\"data\":{\"a\":\"\\ud800\"}}", 400, "invalid_request"),
        ("byte order mark", JSON, b"\xef\xbb\xbf{\"data\":{}}", 400, "invalid_request"),
        ("deep", JSON, deep.as_bytes(), 400, "invalid_request"),
        ("very deep", JSON, very_deep.as_bytes(), 400, "invalid_request"),
        ("over 1 MiB", JSON, large.as_bytes(), 413, "payload_too_large"),
        ("value over 512 KiB", JSON, large_value.as_bytes(), 413, "payload_too_large"),
        ("no content type", "", b"{\"data\":{}}", 415, "unsupported_media_type"),
        (
            "two content types",
            "Content-Type: application/json\r\nContent-Type: application/json\r\n",
            b"{\"data\":{}}",
            415,
            "unsupported_media_type",
        ),
        (
            "other charset",
            "Content-Type: application/json; charset=latin1\r\n",
            b"{\"data\":{}}",
            415,
            "unsupported_media_type",
        ),
        ("a form", "Content-Type: application/x-www-form-urlencoded\r\n", b"data=1", 415, "unsupported_media_type"),
        ("no data", JSON, b"{}", 422, "validation_error"),
        ("data of another type", JSON, b"{\"data\":[]}", 422, "validation_error"),
        ("unknown field", JSON, b"{\"data\":{},\"dta\":{}}", 422, "validation_error"),
        ("unknown option", JSON, b"{\"data\":{},\"options\":{\"max_version\":1}}", 422, "validation_error"),
        ("absurd number", JSON, b"{\"data\":{},\"options\":{\"max_versions\":1e999}}", 422, "validation_error"),
        (
            "absurd duration",
            JSON,
            b"{\"data\":{},\"options\":{\"expires_in\":\"99999999999999999999d\"}}",
            400,
            "invalid_duration",
        ),
        ("unknown type", JSON, b"{\"data\":{},\"secret_type\":\"x\"}", 400, "invalid_secret_type"),
    ];
    for (what, headers, body, status, code) in rows {
        assert_refused(&server.raw(&put(headers, body)), *status, code, what);
    }
}

#[test]
fn headers() {
    let server = Server::start();
    let rows: &[(&str, &str, u16, &str)] = &[
        ("weak tag", "If-Match: W/\"1\"\r\n", 400, "invalid_request"),
        ("list of tags", "If-Match: \"1\", \"2\"\r\n", 400, "invalid_request"),
        ("bare tag", "If-Match: 1\r\n", 400, "invalid_request"),
        ("zero tag", "If-Match: \"0\"\r\n", 400, "invalid_request"),
        ("two tags", "If-Match: \"1\"\r\nIf-Match: \"1\"\r\n", 400, "invalid_request"),
        ("empty key", "Idempotency-Key: \r\n", 400, "invalid_request"),
        ("two keys", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n", 400, "invalid_request"),
        ("position", "X-ScaiVault-Position: -1\r\n", 400, "invalid_request"),
        ("future position", "X-ScaiVault-Position: 99999999\r\n", 503, "service_unavailable"),
        ("two tokens", "Authorization: Bearer other\r\n", 401, "authentication_required"),
        ("no such secret", "If-Match: \"1\"\r\n", 409, "version_conflict"),
    ];
    for (what, headers, status, code) in rows {
        assert_refused(&server.raw(&put(&format!("{JSON}{headers}"), b"{\"data\":{}}")), *status, code, what);
    }
    let long = format!("{JSON}Idempotency-Key: {}\r\n", "k".repeat(256));
    assert_refused(&server.raw(&put(&long, b"{\"data\":{}}")), 400, "invalid_request", "long key");
}

#[test]
fn paths() {
    let server = Server::start();
    let long = "a".repeat(513);
    let deep = ["a"; 11].join("/");
    for (path, reason) in [
        ("", "empty"),
        ("/a", "leading_slash"),
        ("%2Fa", "leading_slash"),
        ("a/", "trailing_slash"),
        ("a//b", "empty_segment"),
        ("a/../b", "invalid_character"),
        ("a/%2e%2e/b", "invalid_character"),
        ("a/./b", "invalid_character"),
        ("App", "invalid_character"),
        ("a%00b", "invalid_character"),
        ("a%ff", "invalid_character"),
        ("a%2", "invalid_character"),
        ("%C3%A4", "invalid_character"),
        (long.as_str(), "too_long"),
        (deep.as_str(), "too_deep"),
        ("metadata/x", "reserved"),
        ("batch", "reserved"),
        ("a/versions", "reserved"),
        ("a%2Frotate", "reserved"),
    ] {
        let answer = server.raw(&put_to(&format!("/v1/secrets/{path}"), JSON, b"{\"data\":{}}"));
        assert_refused(&answer, 400, "invalid_path", path);
        assert!(answer.contains(&format!("\"reason\":\"{reason}\"")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn routes_and_verbs() {
    let server = Server::start();
    for (method, path, status, allow) in [
        ("GET", "/v1/nothing", 404, ""),
        ("GET", "/v1/t/tnt_dev/auth/whoami", 404, ""),
        ("POST", "/v1/secrets/app/db", 405, "DELETE, GET, HEAD, PATCH, PUT"),
        ("DELETE", "/v1/secrets", 405, "GET, HEAD"),
        ("OPTIONS", "/v1/health", 405, "GET, HEAD"),
    ] {
        let answer = server.call_as("", method, path, None, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        assert!(!answer.header("x-request-id").is_empty() && !answer.header("x-ratelimit-limit").is_empty());
    }
    assert!(server.call("HEAD", "/v1/auth/whoami", None).await.body.is_null());
}

#[tokio::test]
async fn queries() {
    let server = Server::start();
    for (query, status, code) in [
        ("limit=0", 422, "validation_error"),
        ("limit=201", 422, "validation_error"),
        ("limit=%D9%A1", 422, "validation_error"),
        ("limit=1&limit=1", 422, "validation_error"),
        ("unknown=1", 422, "validation_error"),
        ("include_deleted=yes", 422, "validation_error"),
        ("expires_before=tomorrow", 422, "validation_error"),
        ("prefix=%ff", 422, "validation_error"),
        ("prefix=/a", 400, "invalid_path"),
        ("secret_type=x", 400, "invalid_secret_type"),
        ("cursor=x", 400, "invalid_cursor"),
        ("cursor=%2B%2F", 400, "invalid_cursor"),
    ] {
        let answer = server.call("GET", &format!("/v1/secrets?{query}"), None).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{query}");
    }
}

#[tokio::test]
async fn cursors_of_other_queries() {
    let server = Server::start();
    for path in ["a", "b", "c"] {
        let written = server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {}}))).await;
        assert_eq!(written.status, 201);
    }
    let page = server.call("GET", "/v1/secrets?limit=1", None).await.body;
    let cursor = page["cursor"].as_str().unwrap();
    assert_eq!(page["total_count"], 3);
    let next = server.call("GET", &format!("/v1/secrets?limit=2&cursor={cursor}"), None).await.body;
    assert_eq!((&next["secrets"][0]["path"], &next["has_more"]), (&json!("b"), &json!(false)));
    for query in [format!("limit=1&prefix=a&cursor={cursor}"), format!("cursor={cursor}A"), format!("cursor=A{cursor}")]
    {
        let answer = server.call("GET", &format!("/v1/secrets?{query}"), None).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_cursor"), "{query}");
    }
    let elsewhere = server.call("GET", &format!("/v1/partner/secrets?cursor={cursor}"), None).await;
    assert_eq!(elsewhere.code(), "invalid_cursor");
}
