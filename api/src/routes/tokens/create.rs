//! `POST /v1/auth/tokens`: a personal token for the caller.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::token::{CreateToken, Created};
use scaivault_domain::audit::Action;
use scaivault_domain::policy::condition::address_range;
use scaivault_domain::{ErrorCode, Pattern, Rejection, Scope, Scopes};

use super::view::TokenView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::{Faults, Fields, not_null};
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/tokens",
    id: "create_token",
    summary: "Makes a personal token that acts as the caller. Its value is shown this once.",
    access: Access::Scopes(&[Scope::TokensSelf]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::TokenCreate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("CreateToken"),
    answers: &[(201, Some("TokenCreated"))],
    errors: &[ErrorCode::InvalidDuration, ErrorCode::InvalidGlob],
    handler: |call| Box::pin(create(call)),
};

/// Most entries of a narrowing list.
const MAX_NARROWING: usize = 50;

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let command = command(call)?;
    let tell = |created: &Created<'_>| {
        Reply::json(201, &TokenView::new(created.record, created.created_at).with_value(created.value))
    };
    let answer = call.app.engine.create_token(&call.change(), &call.caller, command, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call) -> Result<CreateToken, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let name = name(&mut fields, &mut faults);
    let scopes = scopes(&mut fields, &mut faults);
    let expires_in = fields.duration("expires_in", &mut faults).flatten();
    let allowed_paths =
        narrowing(&mut fields, "allowed_paths", &mut faults, |text, faults| faults.take(Pattern::parse(text)));
    let allowed_ips = narrowing(&mut fields, "allowed_ips", &mut faults, |text, faults| {
        let parsed = address_range(text);
        if parsed.is_none() {
            faults.field("allowed_ips", "must hold IPv4 or IPv6 ranges such as 10.0.0.0/8");
        }
        parsed
    });
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(CreateToken { name, scopes, expires_in, allowed_paths, allowed_ips })
}

fn name(fields: &mut Fields<'_>, faults: &mut Faults) -> String {
    let given = fields.has("name");
    let text = fields.text("name", faults);
    let name = not_null(text, "name", faults);
    match &name {
        Some(name) if (1..=128).contains(&name.chars().count()) => {}
        Some(_) => faults.field("name", "must have 1 to 128 characters"),
        None if given => {}
        None => faults.field("name", "is required"),
    }
    name.unwrap_or_default()
}

fn scopes(fields: &mut Fields<'_>, faults: &mut Faults) -> Scopes {
    let given = fields.has("scopes");
    let texts = fields.texts("scopes", faults);
    let words = not_null(texts, "scopes", faults);
    match &words {
        Some(words) if words.is_empty() => faults.field("scopes", "must hold at least one scope"),
        None if !given => faults.field("scopes", "is required"),
        Some(_) | None => {}
    }
    let words = words.unwrap_or_default();
    for (index, _) in words.iter().enumerate().filter(|(_, word)| Scope::parse(word).is_none()) {
        faults.field(format!("scopes[{index}]"), "is not a known scope");
    }
    words.iter().filter_map(|word| Scope::parse(word)).collect()
}

fn narrowing<T>(
    fields: &mut Fields<'_>,
    field: &str,
    faults: &mut Faults,
    parse: impl Fn(&str, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let texts = fields.texts(field, faults).flatten()?;
    if field == "allowed_paths" && texts.len() > MAX_NARROWING {
        let sentence = "A token can be narrowed to at most 50 patterns";
        faults.special(Rejection::new(ErrorCode::InvalidGlob, sentence).detail("reason", "too_many"));
    } else if !(1..=MAX_NARROWING).contains(&texts.len()) {
        faults.field(field, "must hold 1 to 50 entries; leave it out for none");
    }
    Some(texts.iter().filter_map(|text| parse(text, faults)).collect())
}
