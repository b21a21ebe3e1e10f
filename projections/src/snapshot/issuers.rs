//! Rows of trusted issuers, rules of exchange and revoked JWTs.

use scaivault_domain::exchange::{ExchangeContent, ExchangeRule};
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::issuer::{Issuer, IssuerContent};
use scaivault_domain::token::JwtRevoked;
use scaivault_domain::{IdentityId, Owner};
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::{Decoder, Encoder};
use crate::issuers::Issuers;

/// Writes all of it.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, set) in view.issuers.all() {
        to.row(Kind::IssuerRevisions, owner, |to| to.number(set.revision().0))?;
        for Issuer { id, content, created_at, updated_at, .. } in set.issuers().map(AsRef::as_ref) {
            to.row(Kind::Issuers, owner, |to| {
                to.text(id.as_str());
                json(to, content);
                to.time(*created_at);
                to.time(*updated_at);
            })?;
        }
        for rule in set.rules() {
            to.row(Kind::ExchangeRules, owner, |to| {
                to.text(rule.id.as_str());
                json(to, &rule.content);
                to.time(rule.created_at);
                to.time(rule.updated_at);
                to.time(rule.active_since);
                to.option(rule.last_used_at, Encoder::time);
            })?;
        }
    }
    for (hash, end) in view.issuers.revoked() {
        to.row(Kind::RevokedJwts, &Owner::Platform, |to| {
            to.text(hash);
            to.time(end);
        })?;
    }
    Ok(())
}

/// Reads one row of an owner.
pub(super) type Read = fn(&mut Decoder<'_>, &Owner, &mut Issuers) -> Option<()>;

/// What reads rows of a kind, if they are of these.
pub(super) fn reader(kind: Kind) -> Option<Read> {
    let readers: [(Kind, Read); 4] = [
        (Kind::IssuerRevisions, read_revision),
        (Kind::Issuers, read_issuer),
        (Kind::ExchangeRules, read_rule),
        (Kind::RevokedJwts, read_revoked),
    ];
    readers.into_iter().find(|(of, _)| *of == kind).map(|(_, read)| read)
}

fn read_revision(from: &mut Decoder<'_>, owner: &Owner, issuers: &mut Issuers) -> Option<()> {
    issuers.restore_revision(owner, Revision(from.number()?));
    Some(())
}

fn read_issuer(from: &mut Decoder<'_>, owner: &Owner, issuers: &mut Issuers) -> Option<()> {
    let id = IssuerId::parse(from.text()?)?;
    let content: IssuerContent = parsed(from)?;
    let (created_at, updated_at) = (from.time()?, from.time()?);
    let tenant = owner.tenant().cloned();
    issuers.hold_issuer(owner, Issuer { id, tenant, content, is_builtin: false, created_at, updated_at });
    Some(())
}

fn read_rule(from: &mut Decoder<'_>, owner: &Owner, issuers: &mut Issuers) -> Option<()> {
    let id = ExchangeRuleId::parse(from.text()?)?;
    let content: ExchangeContent = parsed(from)?;
    let rule = ExchangeRule {
        id,
        content,
        created_at: from.time()?,
        updated_at: from.time()?,
        active_since: from.time()?,
        last_used_at: from.option(Decoder::time)?,
    };
    issuers.hold_rule(owner, rule);
    Some(())
}

fn read_revoked(from: &mut Decoder<'_>, _owner: &Owner, issuers: &mut Issuers) -> Option<()> {
    let hash = from.text()?.to_owned();
    // Whose it was, nobody asks any more.
    let identity = IdentityId::system("system:revoked");
    issuers.jwt_revoked(JwtRevoked { hash, identity, expires_at: from.time()? });
    Some(())
}
