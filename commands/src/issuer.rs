//! Trusted issuers: made, changed, deleted; and where their keys come from.
//!
//! Issuers and rules of exchange of an owner share a stream, so that a decision sees all of them.

pub mod discovery;
pub mod key_set;
pub mod keys;

use std::sync::Arc;

use scaivault_domain::address::AddressRules;
use scaivault_domain::id::IssuerId;
use scaivault_domain::issuer::{Issuer, IssuerContent, IssuerEvent};
use scaivault_domain::{ErrorCode, Event, Owner, Rejection, Timestamp};
use scaivault_projections::{IssuerSet, View};

use crate::engine::{Change, Pending};
use crate::fetch::{Fetch, FetchError, FetchRequest};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};
use discovery::KeyFault;
use key_set::KeySet;
use keys::{KeyCache, KeyStatus, is_same_source};

/// What trusting others takes.
pub struct Trust {
    fetch: Arc<dyn Fetch>,
    /// What tenants may have this server connect to.
    addresses: AddressRules,
    /// ScaiKey, where it is configured.
    builtin: Option<Arc<Issuer>>,
    keys: KeyCache,
}

impl Trust {
    /// Over this way to fetch, with ScaiKey if it is configured.
    pub fn new(fetch: Arc<dyn Fetch>, addresses: AddressRules, builtin: Option<Issuer>) -> Self {
        Self { fetch, addresses, builtin: builtin.map(Arc::new), keys: KeyCache::default() }
    }

    /// What tenants may have this server connect to.
    pub fn addresses(&self) -> AddressRules {
        self.addresses
    }

    /// Refuses a `ca_pem` that no connection could use.
    pub fn check_roots(&self, ca_pem: &str) -> Result<(), FetchError> {
        self.fetch.check_roots(ca_pem)
    }
}

impl Default for Trust {
    /// Nobody is asked.
    fn default() -> Self {
        Self::new(Arc::new(Nobody), AddressRules::default(), None)
    }
}

struct Nobody;

#[async_trait::async_trait]
impl Fetch for Nobody {
    async fn fetch(&self, _request: &FetchRequest<'_>) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Connection)
    }

    fn check_roots(&self, _ca_pem: &str) -> Result<(), FetchError> {
        Err(FetchError::Roots)
    }
}

/// An issuer as answers show it.
pub struct Shown<'a> {
    /// The record.
    pub issuer: &'a Issuer,
    /// Its keys on this node.
    pub keys: KeyStatus,
}

impl Engine {
    /// What trusting others takes.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The issuers that a token with this `iss` may come from: active ones, the oldest first, ScaiKey last.
    pub fn issuers_named(&self, view: &View, iss: &str) -> Vec<Arc<Issuer>> {
        let builtin = self.trust.builtin.iter().filter(|issuer| issuer.is_named(iss));
        let all = view.issuers.named(iss).chain(builtin);
        all.filter(|issuer| issuer.content.is_active).cloned().collect()
    }

    /// The issuer of that id that counts for `owner`: its own, one of the platform, or ScaiKey.
    pub fn issuer(&self, view: &View, owner: &Owner, id: &IssuerId) -> Option<Arc<Issuer>> {
        let own = view.issuers.of(owner).issuer(id);
        let of_platform = || view.issuers.of(&Owner::Platform).issuer(id);
        own.or_else(of_platform).or_else(|| self.builtin_issuer().filter(|builtin| builtin.id == *id)).cloned()
    }

    /// ScaiKey, where it is configured.
    pub fn builtin_issuer(&self) -> Option<&Arc<Issuer>> {
        self.trust.builtin.as_ref()
    }

    /// Trusts an issuer, once its keys have been seen.
    pub async fn create_issuer(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        content: IssuerContent,
        tell: impl Fn(&Shown<'_>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let id = IssuerId::from_ulid(ids::ulid(self.now())?);
        let made = |now| Issuer {
            id: id.clone(),
            tenant: owner.tenant().cloned(),
            content: content.clone(),
            is_builtin: false,
            created_at: now,
            updated_at: now,
        };
        check_sizes(&content)?;
        let asked = made(self.now());
        let seen = self.trust.ask(&asked).await.map_err(unusable)?;
        let answer = self.change_issuers(request, owner, |view, now| {
            let (set, issuer) = (view.issuers.of(owner), made(now));
            check_names(set, &issuer)?;
            let reply = tell(&Shown { issuer: &issuer, keys: fresh(&issuer, now) })?;
            Ok((IssuerEvent::Created { id: id.clone(), content: content.clone() }, reply))
        });
        let answer = answer.await?;
        self.adopt(&asked, seen);
        Ok(answer)
    }

    /// Gives an issuer another content, made by `edit` from what it says.
    pub async fn update_issuer(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        id: &IssuerId,
        edit: impl Fn(&IssuerContent) -> Result<IssuerContent, Rejection>,
        tell: impl Fn(&Shown<'_>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let edited = |set: &IssuerSet, now| -> Result<Issuer, Rejection> {
            let held = set.issuer(id).ok_or_else(unknown)?;
            Ok(Issuer { content: edit(&held.content)?, updated_at: now, ..Issuer::clone(held) })
        };
        let view = self.projections.view();
        let set = view.issuers.of(owner);
        let wanted = edited(set, self.now())?;
        let moves = set.issuer(id).is_some_and(|held| {
            let place =
                |content: &IssuerContent| (content.jwks_url.clone(), content.jwks.clone(), content.ca_pem.clone());
            place(&held.content) != place(&wanted.content)
        });
        if moves {
            check_sizes(&wanted.content)?;
        }
        let seen = if moves { Some(self.trust.ask(&wanted).await.map_err(unusable)?) } else { None };
        let answer = self.change_issuers(request, owner, |view, now| {
            let set = view.issuers.of(owner);
            let issuer = edited(set, now)?;
            check_names(set, &issuer)?;
            let keys = if moves { fresh(&issuer, now) } else { self.key_status(&issuer) };
            let reply = tell(&Shown { issuer: &issuer, keys })?;
            Ok((IssuerEvent::Updated { id: id.clone(), content: issuer.content }, reply))
        });
        let answer = answer.await?;
        if let Some(seen) = seen {
            self.adopt(&wanted, seen);
        }
        Ok(answer)
    }

    /// Trusts an issuer no more. While rules of exchange name it, it stays.
    pub async fn delete_issuer(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        id: &IssuerId,
    ) -> Result<Answer, Failure> {
        self.change_issuers(request, owner, |view, _| {
            view.issuers.of(owner).issuer(id).ok_or_else(unknown)?;
            if view.issuers.rules_of(id).next().is_some() {
                let sentence = "Exchange rules name the issuer; delete them first";
                return Err(Rejection::new(ErrorCode::ResourceInUse, sentence).into());
            }
            Ok((IssuerEvent::Deleted { id: id.clone() }, Reply::no_content()))
        })
        .await
    }

    /// Decides on the issuers and rules of `owner` as they are, until no other change comes in between.
    pub(crate) async fn change_issuers(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        decide: impl Fn(&View, Timestamp) -> Result<(IssuerEvent, Reply), Failure>,
    ) -> Result<Answer, Failure> {
        let stream = self.stream(owner, "issuers", "")?;
        let revision = |view: &View| view.issuers.of(owner).revision();
        let plan = |view: &View| {
            let now = self.now();
            let (event, reply) = decide(view, now)?;
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: revision(view).next(),
                actor: request.actor.clone(),
                event: Event::Issuer(event),
                value: None,
            };
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), reply))
        };
        self.race(request, stream, revision, plan).await
    }

    /// Takes over the keys that `asked` gave, unless its record names another place by now: then they are fetched from
    /// there, when they are first needed or in the background.
    fn adopt(&self, asked: &Issuer, keys: KeySet) {
        let view = self.projections.view();
        let held = view.issuers.of(&asked.owner()).issuer(&asked.id);
        if let Some(issuer) = held.filter(|held| is_same_source(held, asked)) {
            // At the moment that the answer told.
            self.trust.keys.adopt(issuer, keys, issuer.updated_at);
        }
    }
}

/// `not_found` for an issuer.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Issuer not found")
}

fn unusable(fault: KeyFault) -> Rejection {
    Rejection::new(ErrorCode::InvalidConfig, format!("The issuer has no usable keys: {fault}"))
}

/// Keys that are written down here are all such as can be used.
fn check_sizes(content: &IssuerContent) -> Result<(), Rejection> {
    let checked = content.jwks.as_ref().map_or(Ok(()), KeySet::check_sizes);
    checked.map_err(|fault| unusable(fault.into()))
}

fn fresh(issuer: &Issuer, now: Timestamp) -> KeyStatus {
    KeyStatus { refreshed_at: issuer.content.jwks.is_none().then_some(now), last_error: None }
}

/// Name and URL are unique among those of an owner.
fn check_names(set: &IssuerSet, issuer: &Issuer) -> Result<(), Rejection> {
    let (name, url) = (&issuer.content.name, &issuer.content.issuer);
    let taken = |sentence: &str| Err(Rejection::new(ErrorCode::NameTaken, sentence));
    for other in set.issuers().filter(|other| other.id != issuer.id) {
        if other.content.name == *name {
            return taken("Another issuer has that name");
        }
        if other.content.issuer == *url {
            return taken("There is an issuer with that URL already");
        }
    }
    Ok(())
}
