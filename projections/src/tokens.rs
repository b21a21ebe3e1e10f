//! Tokens: by keyed hash for authentication, by id for administration.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::token::{Token, TokenCreated, TokenKind};
use scaivault_domain::{IdentityId, TenantId, Timestamp, TokenId};
use scaivault_eventstore::Revision;

/// How long an exchanged token is remembered past its end, so that it is told from one that never was.
const REMEMBERED_SECONDS: i64 = 86_400;

/// A token as it is held.
#[derive(Clone, Debug)]
pub struct HeldToken {
    /// State.
    pub token: Token,
    /// Revision of its stream.
    pub revision: Revision,
}

/// All tokens of the installation.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    by_id: OrdMap<TokenId, Arc<HeldToken>>,
    by_hash: HashMap<Arc<str>, TokenId>,
    by_identity: HashMap<IdentityId, OrdSet<TokenId>>,
    exchanged_by_end: OrdSet<(Timestamp, TokenId)>,
}

impl Tokens {
    /// The token with this keyed hash (hexadecimal).
    pub fn by_hash(&self, hash: &str) -> Option<&Arc<HeldToken>> {
        self.by_id.get(self.by_hash.get(hash)?)
    }

    /// The token with this id.
    pub fn by_id(&self, id: &TokenId) -> Option<&Arc<HeldToken>> {
        self.by_id.get(id)
    }

    /// A token, the one it was made with, and so on.
    pub fn lineage<'a>(&'a self, token: &'a Token) -> impl Iterator<Item = &'a Token> {
        std::iter::successors(Some(token), |token| {
            let parent = token.record.made_with.as_ref().and_then(|id| self.by_id.get(id));
            parent.map(|held| &held.token)
        })
    }

    /// Tokens of one identity, newest first.
    pub fn of<'a>(&'a self, identity: &'a IdentityId) -> impl Iterator<Item = &'a Arc<HeldToken>> {
        let ids = self.by_identity.get(identity).into_iter().flat_map(|ids| ids.iter().rev());
        ids.filter_map(|id| self.by_id.get(id))
    }

    /// All tokens, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<HeldToken>> {
        self.by_id.values().rev()
    }

    pub(crate) fn created(
        &mut self,
        record: TokenCreated,
        created_at: Timestamp,
        revoked_at: Option<Timestamp>,
        revision: Revision,
    ) {
        self.hold(HeldToken { token: Token { record, created_at, revoked_at }, revision });
    }

    /// Enters a token as it is.
    pub(crate) fn hold(&mut self, held: HeldToken) {
        let id = held.token.record.id.clone();
        if let (TokenKind::Exchanged, Some(end)) = (held.token.record.kind, held.token.record.expires_at) {
            self.exchanged_by_end.insert((end, id.clone()));
        }
        self.by_hash.insert(held.token.record.hash.as_str().into(), id.clone());
        self.by_identity.entry(held.token.record.identity.clone()).or_default().insert(id.clone());
        self.by_id.insert(id, Arc::new(held));
    }

    /// Forgets exchanged tokens that ended long before `at`: there are new ones all the time, and nobody lists them.
    pub(crate) fn forget_before(&mut self, at: Timestamp) {
        while let Some((end, id)) = self.exchanged_by_end.get_min() {
            if end.plus_seconds(REMEMBERED_SECONDS) > at {
                break;
            }
            let held = self.by_id.get(id).cloned();
            self.exchanged_by_end = self.exchanged_by_end.without_min().1;
            if let Some(held) = held {
                self.by_id.remove(&held.token.record.id);
                self.forget(&held);
            }
        }
    }

    pub(crate) fn revoked(&mut self, id: &TokenId, revoked_at: Timestamp, revision: Revision) {
        if let Some(held) = self.by_id.get(id) {
            let mut held = HeldToken::clone(held);
            held.token.revoked_at = Some(revoked_at);
            held.revision = revision;
            self.by_id.insert(id.clone(), Arc::new(held));
        }
    }

    /// Ends the tokens that were made with a JWT. Such are seldom, and so is the revocation of a JWT.
    pub(crate) fn end_those_made_with(&mut self, jwt: &str, at: Timestamp) {
        let made_with = |held: &&Arc<HeldToken>| held.token.record.made_with_jwt.as_deref() == Some(jwt);
        let ids: Vec<_> = self.by_id.values().filter(made_with).map(|held| held.token.record.id.clone()).collect();
        for id in ids {
            if let Some(held) = self.by_id.get_mut(&id) {
                Arc::make_mut(held).token.revoked_at.get_or_insert(at);
            }
        }
    }

    /// Ends the tokens of an identity of a tenant, for good.
    pub(crate) fn end_those_of(&mut self, tenant: &TenantId, identity: &IdentityId, at: Timestamp) {
        let ids = self.by_identity.get(identity).cloned().unwrap_or_default();
        for id in &ids {
            if let Some(held) = self.by_id.get_mut(id)
                && held.token.record.tenant_id.as_ref() == Some(tenant)
                && held.token.revoked_at.is_none()
            {
                Arc::make_mut(held).token.revoked_at = Some(at);
            }
        }
    }

    /// Forgets the tokens of a tenant.
    pub(crate) fn forget_tenant(&mut self, tenant: &TenantId) {
        let of_tenant = |held: &&Arc<HeldToken>| held.token.record.tenant_id.as_ref() == Some(tenant);
        let gone: Vec<_> = self.by_id.values().filter(of_tenant).cloned().collect();
        for held in gone {
            self.by_id.remove(&held.token.record.id);
            self.forget(&held);
        }
    }

    /// Forgets where a token that is gone was found.
    fn forget(&mut self, held: &HeldToken) {
        let TokenCreated { id, hash, identity, expires_at, .. } = &held.token.record;
        self.by_hash.remove(hash.as_str());
        if let Some(ids) = self.by_identity.get_mut(identity) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_identity.remove(identity);
            }
        }
        if let Some(end) = expires_at {
            self.exchanged_by_end.remove(&(*end, id.clone()));
        }
    }
}
