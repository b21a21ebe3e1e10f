//! What is to be judged again.

use scaivault_commands::policy_replay::AskedReplay;
use scaivault_domain::access::Permission;
use scaivault_domain::policy::replay::{Base, ReplayFilters, Verdict};
use scaivault_domain::{IdentityType, Rejection, Timestamp};

use super::proposal;
use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};

/// Bytes that a prefix of paths may have.
const MAX_PREFIX: usize = 1_024;

/// Reads a request.
pub(super) fn read(call: &mut Call) -> Result<AskedReplay, Rejection> {
    let now = call.now();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let (from, to) = period(&mut fields, now, &mut faults);
    let base = word(&mut fields, "base", "recorded or current", Base::parse, &mut faults).unwrap_or_default();
    let filters = fields.object("filters", &mut faults).flatten();
    let filters = filters.map(|filters| read_filters(call, filters, &mut faults)).unwrap_or_default();
    let policies = fields.object("policies", &mut faults).flatten();
    let proposal = policies.map(|policies| proposal::read(call, policies, &mut faults)).unwrap_or_default();
    fields.finish(&mut faults);
    faults.finish()?;
    let missing = |field: &str| Rejection::field(field, "is required");
    Ok(AskedReplay {
        base,
        from: from.ok_or_else(|| missing("from"))?,
        to: to.ok_or_else(|| missing("to"))?,
        filters,
        proposal,
    })
}

fn period(fields: &mut Fields<'_>, now: Timestamp, faults: &mut Faults) -> (Option<Timestamp>, Option<Timestamp>) {
    let [from, to] = ["from", "to"].map(|field| {
        if !fields.has(field) {
            faults.field(field, "is required");
        }
        let at = fields.timestamp(field, faults);
        let at = not_null(at, field, faults);
        if at.is_some_and(|at| at > now) {
            faults.field(field, "must not be in the future");
        }
        at
    });
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        faults.field("from", "must not be later than to");
    }
    (from, to)
}

fn read_filters(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> ReplayFilters {
    let kinds = "user, service_account, group or system";
    let identity_type = word(&mut fields, "identity_type", kinds, IdentityType::parse, faults);
    let permissions = "read, write, delete, list, rotate or admin";
    let permission = word(&mut fields, "permission", permissions, Permission::parse, faults);
    let verdict = word(&mut fields, "verdict", "allowed or denied", Verdict::parse, faults);
    let path_prefix = fields.text("path_prefix", faults).flatten().filter(|prefix| !prefix.is_empty());
    if path_prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_PREFIX) {
        faults.field("filters.path_prefix", format!("must have at most {MAX_PREFIX} bytes"));
    }
    let identity = fields.text("identity_id", faults).flatten();
    let identity_id = identity.and_then(|text| proposal::identity(call, &text, "filters.identity_id", faults));
    fields.finish(faults);
    ReplayFilters { identity_id, identity_type, path_prefix, permission, verdict }
}

/// One of some words.
fn word<T>(
    fields: &mut Fields<'_>,
    field: &str,
    words: &str,
    parse: impl Fn(&str) -> Option<T>,
    faults: &mut Faults,
) -> Option<T> {
    let name = fields.name(field);
    let text = fields.text(field, faults).flatten()?;
    let parsed = parse(&text);
    if parsed.is_none() {
        faults.field(name, format!("must be {words}"));
    }
    parsed
}
