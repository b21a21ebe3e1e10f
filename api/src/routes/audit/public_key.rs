//! `GET /v1/audit/public-key`: with which key checkpoints are signed.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The operation.
pub static PUBLIC_KEY: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/public-key",
    id: "read_audit_public_key",
    summary: "Shows the key that checkpoints are verified with. Keep a copy outside the server.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditPublicKey"))],
    errors: &[],
    handler: |call| Box::pin(public_key(call)),
};

#[derive(Serialize)]
struct Shown<'a> {
    origin: &'a str,
    algorithm: &'static str,
    verifier_key: String,
    public_key_pem: String,
    previous: Vec<String>,
}

async fn public_key(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let (key, previous) = (call.app.tree.verifier(), call.app.tree.previous());
    let pem = STANDARD.encode([SPKI.as_slice(), key.key()].concat());
    Ok(Done::json(&Shown {
        origin: key.name(),
        algorithm: "ed25519",
        verifier_key: key.to_string(),
        public_key_pem: format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n"),
        previous: previous.iter().map(ToString::to_string).collect(),
    })?)
}
