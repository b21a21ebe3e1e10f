//! Fields that partners and tenants have in common.

use scaivault_commands::tenancy::{NewRecord, RecordPatch};
use scaivault_domain::directory::{MAX_SLUG, Provenance, Source, Status, slug};
use scaivault_domain::{Rejection, Timestamp};

use super::{optional_text, required_text};
use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};
use crate::operation::{Parameter, Shape};

/// Longest name, in characters.
pub(super) const MAX_NAME: usize = 128;
/// Longest name of a region, in characters.
const MAX_REGION: usize = 64;

/// `status`.
pub(super) const STATUS: Parameter = Parameter {
    name: "status",
    shape: Shape::Choice(&["ACTIVE", "SUSPENDED", "DELETED"]),
    meaning: "Only those; deleted ones are left out unless asked for.",
};

/// The status asked for; `None` for all but deleted ones.
pub(super) fn status(call: &mut Call) -> Option<Status> {
    let text = call.query.text(STATUS.name)?;
    let status = Status::parse(text);
    if status.is_none() {
        call.query.faults.field("query.status", "must be ACTIVE, SUSPENDED or DELETED");
    }
    status
}

/// Whether a list shows a record.
pub(super) fn is_shown(record: Status, asked: Option<Status>) -> bool {
    asked.map_or(record != Status::Deleted, |asked| record == asked)
}

/// What is asked for at creation.
pub(super) fn new_record(fields: &mut Fields<'_>, faults: &mut Faults) -> NewRecord {
    let name = required_text(fields, "name", MAX_NAME, faults);
    let given = optional_text(fields, "slug", MAX_SLUG, faults);
    let slug = match given {
        Some(given) => {
            if slug(&given).as_deref() != Some(given.as_str()) {
                faults.field("slug", "must consist of a-z and 0-9, divided by single '-'");
            }
            given
        }
        None => {
            let made = slug(&name).map(|mut slug| {
                slug.truncate(MAX_SLUG);
                slug.trim_end_matches('-').to_owned()
            });
            if made.is_none() && (1..=MAX_NAME).contains(&name.chars().count()) {
                faults.field("slug", "is required: the name has no letter from a to z and no digit");
            }
            made.unwrap_or_default()
        }
    };
    NewRecord { name, slug, region: region(fields, faults).flatten() }
}

/// What is asked for later.
pub(super) fn patch(call: &mut Call) -> Result<RecordPatch, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let name = optional_text(&mut fields, "name", MAX_NAME, &mut faults);
    let region = region(&mut fields, &mut faults);
    let status = fields.text("status", &mut faults);
    let status = not_null(status, "status", &mut faults).and_then(|text| {
        let status = Status::parse(&text).filter(|status| *status != Status::Deleted);
        if status.is_none() {
            faults.field("status", "must be ACTIVE or SUSPENDED");
        }
        status
    });
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(RecordPatch { name, region, status })
}

#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
fn region(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<String>> {
    let region = fields.text("region", faults)?;
    if region.as_ref().is_some_and(|text| !(1..=MAX_REGION).contains(&text.chars().count())) {
        faults.field("region", format!("must have 1 to {MAX_REGION} characters"));
    }
    Some(region)
}

/// Where a record comes from, as answers show it.
#[derive(serde::Serialize)]
pub(super) struct ProvenanceView {
    source: Source,
    last_synced_at: Option<Timestamp>,
}

impl From<Provenance> for ProvenanceView {
    fn from(provenance: Provenance) -> Self {
        Self { source: provenance.source, last_synced_at: provenance.synced_at }
    }
}
