//! Identities as requests name them.

use scaivault_domain::{ErrorCode, IdentityId, Rejection};

use crate::call::Call;

/// The identity of a typed id (`user:alice@acme.example`), which need not be known, or of a record's
/// id (`usr_…`), which must be. `None` if the text is neither.
pub fn resolve(call: &Call, text: &str) -> Result<Option<IdentityId>, Rejection> {
    if !["usr_", "sva_", "grp_"].iter().any(|prefix| text.starts_with(prefix)) {
        return Ok(IdentityId::parse(text));
    }
    let view = call.app.engine.projections().view();
    let known = call.target.owner.tenant().and_then(|tenant| view.installation.recorded(tenant, text));
    known.map(Some).ok_or_else(|| Rejection::new(ErrorCode::IdentityNotFound, "Identity not found"))
}
