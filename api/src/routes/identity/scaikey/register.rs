//! `POST /v1/identity/scaikey`: registers with ScaiKey, or keeps a secret that was agreed on by hand.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::provider::ProviderError;
use scaivault_domain::access::{Caller, role_required};
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Tenant;
use scaivault_domain::scaikey::{Registration, RegistrationScope, SyncTarget, Trigger};
use scaivault_domain::{ErrorCode, Rejection, Role};
use scaivault_projections::View;
use scaivault_projections::installation::HeldRegistration;
use zeroize::Zeroizing;

use super::RegistrationView;
use crate::call::{Call, Stop};
use crate::fields::not_null;
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::{optional_text, reach, required_text};

/// The operation.
pub static REGISTER: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/scaikey",
    "register_with_scaikey",
    "Registers this installation with ScaiKey, and starts a synchronisation.",
    Action::Write,
    &[(201, Some("ScaiKeyRegistration")), (200, Some("ScaiKeyRegistration"))],
    |call| Box::pin(register(call)),
)
.of_synchronisation()
.taking(Body::Json("RegisterWithScaiKey"))
.refusing(&[ErrorCode::InvalidConfig, ErrorCode::BackendError]);

/// Shortest webhook secret, in bytes.
const MIN_SECRET: usize = 32;
/// Longest, in bytes.
const MAX_SECRET: usize = 4_096;

async fn register(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let (registration, secret) = command(call)?;
    let view = call.app.engine.projections().view();
    within_reach(&view, &call.caller, &registration)?;
    // There is but one: whoever replaces it takes it from those it was about.
    if let Some(held) = view.installation.registration() {
        within_reach(&view, &call.caller, &held.registration)?;
    }
    let provider = &call.app.settings.provider;
    let secret = match (secret, &provider.port) {
        (Some(secret), _) => secret,
        (None, Some(port)) => {
            port.register(&registration, provider.webhook_url.as_deref()).await.map_err(|error| refused(&error))?
        }
        (None, None) => return Err(not_configured().into()),
    };
    let tell = |held: &HeldRegistration, again: bool| {
        Reply::json(if again { 200 } else { 201 }, &RegistrationView::new(&view, held, provider))
    };
    let caller = call.caller.clone();
    let permit = |view: &View, before: &Registration| within_reach(view, &caller, before);
    let answer = call.app.engine.register(&call.change(), &registration, &secret, permit, tell).await?;
    if provider.port.is_some() && !answer.replayed {
        let begun = call.app.engine.begin_own_sync(Trigger::Registration, &SyncTarget::default()).await?;
        provider.carry_out(&call.app.engine, begun);
    }
    Ok(Done::Changed(answer))
}

/// A secret that was agreed on by hand.
type Secret = Zeroizing<Vec<u8>>;

fn command(call: &mut Call) -> Result<(Registration, Option<Secret>), Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let scope_given = fields.has("scope");
    let scope = fields.text("scope", &mut faults);
    let scope = not_null(scope, "scope", &mut faults);
    let scope = match (scope.as_deref().map(RegistrationScope::parse), scope_given) {
        (Some(Some(scope)), _) => scope,
        (None, true) => RegistrationScope::Tenant,
        (Some(None), _) | (None, false) => {
            faults.field("scope", "is required: platform, partner or tenant");
            RegistrationScope::Tenant
        }
    };
    let tenant_slug = optional_text(&mut fields, "tenant_slug", 64, &mut faults);
    let partner_slug = optional_text(&mut fields, "partner_slug", 64, &mut faults);
    if scope == RegistrationScope::Tenant && tenant_slug.is_none() {
        faults.field("tenant_slug", "is required for the scope tenant");
    }
    if scope == RegistrationScope::Partner && partner_slug.is_none() {
        faults.field("partner_slug", "is required for the scope partner");
    }
    let email = required_text(&mut fields, "email", 320, &mut faults);
    if !email.is_empty() && !email.contains('@') {
        faults.field("email", "must be an e-mail address");
    }
    let secret = fields.text("webhook_secret", &mut faults);
    let secret = not_null(secret, "webhook_secret", &mut faults).map(|text| Zeroizing::new(text.into_bytes()));
    if secret.as_ref().is_some_and(|secret| !(MIN_SECRET..=MAX_SECRET).contains(&secret.len())) {
        faults.field("webhook_secret", "must have 32 to 4096 bytes");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((Registration { scope, tenant_slug, partner_slug, email }, secret))
}

/// Refuses callers whose roles do not reach what is to be registered.
fn within_reach(view: &View, caller: &Caller, registration: &Registration) -> Result<(), Rejection> {
    if caller.has_role(Role::SuperAdmin) {
        return Ok(());
    }
    let installation = &view.installation;
    // A registration is heard about every record of its slug.
    let (needed, reaches) = match registration.scope {
        RegistrationScope::Platform => (Role::SuperAdmin, false),
        RegistrationScope::Partner => {
            let named =
                installation.partners().filter(|partner| Some(&partner.slug) == registration.partner_slug.as_ref());
            (Role::PartnerAdmin, all(named, |partner| reach::administers_tenants_of(caller, &partner.id)))
        }
        RegistrationScope::Tenant => {
            let named = installation.tenants().filter(|tenant| Some(&tenant.slug) == registration.tenant_slug.as_ref());
            let own = |tenant: &Tenant| caller.tenant.as_ref() == Some(&tenant.id);
            let reaches = |tenant: &Tenant| own(tenant) || reach::administers_tenants_of(caller, &tenant.partner_id);
            (Role::TenantAdmin, all(named, |tenant| reaches(tenant)))
        }
    };
    if caller.has_role(needed) && reaches { Ok(()) } else { Err(role_required(needed)) }
}

/// Whether there is one at least, and all of them are so.
fn all<T>(found: impl Iterator<Item = T>, is_so: impl Fn(T) -> bool) -> bool {
    let mut found = found.map(is_so).peekable();
    found.peek().is_some() && found.all(|is_so| is_so)
}

fn refused(error: &ProviderError) -> Rejection {
    Rejection::new(ErrorCode::BackendError, error.to_string()).detail("backend", "scaikey")
}

/// `invalid_config`: nobody is there to be asked.
pub(in crate::routes::identity) fn not_configured() -> Rejection {
    Rejection::new(ErrorCode::InvalidConfig, "ScaiKey is not configured on this server")
}
