//! `GET /v1/identity/scaikey`.

use scaivault_domain::audit::Action;

use super::RegistrationView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation::identity_read(
    "/v1/identity/scaikey",
    "read_scaikey_registration",
    "Shows the registration with ScaiKey.",
    Action::Read,
    &[(200, Some("ScaiKeyRegistration"))],
    |call| Box::pin(show(call)),
);

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let shown = match view.installation.registration() {
        Some(held) => RegistrationView::new(&view, held, &call.app.settings.provider),
        None => RegistrationView::unregistered(),
    };
    Ok(Done::json(&shown)?)
}
