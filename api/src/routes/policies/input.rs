//! What a policy says, read from a body.

use std::sync::Arc;

use scaivault_domain::access::Permission;
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::policy::{Conditions, MAX_DESCRIPTION, MAX_NAME, MAX_RULES, Rule, TimeWindow};
use scaivault_domain::{DurationText, ErrorCode, Pattern, Rejection};

use crate::fields::{Faults, Fields, not_null};

/// Most networks of one condition: what held of a condition is kept with every denial.
const MAX_RANGES: usize = 200;

/// Fields of a policy, each as far as it was given.
pub(super) struct Given {
    pub(super) name: Option<Arc<str>>,
    /// Inner `None`: none is wanted.
    pub(super) description: Option<Option<Arc<str>>>,
    pub(super) rules: Option<Vec<Rule>>,
    pub(super) is_active: Option<bool>,
}

/// Reads what is given; with `whole`, name and rules must be.
pub(super) fn given(fields: &mut Fields<'_>, whole: bool, faults: &mut Faults) -> Given {
    let missing = |field: &str, fields: &Fields<'_>, faults: &mut Faults| {
        if whole && !fields.has(field) {
            faults.field(field, "is required");
        }
    };
    missing("name", fields, faults);
    missing("rules", fields, faults);
    let name = fields.text("name", faults);
    let name = not_null(name, "name", faults).map(Arc::from);
    if name.as_ref().is_some_and(|name: &Arc<str>| !(1..=MAX_NAME).contains(&name.chars().count())) {
        faults.field("name", "must have 1 to 128 characters");
    }
    let description = fields.text("description", faults).map(|text| text.map(Arc::from));
    if description.iter().flatten().any(|text: &Arc<str>| text.chars().count() > MAX_DESCRIPTION) {
        faults.field("description", "must have at most 1024 characters");
    }
    let rules = fields.objects("rules", faults);
    let rules = not_null(rules, "rules", faults).map(|rules| self::rules(rules, faults));
    // `null` restores the default, which is that it counts.
    let is_active = fields.boolean("is_active", faults).map(|given| given.unwrap_or(true));
    Given { name, description, rules, is_active }
}

fn rules(given: Vec<Fields<'_>>, faults: &mut Faults) -> Vec<Rule> {
    if !(1..=MAX_RULES).contains(&given.len()) {
        faults.special(invalid("A policy has 1 to 100 rules").detail("reason", "rule_count"));
    }
    given.into_iter().enumerate().filter_map(|(index, fields)| rule(index, fields, faults)).collect()
}

fn rule(index: usize, mut fields: Fields<'_>, faults: &mut Faults) -> Option<Rule> {
    for field in ["path_pattern", "permissions"] {
        if !fields.has(field) {
            faults.field(fields.name(field), "is required");
        }
    }
    let pattern = fields.text("path_pattern", faults);
    let pattern = not_null(pattern, &fields.name("path_pattern"), faults).and_then(|text| {
        let parsed = Pattern::parse(&text).map_err(|rejection| rejection.detail("rule_index", index));
        faults.take(parsed)
    });
    let words = fields.texts("permissions", faults);
    let words = not_null(words, &fields.name("permissions"), faults);
    let permissions = words.and_then(|words| faults.take(permissions(index, &words)));
    let conditions = match fields.object("conditions", faults) {
        Some(Some(given)) => conditions(index, given, faults),
        Some(None) | None => Conditions::default(),
    };
    fields.finish(faults);
    Some(Rule { path_pattern: pattern?, permissions: permissions?, conditions })
}

fn permissions(index: usize, words: &[String]) -> Result<Vec<Permission>, Rejection> {
    let refused = |reason: &str, sentence: &str| invalid(sentence).detail("rule_index", index).detail("reason", reason);
    let mut permissions = Vec::new();
    for word in words {
        let permission = Permission::parse(word).ok_or_else(|| {
            refused("unknown_permission", "A permission is one of read, write, delete, list, rotate, admin")
        })?;
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    match permissions.is_empty() {
        true => Err(refused("no_permissions", "A rule has at least one permission")),
        false => Ok(permissions),
    }
}

fn conditions(index: usize, mut fields: Fields<'_>, faults: &mut Faults) -> Conditions {
    let refuse = |condition: &str, reason: &str, faults: &mut Faults| {
        let rejection = invalid(&format!("The condition {condition} of rule {index} makes no sense: {reason}"));
        let rejection = rejection.detail("rule_index", index).detail("condition", condition).detail("reason", reason);
        faults.special(rejection);
    };
    // A value of another type makes no more sense than one out of bounds.
    fn typed<T>(
        condition: &str,
        faults: &mut Faults,
        refuse: impl Fn(&str, &str, &mut Faults),
        read: impl FnOnce(&mut Faults) -> Option<Option<T>>,
    ) -> Option<T> {
        let mut of_type = Faults::default();
        let value = read(&mut of_type).flatten();
        if !of_type.is_empty() {
            refuse(condition, "wrong_type", faults);
        }
        value
    }
    let ranges = typed("ip_ranges", faults, refuse, |faults| fields.texts("ip_ranges", faults));
    let ip_ranges = ranges.map(|texts| {
        let ranges: Vec<_> = texts.iter().filter_map(|text| IpRange::parse(text)).collect();
        match (texts.len(), ranges.len() == texts.len()) {
            (0, _) => refuse("ip_ranges", "empty", faults),
            (count, _) if count > MAX_RANGES => refuse("ip_ranges", "too_many", faults),
            (_, false) => refuse("ip_ranges", "invalid_range", faults),
            (_, true) => {}
        }
        ranges
    });
    let require_mfa = typed("require_mfa", faults, refuse, |faults| fields.boolean("require_mfa", faults));
    let max_age = typed("mfa_max_age", faults, refuse, |faults| fields.text("mfa_max_age", faults));
    let mfa_max_age = max_age.and_then(|text| {
        let parsed = DurationText::parse(&text);
        if parsed.is_none() {
            refuse("mfa_max_age", "invalid_duration", faults);
        }
        parsed
    });
    if mfa_max_age.is_some() && require_mfa != Some(true) {
        refuse("mfa_max_age", "without_require_mfa", faults);
    }
    let given = typed("time_window", faults, refuse, |faults| fields.object("time_window", faults));
    let time_window = given.and_then(|mut given| {
        let text = typed("time_window", faults, refuse, |faults| Some(window_text(&mut given, faults)));
        given.finish(faults);
        TimeWindow::parse(text?).map_err(|fault| refuse("time_window", fault.as_str(), faults)).ok()
    });
    let expires_at = typed("expires_at", faults, refuse, |faults| fields.timestamp("expires_at", faults));
    fields.finish(faults);
    Conditions { ip_ranges, require_mfa, mfa_max_age, time_window, expires_at }
}

/// A time window as written.
fn window_text(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<WindowText> {
    for field in ["start", "end"] {
        if !fields.has(field) {
            faults.field(fields.name(field), "is required");
        }
    }
    let days = fields.texts("days", faults).flatten();
    let start = fields.text("start", faults).flatten();
    let end = fields.text("end", faults).flatten();
    let timezone = fields.text("timezone", faults).flatten();
    Some(WindowText { days, start: start?, end: end?, timezone })
}

fn invalid(sentence: &str) -> Rejection {
    Rejection::new(ErrorCode::InvalidPolicy, sentence)
}
