//! `GET /v1/metrics` on the main listener: for administrators, in development mode for everybody.

use scaivault_domain::access;
use scaivault_domain::{ErrorCode, Rejection, Scope};

use crate::authentication::{Origin, authenticate};
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// Leaves no audit entry, so it checks the token itself.
pub(super) static METRICS: Operation =
    Operation::public("/v1/metrics", "metrics", "Metrics in Prometheus text format.", &[(200, None)], |call| {
        Box::pin(show(call))
    })
    .refusing(&[ErrorCode::AuthenticationRequired, ErrorCode::AccessDenied, ErrorCode::RateLimited]);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    if !call.app.is_dev() {
        let view = call.app.engine.projections().view();
        let address = call.entry.source_ip;
        let origin = Origin { named: None, address, at: call.entry.started };
        let caller = authenticate(&call.app, &view, &call.headers, origin).await?;
        let caller = caller.map_err(|rejected| origin.count(&call.app, rejected.rejection).1)?;
        if !address.is_some_and(|address| caller.narrowing.permits_address(address)) {
            return Err(access::address_not_allowed().into());
        }
        if !caller.scopes.grants(Scope::Admin) {
            return Err(Rejection::denied("insufficient_scope", "The token lacks the scope admin")
                .detail("required_scope", "admin")
                .into());
        }
    }
    crate::gauges::set(&call.app);
    let (content_type, body) = (call.app.settings.metrics)(&call.headers);
    Ok(Done::Text { content_type, body })
}
