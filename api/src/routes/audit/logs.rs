//! `GET /v1/audit/logs`: entries, by whatever tells them apart.

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use super::page::Asked;
use super::{ACTION, FROM, LIMIT, PARTNER, PLATFORM, SECRET_SCOPE, TO, input, owners, page};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

/// The operation.
pub static LOGS: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/logs",
    id: "list_audit_logs",
    summary: "Lists audit entries, newest first.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::TenantIfAny,
    category: Category::AuditQuery,
    action: Some(Action::List),
    idempotent: false,
    query: &[
        FROM,
        TO,
        ACTION,
        Parameter { name: "identity_id", shape: Shape::Text, meaning: "Who." },
        Parameter {
            name: "identity_type",
            shape: Shape::Choice(&["user", "service_account", "group", "system"]),
            meaning: "Kind of identity.",
        },
        Parameter { name: "path_prefix", shape: Shape::Text, meaning: "How the path of the secret begins, literally." },
        Parameter { name: "resource", shape: Shape::Text, meaning: "What else than a secret it concerned." },
        Parameter { name: "success", shape: Shape::Boolean, meaning: "Whether it succeeded." },
        Parameter { name: "error_code", shape: Shape::Text, meaning: "Code of the error." },
        Parameter { name: "source_ip", shape: Shape::Text, meaning: "Address of the client." },
        Parameter { name: "request_id", shape: Shape::Text, meaning: "The request." },
        SECRET_SCOPE,
        PLATFORM,
        Parameter {
            name: "after_position",
            shape: Shape::Integer(0, i64::MAX),
            meaning: "Only entries with a greater position; with order=asc a live tail without gap or repetition.",
        },
        Parameter { name: "order", shape: Shape::Choice(&["desc", "asc"]), meaning: "By position; desc if absent." },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("AuditLogs"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(list(call)),
};

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let platform = call.query.boolean("platform");
    let mut filter = input::filter(call)?;
    let asked = Asked::of(call, "");
    let is_partners = call.query.choice("secret_scope").as_deref() == Some(PARTNER);
    call.query.finish()?;
    let mut owners = owners(call, platform)?;
    if platform {
        filter.partner_secrets = is_partners;
    } else {
        input::scoped(call, &mut owners, &mut filter)?;
    }
    input::retained(call, &owners, &mut filter);
    Ok(Done::json(&page::read(call, &owners, &filter, &asked).await?)?)
}
