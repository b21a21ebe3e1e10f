//! What policies say, or said, and why.

use clap::Args;
use http::Method;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::{self, Table};

/// Flags of `policies test`.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Secret path or system path
    path: String,
    /// read, write, delete, list, rotate or admin
    permission: String,
    /// Whom to judge [default: yourself]
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// Address of the client
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<String>,
    /// With a fresh second factor
    #[arg(long)]
    mfa: bool,
    /// At this moment (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Exit with 3 if it would be denied
    #[arg(long)]
    exit_code: bool,
}

/// Runs `policies test`.
pub(crate) async fn test(session: &Session, arguments: TestArguments) -> Result<Exit, Failure> {
    let TestArguments { path, permission, identity, source_ip, mfa, at, exit_code } = arguments;
    let context = object([
        ("source_ip", source_ip.map(Json::text)),
        ("mfa_verified", mfa.then_some(Json::Bool(true))),
        ("timestamp", at.map(Json::text)),
    ]);
    let body = object([
        ("identity_id", identity.map(Json::text)),
        ("path", Some(Json::text(path))),
        ("permission", Some(Json::text(permission))),
        ("context", Some(context)),
    ]);
    let call = Call::new(Method::POST, Address::new(super::ROUTE).then("test")).with_body(&body);
    let answer = session.send(call).await?;
    session.output.answer(&answer, tested)?;
    let allowed = answer.json()?.member("allowed").is_some_and(Json::is_true);
    Ok(if allowed || !exit_code { Exit::SUCCESS } else { Exit::FORBIDDEN })
}

fn tested(verdict: &Json) -> String {
    let fields = [("allowed", "allowed"), ("reason", "reason"), ("failed_condition", "failed_condition")];
    let mut parts = vec![table::chosen_lines(verdict, &fields)];
    if let Some(rule) = verdict.member("rule") {
        let granted = [("policy_id", verdict.member("policy_id")), ("role", rule.member("role"))];
        let lines = granted.iter().map(|(name, value)| format!("{name}: {}", table::cell(*value)));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
        parts.push(super::content::rules(std::slice::from_ref(rule)).render());
    } else {
        parts.push(evaluated(verdict).render());
    }
    parts.join("\n\n")
}

/// Decisions on a past request, each as a test would show it.
pub(crate) fn explained(answer: &Json) -> String {
    let decisions = answer.member("decisions").map(Json::items).unwrap_or_default();
    decisions.iter().map(decision).collect::<Vec<_>>().join("\n\n")
}

fn decision(decision: &Json) -> String {
    let fields = [
        "timestamp",
        "identity_id",
        "permission",
        "path",
        "verdict",
        "code",
        "reason",
        "failed_condition",
        "policy_id",
        "policy_revision",
        "rule_index",
        "role",
    ];
    let mut parts = vec![table::chosen_lines(decision, &fields.map(|name| (name, name)))];
    if !decision.member("evaluated").map(Json::items).unwrap_or_default().is_empty() {
        parts.push(evaluated(decision).render());
    }
    if let Some(change) = decision.member("smallest_change").filter(|change| !matches!(change, Json::Null)) {
        let identity = table::cell(change.member("identity_id"));
        let rule = change.member("rule").map(std::slice::from_ref).unwrap_or_default();
        parts.push(format!("This rule, bound to {identity}, would have allowed it:"));
        parts.push(super::content::rules(rule).render());
    }
    parts.join("\n\n")
}

fn evaluated(verdict: &Json) -> Table {
    let columns = [
        ("POLICY", "name"),
        ("RULE", "rule_index"),
        ("PATH_MATCH", "path_matched"),
        ("PERMISSION_MATCH", "permission_matched"),
        ("FAILED_CONDITION", "failed_condition"),
    ];
    Table::of(verdict.member("evaluated").map(Json::items).unwrap_or_default(), &columns)
}
