//! `POST /v1/policies/test`: what policies would say, and why.

use std::net::IpAddr;

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::access::{Caller, Permission};
use scaivault_domain::audit::Action;
use scaivault_domain::policy::{Asked, Candidates, Conditions, Denied, EvaluatedRule, Rule, evaluate, system_path};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, Role, Scope, SecretPath, Timestamp};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static TEST: Operation = Operation {
    method: Method::POST,
    path: "/v1/policies/test",
    id: "test_policies",
    summary: "Tells what access policies would say to a request, and why. Leaves no trace.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyTest,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("TestPolicies"),
    answers: &[(200, Some("PolicyVerdict"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::IdentityNotFound],
    handler: |call| Box::pin(test(call)),
};

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict<'a> {
    ByRule {
        allowed: bool,
        policy_id: &'a str,
        rule: &'a Rule,
    },
    ByRole {
        allowed: bool,
        policy_id: Option<&'a str>,
        rule: Box<ByRole<'a>>,
    },
    Denied {
        allowed: bool,
        reason: &'static str,
        failed_condition: Option<&'static str>,
        evaluated: Vec<Evaluated<'a>>,
    },
}

/// The implicit policy of a role.
#[derive(Serialize)]
struct ByRole<'a> {
    role: Role,
    path_pattern: &'a str,
    permissions: Vec<Permission>,
    conditions: Conditions,
}

/// How a rule stood.
#[derive(Serialize)]
struct Evaluated<'a> {
    policy_id: &'a str,
    name: &'a str,
    rule_index: usize,
    path_matched: bool,
    permission_matched: bool,
    failed_condition: Option<&'static str>,
}

struct Question {
    identity: Option<IdentityId>,
    path: String,
    permission: Permission,
    address: Option<IpAddr>,
    mfa_verified_at: Option<Timestamp>,
    at: Timestamp,
}

async fn test(call: &mut Call) -> Result<Done, Stop> {
    let question = question(call)?;
    let (caller, candidates) = asker(call, question.identity.as_ref());
    let asked = Asked {
        permission: question.permission,
        path: &question.path,
        address: question.address,
        mfa_verified_at: question.mfa_verified_at,
        at: question.at,
    };
    let reply = match caller.role_permitting(&call.target, asked.permission) {
        Some(role) => {
            let path_pattern = if asked.path.starts_with('@') { "@**" } else { "**" };
            let permissions = Permission::ALL.into_iter().filter(|permission| role.permits(*permission)).collect();
            let rule = Box::new(ByRole { role, path_pattern, permissions, conditions: Conditions::default() });
            Reply::json(200, &Verdict::ByRole { allowed: true, policy_id: None, rule })
        }
        None => match evaluate(&candidates, &asked) {
            Ok(granted) => {
                let rule = granted.policy.content.rules.get(granted.rule_index);
                let rule = rule.ok_or_else(|| Rejection::new(ErrorCode::InternalError, "The rule is not there"))?;
                Reply::json(200, &Verdict::ByRule { allowed: true, policy_id: granted.policy.id.as_str(), rule })
            }
            Err(denied) => Reply::json(200, &refused(&denied)),
        },
    };
    Ok(Done::Unrecorded(reply?))
}

fn refused(denied: &Denied) -> Verdict<'_> {
    Verdict::Denied {
        allowed: false,
        reason: denied.reason(),
        failed_condition: denied.failed_condition().map(scaivault_domain::policy::Condition::as_str),
        evaluated: denied.evaluated.iter().map(shown).collect(),
    }
}

fn shown(rule: &EvaluatedRule) -> Evaluated<'_> {
    Evaluated {
        policy_id: rule.policy.id.as_str(),
        name: &rule.policy.content.name,
        rule_index: rule.rule_index,
        path_matched: rule.path_matched,
        permission_matched: rule.permission_matched,
        failed_condition: rule.failed_condition.map(scaivault_domain::policy::Condition::as_str),
    }
}

/// As whom to judge: the caller itself, or what the records of another identity of the tenant say.
fn asker(call: &Call, other: Option<&IdentityId>) -> (Caller, Candidates) {
    let view = call.app.engine.projections().view();
    let at_home = call.caller.tenant.as_ref() == call.target.owner.tenant();
    let caller = match other {
        None => Caller::clone(&call.caller),
        Some(identity) if at_home && *identity == call.caller.identity => Caller::clone(&call.caller),
        Some(identity) => view.caller_of_record(&call.target, identity),
    };
    let candidates = view.candidates(&caller, &call.target);
    (caller, candidates)
}

fn question(call: &mut Call) -> Result<Question, Rejection> {
    let now = call.now();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("path");
    for field in ["path", "permission"] {
        if !fields.has(field) {
            faults.field(field, "is required");
        }
    }
    let path = fields.text("path", &mut faults);
    let path = not_null(path, "path", &mut faults).unwrap_or_default();
    let word = fields.text("permission", &mut faults);
    let word = not_null(word, "permission", &mut faults);
    let permission = word.as_deref().and_then(Permission::parse);
    if word.is_some() && permission.is_none() {
        faults.field("permission", "must be read, write, delete, list, rotate or admin");
    }
    let (mut address, mut has_mfa, mut at) = (None, false, now);
    if let Some(mut context) = fields.object("context", &mut faults).flatten() {
        if let Some(text) = context.text("source_ip", &mut faults).flatten() {
            address = text.parse::<IpAddr>().ok();
            if address.is_none() {
                faults.field("context.source_ip", "must be an IPv4 or IPv6 address");
            }
        }
        has_mfa = context.boolean("mfa_verified", &mut faults).flatten().unwrap_or_default();
        at = context.timestamp("timestamp", &mut faults).flatten().unwrap_or(now);
        context.finish(&mut faults);
    }
    let text = fields.text("identity_id", &mut faults).flatten();
    fields.finish(&mut faults);
    let identity = text.and_then(|text| match call.identity(&text) {
        Ok(Some(identity)) => Some(identity),
        Ok(None) => {
            faults.field("identity_id", "must be an identity such as user:alice@acme.example, or a record's id");
            None
        }
        Err(rejection) => {
            faults.special(rejection);
            None
        }
    });
    if given && !system_path(&path) {
        faults.take(SecretPath::parse(&path));
    }
    faults.finish()?;
    let permission = permission.ok_or_else(|| Rejection::field("permission", "is required"))?;
    Ok(Question { identity, path, permission, address, mfa_verified_at: has_mfa.then_some(at), at })
}
