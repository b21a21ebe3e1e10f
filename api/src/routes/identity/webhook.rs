//! `POST /v1/identity/webhooks/scaikey`: changes as the identity provider tells of them, signed.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderName, Method};
use scaivault_commands::hook::{Hook, prefixed};
use scaivault_commands::mirror::Said;
use scaivault_commands::{ChangeRequest, Reply};
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Status;
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::{ErrorCode, IdentityId, PartnerId, Rejection, Role, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::headers::single;
use crate::json::invalid;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static RECEIVE: Operation = Operation {
    method: Method::POST,
    path: "/v1/identity/webhooks/scaikey",
    id: "receive_scaikey_webhook",
    summary: "Takes a change over from ScaiKey. Signed with the secret of the registration; no token.",
    access: Access::Open,
    place: Place::Installation,
    category: Category::Public,
    action: Some(Action::IdentitySync),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("ScaiKeyWebhook"),
    answers: &[(200, Some("ScaiKeyWebhookReceived"))],
    errors: &[ErrorCode::AuthenticationRequired, ErrorCode::TokenInvalid],
    handler: |call| Box::pin(receive(call)),
};

const SIGNATURE: HeaderName = HeaderName::from_static("x-scaikey-signature");
const EVENT_ID: HeaderName = HeaderName::from_static("x-scaikey-event-id");
const EVENT_TYPE: HeaderName = HeaderName::from_static("x-scaikey-event-type");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-scaikey-timestamp");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("x-scaikey-webhook-id");
/// How far the signature's time may be from ours, in seconds.
const WINDOW_SECONDS: u64 = 300;
/// Longest id and type of an event, in bytes.
const MAX_NAME: usize = 256;

async fn receive(call: &mut Call) -> Result<Done, Stop> {
    if let Err(stop) = verify(call).await {
        call.entry.action = Action::AuthFailure;
        return Err(stop);
    }
    let system = IdentityId::system(IdentityId::IDENTITY_SYNC);
    call.entry.identity = Some(system.clone());
    let hook = hook(call)?;
    let request = ChangeRequest { actor: system, ..call.change() };
    let tell = |applied: bool| Reply::json(200, &json!({"received": true, "applied": applied}));
    Ok(Done::Changed(call.app.engine.apply_hook(&request, &hook, tell).await?))
}

/// Checks the signature over the body as it came, in constant time.
async fn verify(call: &Call) -> Result<(), Stop> {
    let missing = |name: &HeaderName| {
        Rejection::new(ErrorCode::AuthenticationRequired, format!("Send the header {name}")).detail("reason", "missing")
    };
    if let Some(name) =
        [EVENT_ID, EVENT_TYPE, TIMESTAMP, WEBHOOK_ID].iter().find(|name| !call.headers.contains_key(*name))
    {
        return Err(missing(name).into());
    }
    let header = single(&call.headers, &SIGNATURE)?.ok_or_else(|| missing(&SIGNATURE))?;
    let (time, signatures) = parts(header).ok_or_else(distrusted)?;
    let engine = &call.app.engine;
    let registered = engine.projections().view().installation.registration().is_some();
    let secret = match &call.app.settings.provider.webhook_secret {
        Some(secret) => Some(secret.clone()),
        None => engine.webhook_secret().await?,
    };
    let secret = secret.filter(|_| registered).ok_or_else(distrusted)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let message = [time.as_bytes(), b".", &call.body].concat();
    let mut holds = false;
    for signature in signatures {
        holds |= hmac::verify(&key, &message, &signature).is_ok();
    }
    let seconds: i64 = time.parse().map_err(|_| distrusted())?;
    let fresh = call.now().as_seconds().abs_diff(seconds) <= WINDOW_SECONDS;
    if holds && fresh { Ok(()) } else { Err(distrusted().into()) }
}

/// `t=<unix seconds>,v1=<hex>`; there may be several of the latter.
fn parts(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let time = fields().find(|(name, _)| *name == "t").map(|(_, time)| time)?;
    let signatures: Vec<_> = fields().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
    (!signatures.is_empty()).then_some((time, signatures))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn distrusted() -> Rejection {
    Rejection::new(ErrorCode::TokenInvalid, "The webhook's signature does not hold")
}

fn hook(call: &Call) -> Result<Hook, Rejection> {
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| invalid("The body is not a JSON object"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let named = |one: &str, other: &str, header: &HeaderName| -> Result<String, Rejection> {
        let header = header_text(&call.headers, header);
        let found = text(one).or_else(|| text(other)).map(str::to_owned).or(header);
        let found = found.filter(|found| (1..=MAX_NAME).contains(&found.len()));
        found.ok_or_else(|| invalid(format!("The event has no {one}")))
    };
    let event_id = named("event_id", "id", &EVENT_ID)?;
    let event_type = named("event_type", "type", &EVENT_TYPE)?;
    let at = match text("timestamp").or_else(|| text("created_at")) {
        Some(text) => Timestamp::parse(text).ok_or_else(|| invalid("The event's timestamp is not RFC 3339"))?,
        None => call.now(),
    };
    let data = body.get("data").cloned().unwrap_or(Value::Null);
    let in_data = |name: &str| data.get(name).and_then(Value::as_str);
    Ok(Hook {
        event_id,
        event_type,
        // A moment to come would keep out whatever happens until then.
        at: at.min(call.now()),
        resource: body.pointer("/resource/id").and_then(Value::as_str).map(str::to_owned),
        tenant_id: text("tenant_id").and_then(|id| TenantId::parse(&prefixed(TenantId::PREFIX, id))),
        partner_id: text("partner_id").and_then(|id| PartnerId::parse(&prefixed(PartnerId::PREFIX, id))),
        said: said(&data),
        group_id: in_data("group_id").and_then(|id| GroupId::parse(&prefixed(GroupId::PREFIX, id))),
        user_id: in_data("user_id").and_then(|id| UserId::parse(&prefixed(UserId::PREFIX, id))),
    })
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What the event says of its record; what is not there, or not understood, stays.
fn said(data: &Value) -> Said {
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    let texts = |name: &str| -> Option<Vec<&str>> {
        data.get(name).and_then(Value::as_array).map(|found| found.iter().filter_map(Value::as_str).collect())
    };
    let role = || data.get("role").and_then(Value::as_str).map(|role| vec![role]);
    let parents = texts("parent_ids");
    Said {
        name: text("name"),
        slug: text("slug"),
        region: data.get("region").map(|region| region.as_str().map(str::to_owned)),
        status: text("status").and_then(|status| Status::parse(&status.to_uppercase())),
        partner_id: text("partner_id").and_then(|id| PartnerId::parse(&prefixed(PartnerId::PREFIX, &id))),
        email: text("email").filter(|email| !email.is_empty()),
        display_name: text("display_name"),
        mfa_enabled: data.get("mfa_enabled").and_then(Value::as_bool),
        roles: texts("roles").or_else(role).map(|roles| roles.into_iter().filter_map(Role::parse).collect()),
        parent_ids: parents.map(|parents| {
            parents.into_iter().filter_map(|id| GroupId::parse(&prefixed(GroupId::PREFIX, id))).collect()
        }),
    }
}
