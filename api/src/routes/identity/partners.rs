//! Partners.

pub mod create;
pub mod list;
pub mod show;
pub mod update;

use scaivault_domain::directory::{Partner, Status};
use serde::Serialize;

use super::records::ProvenanceView;
use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 4] {
    [&list::LIST, &create::CREATE, &show::SHOW, &update::UPDATE]
}

/// A partner as answers show it.
#[derive(Serialize)]
struct PartnerView<'a> {
    id: &'a str,
    name: &'a str,
    slug: &'a str,
    region: Option<&'a str>,
    status: Status,
    #[serde(flatten)]
    provenance: ProvenanceView,
}

impl<'a> From<&'a Partner> for PartnerView<'a> {
    fn from(partner: &'a Partner) -> Self {
        Self {
            id: partner.id.as_str(),
            name: &partner.name,
            slug: &partner.slug,
            region: partner.region.as_deref(),
            status: partner.status,
            provenance: partner.provenance.into(),
        }
    }
}
