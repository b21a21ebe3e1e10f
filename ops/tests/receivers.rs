//! Webhooks before receivers of others: the libraries of Standard Webhooks, and one written from our documentation alone.
//! Also while a secret is being replaced, after it, and for what was altered on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "receivers/heard.rs"]
mod heard;
#[path = "receivers/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use api::Api;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heard::Heard;
use program::Program;
use reqwest::Method;
use serde_json::{Value, json};
use server::Setup;

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "a text that is no base64 at all";

/// The secret as a library of Standard Webhooks is given it.
fn standard(secret: &str) -> String {
    match secret.starts_with("whsec_") {
        true => secret.to_owned(),
        false => format!("whsec_{}", STANDARD.encode(secret)),
    }
}

struct Programs {
    standard: [Program; 2],
    documented: Program,
}

impl Programs {
    /// Every program says that each request is what it claims to be, by this secret, or that none is.
    fn judge(&mut self, heard: &[Heard], secret: &str, by_standard: bool, by_documentation: bool) {
        for request in heard {
            let told = request.header("webhook-id");
            let expected = |accepted| if accepted { told.clone() } else { "refused".to_owned() };
            for program in &mut self.standard {
                assert_eq!(program.verdict(&standard(secret), request), expected(by_standard), "{request:?}");
            }
            assert_eq!(self.documented.verdict(secret, request), expected(by_documentation), "{request:?}");
        }
    }
}

async fn write(api: &Api, sink: &heard::Sink, count: usize) -> Vec<Heard> {
    for number in 0..count {
        api.write(&format!("app/{number}"), &json!({"data": {"password": "of this version"}})).await;
    }
    sink.take(count).await
}

async fn ask(api: &Api, method: Method, path: &str, body: &Value) -> Value {
    let answer = api.send(method, path, &[], Some(body)).await.unwrap();
    assert!(answer.status < 300, "{path}: {}", answer.text);
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_of_others_believe_us_and_nobody_else() {
    let mut programs = Programs {
        standard: [Program::python("standard.py"), Program::node("standard.js")],
        documented: Program::python("documented.py"),
    };
    let directory = tempfile::tempdir().unwrap();
    let server = tokio::task::block_in_place(|| Setup::dev(directory.path()).start());
    let api = Api::new(&server.url, &server.value("Root token: ").unwrap());
    let sink = heard::Sink::start().await;
    let body = json!({"name": "hook", "url": sink.url, "secret": FIRST, "events": ["secret.*"], "ed25519": true});
    let id = ask(&api, Method::POST, "/v1/webhooks", &body).await["id"].as_str().unwrap().to_owned();

    let heard = write(&api, &sink, 5).await;
    programs.judge(&heard, FIRST, true, true);
    programs.judge(&heard, SECOND, false, false);
    for request in &heard {
        let mut altered = request.clone();
        altered.body = altered.body.replace("app/", "api/");
        programs.judge(&[altered], FIRST, false, false);
        let mut later = request.clone();
        later.set("webhook-timestamp", "1614265330");
        later.set("x-scaivault-timestamp", "1614265330");
        programs.judge(&[later], FIRST, false, false);
    }

    // While the secret is being replaced either is believed, by the standard; by our own header the new one alone.
    let change = json!({"secret": SECOND, "previous_secret_ttl": "1h"});
    ask(&api, Method::PATCH, &format!("/v1/webhooks/{id}"), &change).await;
    let heard = write(&api, &sink, 5).await;
    programs.judge(&heard, FIRST, true, false);
    programs.judge(&heard, SECOND, true, true);

    // In the other form, too.
    ask(&api, Method::PATCH, &format!("/v1/webhooks/{id}"), &json!({"format": "cloudevents"})).await;
    let heard = write(&api, &sink, 3).await;
    assert!(heard.iter().all(|request| request.header("content-type") == "application/cloudevents+json"));
    programs.judge(&heard, SECOND, true, true);

    // A secret that is replaced without an overlap counts no more.
    let change = json!({"secret": FIRST, "previous_secret_ttl": "1s"});
    ask(&api, Method::PATCH, &format!("/v1/webhooks/{id}"), &change).await;
    ask(&api, Method::POST, "/v1/sys/clock", &json!({"advance": "2s"})).await;
    let heard = write(&api, &sink, 3).await;
    programs.judge(&heard, FIRST, true, true);
    programs.judge(&heard, SECOND, false, false);
    tokio::task::block_in_place(|| assert_eq!(server.terminate(), 0));
}
