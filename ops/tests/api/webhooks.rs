//! Webhooks: made, changed, ended; what is delivered to them, and what is told of it.

mod changes;
mod deliveries;
mod receiver;

use serde_json::{Value, json};

use self::receiver::Receiver;
use super::rotation::{get, made};
use super::server::Server;

pub const BASE: &str = "/v1/webhooks";
pub const SECRET: &str = "a secret of this test alone";

/// A webhook of one name that gets all events, with more fields; its id.
async fn webhook(server: &Server, name: &str, more: Value) -> String {
    made(server, BASE, content(name, more)).await["id"].as_str().unwrap().to_owned()
}

fn content(name: &str, more: Value) -> Value {
    let mut body = json!({"name": name, "url": "https://hooks.acme.example/in", "secret": SECRET, "events": ["*"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// A webhook to a receiver.
async fn received(server: &Server, receiver: &Receiver, more: Value) -> String {
    let mut fields = json!({"url": receiver.url()});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    webhook(server, "received", fields).await
}

/// Deliveries as they are listed, newest first.
async fn deliveries(server: &Server, id: &str, query: &str) -> Vec<Value> {
    let listed = get(server, &format!("{BASE}/{id}/deliveries?limit=200&{query}")).await;
    assert_eq!((&listed["has_more"], &listed["cursor"]), (&json!(false), &Value::Null));
    listed["deliveries"].as_array().unwrap().clone()
}
