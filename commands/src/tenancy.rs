//! Partners and tenants: made here, changed, and the settings of tenants.

use scaivault_domain::directory::{
    Change as RecordChange, IdentityEvent, Noted, Partner, Provenance, Source, Status, Tenant,
};
use scaivault_domain::tenant::TenantSettings;
use scaivault_domain::{DurationText, ErrorCode, Owner, PartnerId, Rejection, TenantId, Timestamp, granting};
use scaivault_eventstore::Revision;
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;

use crate::engine::Change;
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// A partner or tenant to be.
pub struct NewRecord {
    /// For people.
    pub name: String,
    /// For addresses.
    pub slug: String,
    /// Where its data are to be.
    pub region: Option<String>,
}

/// A change of a partner or tenant; what is absent stays.
#[derive(Default)]
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub struct RecordPatch {
    /// For people.
    pub name: Option<String>,
    /// Where its data are to be.
    pub region: Option<Option<String>>,
    /// Whether it counts.
    pub status: Option<Status>,
}

/// A change of a tenant's settings; null restores the default.
#[derive(Default)]
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub struct SettingsPatch {
    /// `max_versions` of secrets created later.
    pub default_max_versions: Option<Option<u32>>,
    /// Recovery time of soft deletes made later.
    pub recovery_window: Option<Option<DurationText>>,
    /// Age at which audit entries leave the online index.
    pub audit_retention: Option<Option<DurationText>>,
    /// Live leases of all engines together.
    pub max_leases: Option<Option<u32>>,
}

type Told = Result<Reply, serde_json::Error>;

impl Engine {
    /// Makes a partner, and its keys.
    pub async fn create_partner(
        &self,
        request: &ChangeRequest,
        new: NewRecord,
        tell: impl Fn(&Partner) -> Told,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let partner = Partner {
            id: PartnerId::from_ulid(ids::ulid(now)?),
            name: new.name,
            slug: new.slug,
            region: new.region,
            status: Status::Active,
            provenance: Provenance::local(),
        };
        let taken = |view: &View| {
            let mut others = view.installation.partners().filter(|other| other.status != Status::Deleted);
            others.any(|other| other.slug == partner.slug)
        };
        unless_taken(taken(&self.projections.view()))?;
        let owner = key_owner(&Owner::Partner(partner.id.clone()));
        self.sealer.keyring().ensure(&owner, &key_owner(&Owner::Platform), now.as_micros()).await?;
        self.change_tenancy(request, |view| {
            unless_taken(taken(view))?;
            let event = IdentityEvent::Partner(Noted::single(RecordChange::Created, partner.clone()));
            Ok((vec![event], tell(&partner)?))
        })
        .await
    }

    /// Changes a partner.
    pub async fn update_partner(
        &self,
        request: &ChangeRequest,
        id: &PartnerId,
        patch: &RecordPatch,
        tell: impl Fn(&Partner) -> Told,
    ) -> Result<Answer, Failure> {
        self.change_tenancy(request, |view| {
            let before = view.installation.partner(id).ok_or_else(unknown_partner)?;
            local(before.provenance.source)?;
            let after = Partner {
                name: patch.name.clone().unwrap_or_else(|| before.name.clone()),
                region: patch.region.clone().unwrap_or_else(|| before.region.clone()),
                status: patch.status.unwrap_or(before.status),
                ..before.as_ref().clone()
            };
            let closes = before.status == Status::Active && after.status != Status::Active;
            keep_administered(view, |tenant| closes && tenant.partner_id == *id)?;
            let changed = after != **before;
            let event = || IdentityEvent::Partner(Noted::single(RecordChange::Updated, after.clone()));
            Ok((changed.then(event).into_iter().collect(), tell(&after)?))
        })
        .await
    }

    /// Makes a tenant of a partner, and its keys.
    pub async fn create_tenant(
        &self,
        request: &ChangeRequest,
        partner_id: PartnerId,
        new: NewRecord,
        tell: impl Fn(&Tenant) -> Told,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let tenant = Tenant {
            id: TenantId::from_ulid(ids::ulid(now)?),
            partner_id,
            name: new.name,
            slug: new.slug,
            region: new.region,
            status: Status::Active,
            provenance: Provenance::local(),
            doomed_at: None,
            shredded_at: None,
        };
        let taken = |view: &View| {
            let mut others = view.installation.tenants().filter(|other| other.status != Status::Deleted);
            others.any(|other| other.slug == tenant.slug)
        };
        let view = self.projections.view();
        view.installation.partner(&tenant.partner_id).ok_or_else(unknown_partner)?;
        unless_taken(taken(&view))?;
        let owner = key_owner(&Owner::Tenant(tenant.id.clone()));
        let parent = key_owner(&Owner::Partner(tenant.partner_id.clone()));
        self.sealer.keyring().ensure(&owner, &parent, now.as_micros()).await?;
        self.change_tenancy(request, |view| {
            unless_taken(taken(view))?;
            let event = IdentityEvent::Tenant(Noted::single(RecordChange::Created, tenant.clone()));
            Ok((vec![event], tell(&tenant)?))
        })
        .await
    }

    /// Changes a tenant.
    pub async fn update_tenant(
        &self,
        request: &ChangeRequest,
        id: &TenantId,
        patch: &RecordPatch,
        tell: impl Fn(&Tenant) -> Told,
    ) -> Result<Answer, Failure> {
        self.change_tenancy(request, |view| {
            let before = view.installation.tenant(id).ok_or_else(unknown_tenant)?;
            local(before.provenance.source)?;
            if before.is_doomed() {
                let gone =
                    Rejection::new(ErrorCode::ResourceInUse, "The tenant's key is destroyed: nothing brings it back");
                return Err(gone.detail("reason", "tenant_deleted").into());
            }
            let after = Tenant {
                name: patch.name.clone().unwrap_or_else(|| before.name.clone()),
                region: patch.region.clone().unwrap_or_else(|| before.region.clone()),
                status: patch.status.unwrap_or(before.status),
                ..before.as_ref().clone()
            };
            let closes = before.status == Status::Active && after.status != Status::Active;
            keep_administered(view, |tenant| closes && tenant.id == *id)?;
            let changed = after != **before;
            let event = || IdentityEvent::Tenant(Noted::single(RecordChange::Updated, after.clone()));
            Ok((changed.then(event).into_iter().collect(), tell(&after)?))
        })
        .await
    }

    /// Changes the settings of a tenant.
    pub async fn update_settings(
        &self,
        request: &ChangeRequest,
        id: &TenantId,
        patch: &SettingsPatch,
        tell: impl Fn(&TenantSettings, Timestamp) -> Told,
    ) -> Result<Answer, Failure> {
        let owner = Owner::Tenant(id.clone());
        let plan = |view: &View| {
            let now = self.now();
            let (before, since) = view.installation.people(id).settings().ok_or_else(unknown_tenant)?;
            let after = TenantSettings {
                default_max_versions: patch.default_max_versions.unwrap_or(before.default_max_versions),
                recovery_window: patch.recovery_window.clone().unwrap_or_else(|| before.recovery_window.clone()),
                audit_retention: patch.audit_retention.clone().unwrap_or_else(|| before.audit_retention.clone()),
                max_leases: patch.max_leases.unwrap_or(before.max_leases),
            };
            let changed = after != **before;
            let reply = tell(&after, if changed { now } else { *since })?;
            let events = changed.then_some(IdentityEvent::SettingsChanged(after)).into_iter().collect();
            let pending = self.identity_events(view, &owner, &request.actor, events)?;
            Ok(Plan::success(Change::of(now, pending), request.entry.clone(), reply))
        };
        let stream = self.identity_stream(&owner)?;
        self.race(request, stream, |view| view.installation.revision_of(&owner), plan).await
    }

    /// Decides and appends to the platform's own stream.
    pub(crate) async fn change_tenancy(
        &self,
        request: &ChangeRequest,
        decide: impl Fn(&View) -> Result<(Vec<IdentityEvent>, Reply), Failure>,
    ) -> Result<Answer, Failure> {
        let owner = &Owner::Platform;
        let plan = |view: &View| {
            let (events, reply) = decide(view)?;
            let pending = self.identity_events(view, owner, &request.actor, events)?;
            Ok(Plan::success(Change::of(self.now(), pending), request.entry.clone(), reply))
        };
        let stream = self.identity_stream(owner)?;
        let revision = |view: &View| -> Revision { view.installation.revision_of(owner) };
        self.race(request, stream, revision, plan).await
    }
}

/// Refuses to close those tenants on the last active `super_admin`.
pub(crate) fn keep_administered(view: &View, closes: impl Fn(&Tenant) -> bool) -> Result<(), Rejection> {
    if view.installation.holds_last_super_admin(closes) { Err(granting::last_super_admin()) } else { Ok(()) }
}

fn unless_taken(taken: bool) -> Result<(), Rejection> {
    match taken {
        true => Err(Rejection::new(ErrorCode::NameTaken, "The slug is used already")),
        false => Ok(()),
    }
}

fn local(source: Source) -> Result<(), Rejection> {
    match source {
        Source::Local => Ok(()),
        Source::Scaikey | Source::Token => {
            let sentence = "The record comes from the identity provider and is changed there";
            Err(Rejection::new(ErrorCode::Forbidden, sentence).detail("reason", "mirrored_record"))
        }
    }
}

/// `not_found` of a partner.
pub fn unknown_partner() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Partner not found")
}

/// `tenant_not_found`.
pub fn unknown_tenant() -> Rejection {
    Rejection::new(ErrorCode::TenantNotFound, "Tenant not found")
}
