//! Whether a value may be read now, and which one.

use super::{Secret, Version, VersionState, live, version_not_found};
use crate::access::{Permission, no_matching_rule};
use crate::{ErrorCode, Rejection, SecretPath, Timestamp};

/// What a read asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// That version instead of the current one.
    pub version: Option<u32>,
    /// Also values of an expired secret and of versions whose grace period has ended.
    pub include_expired: bool,
    /// Whether the caller may use `include_expired` where it matters.
    pub may_include_expired: bool,
}

impl Selection {
    /// Lets an ended thing through if that was asked for and is permitted.
    fn admits_ended(self, otherwise: impl FnOnce() -> Rejection) -> Result<(), Rejection> {
        match (self.include_expired, self.may_include_expired) {
            (false, _) => Err(otherwise()),
            (true, false) => Err(no_matching_rule(Permission::Admin)),
            (true, true) => Ok(()),
        }
    }
}

/// The version a read is served with. `secret` has been settled for `now`.
pub fn select<'a>(
    secret: Option<&'a Secret>,
    path: &SecretPath,
    selection: Selection,
    now: Timestamp,
) -> Result<(&'a Secret, &'a Version), Rejection> {
    let secret = readable(secret, path, selection, now)?;
    let number = selection.version.or_else(|| secret.current_number());
    let version = check_version(secret, number, selection, now)?;
    Ok((secret, version))
}

/// The live, unexpired secret.
pub fn readable<'a>(
    secret: Option<&'a Secret>,
    path: &SecretPath,
    selection: Selection,
    now: Timestamp,
) -> Result<&'a Secret, Rejection> {
    let secret = live(secret, path)?;
    if let Some(end) = secret.expires_at().filter(|end| *end <= now) {
        selection.admits_ended(|| {
            Rejection::new(ErrorCode::SecretExpired, format!("Secret '{path}' has expired"))
                .detail("path", path.as_str())
                .detail("expires_at", end.to_string())
        })?;
    }
    Ok(secret)
}

/// The version of that number, if it is readable now.
pub fn check_version(
    secret: &Secret,
    number: Option<u32>,
    selection: Selection,
    now: Timestamp,
) -> Result<&Version, Rejection> {
    let refuse = |reason: &str| version_not_found(&secret.path, number, reason);
    let version = number.and_then(|number| secret.version(number)).ok_or_else(|| refuse("unknown"))?;
    match version.state {
        VersionState::Deleted { .. } => return Err(refuse("deleted")),
        VersionState::Destroyed => return Err(refuse("destroyed")),
        VersionState::Live => {}
    }
    // A version that became current again is served whatever its grace period was.
    if secret.current_number() != Some(version.number) && version.grace_ended(now) {
        selection.admits_ended(|| refuse("grace_period_ended"))?;
    }
    Ok(version)
}
