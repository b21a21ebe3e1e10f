//! Log lines as a reader of standard error gets them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;

/// What `events` writes, line by line.
fn lines(level: LogLevel, format: LogFormat, events: impl FnOnce()) -> Vec<String> {
    let written = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&written);
    let layer = LogLayer::new(format, "vault-1", move |_, line: &[u8]| sink.lock().unwrap().extend_from_slice(line));
    let subscriber = Registry::default().with(layer.with_filter(filter(level)));
    tracing::subscriber::with_default(subscriber, events);
    let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::io::Error);

#[test]
fn json_lines_are_flat_typed_and_in_order() {
    let lines = lines(LogLevel::Info, LogFormat::Json, || {
        let nothing: Option<&str> = None;
        tracing::info!(target: "http", method = "GET", status = 200, slow = false, share = 0.5, error_code = nothing, "request");
    });
    assert_eq!(lines.len(), 1);
    let (start, rest) = lines[0].split_at("{\"timestamp\": \"2026-04-23T14:30:00.123456Z\"".len());
    assert!(start.ends_with("Z\""), "{start}");
    assert_eq!(
        rest,
        r#", "level": "info", "target": "http", "message": "request", "node_id": "vault-1", "method": "GET", "status": 200, "slow": false, "share": 0.5, "error_code": null}"#
    );
}

#[test]
fn text_lines_are_for_eyes() {
    let lines = lines(LogLevel::Debug, LogFormat::Text, || {
        tracing::warn!(target: "tls", path = "a b", empty = "", count = 3, "two\nlines");
    });
    let (_, rest) = lines[0].split_once(' ').unwrap();
    assert_eq!(rest, r#"WARN tls two\nlines node_id=vault-1 path="a b" empty="" count=3"#);
}

#[test]
fn an_event_is_one_line_whatever_it_holds() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let lines = lines(LogLevel::Error, format, || {
            tracing::error!(target: "x", value = "a\r\nb\u{2028}c\u{85}d\u{1b}[31m\"\\", "m\n\u{2029}");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].chars().all(|character| !character.is_control() && character != '\u{2028}'), "{lines:?}");
        if format == LogFormat::Json {
            let parsed: Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!(parsed["value"], "a\r\nb\u{2028}c\u{85}d\u{1b}[31m\"\\");
            assert_eq!(parsed["message"], "m\n\u{2029}");
        }
    }
}

#[test]
fn errors_bring_their_causes_and_spans_their_fields() {
    let lines = lines(LogLevel::Info, LogFormat::Json, || {
        let span = tracing::info_span!("request", request_id = "req_1", tenant_id = tracing::field::Empty, status = 1);
        span.record("tenant_id", "tnt_a");
        span.in_scope(|| {
            let error = Outer(std::io::Error::other("inner"));
            tracing::error!(error = &error as &dyn std::error::Error, status = 500, level = "mine", "failed");
        });
    });
    let parsed: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(parsed["error"], "outer: inner");
    assert_eq!((&parsed["request_id"], &parsed["tenant_id"]), (&"req_1".into(), &"tnt_a".into()));
    assert_eq!((&parsed["status"], &parsed["level"]), (&500.into(), &"error".into()));
    assert!(parsed["target"].as_str().unwrap().starts_with("scaivault::"), "{parsed}");
}

#[test]
fn levels_are_kept() {
    let events = || {
        tracing::error!("a");
        tracing::warn!("b");
        tracing::info!("c");
        tracing::debug!("d");
        tracing::trace!("e");
    };
    for (level, count) in [(LogLevel::Error, 1), (LogLevel::Warn, 2), (LogLevel::Info, 3), (LogLevel::Debug, 4)] {
        assert_eq!(lines(level, LogFormat::Text, events).len(), count, "{level:?}");
    }
}
