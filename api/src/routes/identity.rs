//! Identities: who there is, what they may do, and where they come from.

pub mod groups;
pub mod partners;
mod reach;
mod records;
pub mod resolve;
pub mod roles;
pub mod scaikey;
pub mod service_accounts;
pub mod sync;
pub mod tenants;
pub mod users;
pub mod webhook;

use crate::fields::{Faults, Fields, not_null};
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<&'static Operation> {
    let mut operations: Vec<&'static Operation> = Vec::new();
    operations.extend(partners::operations());
    operations.extend(tenants::operations());
    operations.extend(users::operations());
    operations.extend(groups::operations());
    operations.extend([&resolve::RESOLVE, &roles::LIST_ROLES, &webhook::RECEIVE]);
    operations.extend(scaikey::operations());
    operations.extend(sync::operations());
    operations.extend(service_accounts::operations());
    operations
}

/// A required text of 1 to `most` characters.
pub(crate) fn required_text(fields: &mut Fields<'_>, name: &str, most: usize, faults: &mut Faults) -> String {
    let given = fields.has(name);
    let text = fields.text(name, faults);
    let text = not_null(text, name, faults);
    if !given {
        faults.field(name, "is required");
    }
    bounded(text, name, most, faults).unwrap_or_default()
}

/// A text of 1 to `most` characters that is not `null`.
pub(crate) fn optional_text(fields: &mut Fields<'_>, name: &str, most: usize, faults: &mut Faults) -> Option<String> {
    let text = fields.text(name, faults);
    let text = not_null(text, name, faults);
    bounded(text, name, most, faults)
}

fn bounded(text: Option<String>, name: &str, most: usize, faults: &mut Faults) -> Option<String> {
    if let Some(text) = &text
        && !(1..=most).contains(&text.chars().count())
    {
        faults.field(name, format!("must have 1 to {most} characters"));
    }
    text
}

/// Whether `text` holds `part`, whose case is ignored; it is given in lower case.
pub(crate) fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}
