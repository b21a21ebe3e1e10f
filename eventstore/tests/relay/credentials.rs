//! A server that lets in users by signed credentials, as hosted ones do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::fixture::Node;
use crate::member::{Installation, memory, start_as, until};

/// A claim of `issuer` about `subject`, in the form NATS servers read.
fn claim(issuer: &KeyPair, subject: &KeyPair, nats: Value) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({"typ": "JWT", "alg": "ed25519-nkey"}));
    let body = encode(json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject.public_key(),
        "name": "test", "nats": nats,
    }));
    let text = format!("{header}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(text.as_bytes()).unwrap());
    format!("{text}.{signature}")
}

fn credentials(jwt: &str, user: &KeyPair) -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed().unwrap()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_credentials_lets_in() {
    let (operator, system, account) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let unlimited = json!({"type": "account", "version": 2, "limits": limits});
    let plain = json!({"type": "account", "version": 2, "limits": {"subs": -1, "data": -1, "payload": -1, "conn": -1}});
    let broker = Broker::start(&format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}\n",
        claim(&operator, &operator, json!({"type": "operator", "version": 2})),
        system.public_key(),
        system.public_key(),
        claim(&operator, &system, plain),
        account.public_key(),
        claim(&operator, &account, unlimited),
    ));
    let installation = Installation::new(&broker.url());
    let node = Node::start(memory().await, Default::default()).await;
    node.fill(5).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vault.creds");

    let stranger = KeyPair::new_user();
    let forged = claim(&KeyPair::new_account(), &stranger, json!({"type": "user", "version": 2}));
    std::fs::write(&file, credentials(&forged, &stranger)).unwrap();
    let bus = start_as(&installation, &node, vec![broker.url()], Some(file.clone()));
    until("it is refused", async || bus.health().fault.is_some_and(|fault| fault.contains("authorization"))).await;

    // Read anew for each connection: replacing the file is enough.
    let user = KeyPair::new_user();
    let jwt = claim(&account, &user, json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}));
    std::fs::write(&file, credentials(&jwt, &user)).unwrap();
    until("it is let in", async || bus.health().fault.is_none()).await;
    let told = format!("{:?}", bus.health());
    bus.close().await;
    assert!(!told.contains(&user.seed().unwrap()));
}
