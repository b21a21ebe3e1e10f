//! `GET`, `POST /v1/sys/clock`: the development clock, to try schedules, expiry and grace.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Rejection, Role, Scope, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

pub(super) static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/sys/clock",
    id: "show_clock",
    summary: "Shows the server's clock (development mode).",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("Clock"))],
    errors: &[ErrorCode::Forbidden],
    handler: |call| Box::pin(show(call)),
};

pub(super) static MOVE: Operation = Operation {
    method: Method::POST,
    path: "/v1/sys/clock",
    id: "move_clock",
    summary: "Moves the server's clock forward (development mode).",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Installation,
    category: Category::Auth,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("MoveClock"),
    answers: &[(200, Some("Clock"))],
    errors: &[ErrorCode::Forbidden, ErrorCode::InvalidDuration],
    handler: |call| Box::pin(advance(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    require_super_admin(call)?;
    call.query.finish()?;
    let offset = call.app.settings.dev_clock.as_ref().map_or(0, |clock| clock.offset_micros());
    Ok(Done::json(&view(call.now(), offset))?)
}

async fn advance(call: &mut Call) -> Result<Done, Stop> {
    require_super_admin(call)?;
    call.begin().await?;
    let now = call.now();
    let to = moment(call, now)?;
    let Some(clock) = call.app.settings.dev_clock.clone() else {
        return Err(Rejection::new(ErrorCode::NotFound, "There is no such route").into());
    };
    let offset = clock.offset_micros() + (to.as_micros() - now.as_micros());
    let reply = Reply::json(200, &view(to, offset))?;
    let mut request = call.change();
    request.owner = Owner::Platform;
    let answer = call.app.engine.clock_moved(&request, offset, reply).await?;
    clock.set_offset_micros(offset);
    // What fell due meanwhile is done before the answer, as after a downtime.
    while call.app.engine.sweep_once().await? > 0 {}
    Ok(Done::Changed(answer))
}

fn require_super_admin(call: &Call) -> Result<(), Rejection> {
    if call.caller.has_role(Role::SuperAdmin) {
        return Ok(());
    }
    Err(Rejection::new(ErrorCode::Forbidden, "This needs the role super_admin")
        .detail("reason", "role_required")
        .detail("required_role", Role::SuperAdmin.as_str()))
}

fn moment(call: &mut Call, now: Timestamp) -> Result<Timestamp, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let (has_advance, has_set) = (fields.has("advance"), fields.has("set"));
    let advance = fields.duration("advance", &mut faults);
    let advance = not_null(advance, "advance", &mut faults);
    let set = fields.timestamp("set", &mut faults);
    let set = not_null(set, "set", &mut faults);
    if has_advance == has_set {
        faults.field("advance", "give either advance or set");
    }
    if set.is_some_and(|set| set < now) {
        faults.field("set", "must not lie before the present time");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(set.unwrap_or_else(|| now.plus_seconds(advance.map_or(0, |advance| advance.seconds()))))
}

fn view(now: Timestamp, offset_micros: i64) -> Value {
    json!({ "now": now, "offset_seconds": offset_micros / 1_000_000 })
}
