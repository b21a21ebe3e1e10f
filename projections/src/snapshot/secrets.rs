//! Rows of secrets.

use std::sync::Arc;

use scaivault_domain::secret::{
    Deletion, Expiry, Metadata, NoticeTimes, Options, Secret, SecretType, Version, VersionState, metadata::OwnValue,
};
use scaivault_domain::secret_policy::{PolicyUid, SecretPolicyId, SecretPolicyReference};
use scaivault_domain::{DurationText, IdentityId, SecretPath};
use scaivault_eventstore::Revision;
use serde::Deserialize as _;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::installation::{json, parsed};
use crate::codec::{Decoder, Encoder};
use crate::pool::Pool;
use crate::secrets::Held;

pub(super) fn write(to: &mut Encoder, held: &Held) {
    let secret = &held.secret;
    to.text(secret.path.as_str());
    to.number(held.revision.0);
    to.option(held.due, |to, due| to.time(due));
    to.number(secret.versions.len() as u64);
    for version in &secret.versions {
        write_version(to, version);
    }
    write_metadata(to, &secret.metadata);
    to.number(secret.options.max_versions.into());
    to.option(secret.options.expires_in.as_ref(), |to, after| to.text(after.as_str()));
    to.option(secret.options.notify_before.as_ref(), |to, notices| to.text(notices.as_str()));
    to.option(secret.options.secret_policy.as_ref(), |to, reference| {
        to.text(reference.id.as_str());
        // Two numbers: a ULID has 128 bits.
        to.number((reference.uid.0.0 >> 64) as u64);
        to.number(reference.uid.0.0 as u64);
    });
    to.option(secret.expiry.as_ref(), |to, expiry| {
        to.time(expiry.at);
        to.time(expiry.set_at);
        to.number(expiry.announced.len() as u64);
        expiry.announced.iter().for_each(|notice| to.text(notice.as_str()));
        to.flag(expiry.told);
    });
    to.time(secret.created_at);
    to.time(secret.updated_at);
    to.option(secret.deleted, |to, deletion| {
        to.time(deletion.deleted_at);
        to.time(deletion.recoverable_until);
    });
    to.option(secret.rotated_at, |to, at| to.time(at));
    to.option(secret.attachment.as_ref(), |to, attachment| json(to, attachment.as_ref()));
}

pub(super) fn read(from: &mut Decoder<'_>, pool: &mut Pool) -> Option<Held> {
    let path = SecretPath::parse(from.text()?).ok()?;
    let revision = Revision(from.number()?);
    let due = from.option(Decoder::time)?;
    let count = from.count()?;
    // Of just this size: there are many of them.
    let mut versions = Vec::with_capacity(count);
    for _ in 0..count {
        versions.push(read_version(from, pool)?);
    }
    let metadata = read_metadata(from, pool)?;
    let options = Options {
        max_versions: from.small()?,
        expires_in: from.option(|from| DurationText::parse(from.text()?))?,
        notify_before: from.option(|from| {
            let text = from.text()?;
            pool.notices(text, || NoticeTimes::parse(text))
        })?,
        secret_policy: from.option(|from| {
            let id = SecretPolicyId::parse(from.text()?)?;
            let uid = u128::from(from.number()?) << 64 | u128::from(from.number()?);
            Some(pool.secret_policy(&SecretPolicyReference { id, uid: PolicyUid(uid.into()) }))
        })?,
    };
    let expiry = from.option(|from| {
        Some(Expiry {
            at: from.time()?,
            set_at: from.time()?,
            announced: (0..from.count()?).map(|_| DurationText::parse(from.text()?)).collect::<Option<_>>()?,
            told: from.flag()?,
        })
    })?;
    let secret = Secret {
        path,
        versions,
        metadata,
        options,
        expiry,
        created_at: from.time()?,
        updated_at: from.time()?,
        deleted: from.option(|from| Some(Deletion { deleted_at: from.time()?, recoverable_until: from.time()? }))?,
        rotated_at: from.option(Decoder::time)?,
        attachment: from.option(|from| parsed(from).map(Arc::new))?,
    };
    Some(Held::new(secret, revision, due))
}

fn write_version(to: &mut Encoder, version: &Version) {
    to.number(version.number.into());
    let shape = SecretType::ALL.iter().position(|shape| *shape == version.secret_type);
    to.number(shape.unwrap_or_default() as u64);
    to.time(version.created_at);
    to.text(version.created_by.as_str());
    to.number(version.position);
    match version.state {
        VersionState::Live => to.number(0),
        VersionState::Destroyed => to.number(1),
        VersionState::Deleted { deleted_at, recoverable_until } => {
            to.number(2);
            to.time(deleted_at);
            to.time(recoverable_until);
        }
    }
    to.option(version.grace_ends_at, |to, end| to.time(end));
    to.option(version.handover.as_ref(), |to, handover| json(to, handover.as_ref()));
}

fn read_version(from: &mut Decoder<'_>, pool: &mut Pool) -> Option<Version> {
    Some(Version {
        number: from.small()?,
        secret_type: *SecretType::ALL.get(usize::try_from(from.number()?).ok()?)?,
        created_at: from.time()?,
        created_by: identity(from.text()?, pool)?,
        position: from.number()?,
        state: match from.number()? {
            0 => VersionState::Live,
            1 => VersionState::Destroyed,
            2 => VersionState::Deleted { deleted_at: from.time()?, recoverable_until: from.time()? },
            _ => return None,
        },
        grace_ends_at: from.option(Decoder::time)?,
        handover: from.option(|from| parsed(from).map(Box::new))?,
    })
}

/// An identity as it was stored, whatever its form.
fn identity(text: &str, pool: &mut Pool) -> Option<IdentityId> {
    pool.identity(text, || IdentityId::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).ok())
}

fn write_metadata(to: &mut Encoder, metadata: &Metadata) {
    to.option(metadata.description.as_ref(), |to, text| to.text(text));
    to.option(metadata.tags.as_ref(), |to, tags| {
        to.number(tags.len() as u64);
        tags.iter().for_each(|tag| to.text(tag));
    });
    to.option(metadata.owner.as_ref(), |to, text| to.text(text));
    to.number(metadata.own.len() as u64);
    for (key, value) in metadata.own.iter() {
        to.text(key);
        // Text, a boolean or a number: always serialises.
        to.text(&serde_json::to_string(value).unwrap_or_default());
    }
}

fn read_metadata(from: &mut Decoder<'_>, pool: &mut Pool) -> Option<Metadata> {
    Some(Metadata {
        description: from.option(|from| from.text().map(Arc::from))?,
        tags: from
            .option(|from| (0..from.count()?).map(|_| from.text().map(|tag| pool.text(tag))).collect::<Option<_>>())?,
        owner: from.option(|from| from.text().map(|owner| pool.text(owner)))?,
        own: (0..from.count()?)
            .map(|_| {
                let key = pool.text(from.text()?);
                let value: OwnValue = serde_json::from_str(from.text()?).ok()?;
                Some((key, value))
            })
            .collect::<Option<_>>()?,
    })
}
