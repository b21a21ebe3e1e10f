//! Fields of service accounts as requests give them.

use std::sync::Arc;

use scaivault_domain::granting;
use scaivault_domain::service_account::MAX_DESCRIPTION;
use scaivault_domain::{IdentityType, Role, Scope, Scopes};

use crate::fields::{Faults, Fields};

/// `description`: absent is `None`, `null` is `Some(None)`.
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub(super) fn description(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Arc<str>>> {
    let given = fields.text("description", faults)?;
    if given.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        faults.field("description", format!("may have at most {MAX_DESCRIPTION} characters"));
    }
    Some(given.map(Arc::from))
}

/// `roles`; `null` for none.
pub(super) fn roles(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Vec<Role>> {
    let names = fields.texts("roles", faults)?.unwrap_or_default();
    faults.take(granting::parse(&names, IdentityType::ServiceAccount))
}

/// `scopes`: absent is `None`, `null` is `Some(None)`.
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub(super) fn scopes(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Scopes>> {
    let Some(words) = fields.texts("scopes", faults)? else { return Some(None) };
    for (index, _) in words.iter().enumerate().filter(|(_, word)| Scope::parse(word).is_none()) {
        faults.field(format!("scopes[{index}]"), "is not a known scope");
    }
    Some(Some(words.iter().filter_map(|word| Scope::parse(word)).collect()))
}
