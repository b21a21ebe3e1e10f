//! Reading values: which version, from where, opened at the last moment.

use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::secret::read::{Selection, check_version, readable, select};
use scaivault_domain::{Owner, Rejection, SecretPath, Timestamp, secret::Secret, secret::version_not_found};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, StoreError};
use zeroize::Zeroizing;

use crate::history::History;
use crate::owners::key_owner;
use crate::{Projections, View};

/// How long a write that destroyed what is being read may take to be folded.
const RACE_PATIENCE: Duration = Duration::from_millis(500);

/// Why a value cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Refused, with a code of the contract.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store failed, or what it holds does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A value with the secret it belongs to.
pub struct Reading {
    /// State of the secret: now, or at the moment asked for.
    pub secret: Arc<Secret>,
    /// Number of the version.
    pub version: u32,
    /// Compact JSON of the value.
    pub data: Zeroizing<Vec<u8>>,
}

/// Reads values.
#[derive(Clone)]
pub struct Reader {
    projections: Arc<Projections>,
    history: History,
    sealer: Sealer,
}

impl Reader {
    /// Over these read models.
    pub fn new(projections: Arc<Projections>, history: History, sealer: Sealer) -> Self {
        Self { projections, history, sealer }
    }

    /// The read models.
    pub fn projections(&self) -> &Arc<Projections> {
        &self.projections
    }

    /// The log, to be read.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The value that `selection` asks for, judged at `now`; `at` chooses what was current then.
    pub async fn read(
        &self,
        owner: &Owner,
        path: &SecretPath,
        selection: Selection,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Reading, ReadError> {
        let view = self.projections.view();
        match self.read_in(&view, owner, path, selection, at, now).await {
            // Perhaps destroyed by a write that this view does not have yet.
            Err(ReadError::Store(error @ StoreError::Damaged { .. })) => {
                if !self.projections.wait_for(view.applied.next(), RACE_PATIENCE).await {
                    return Err(error.into());
                }
                self.read_in(&self.projections.view(), owner, path, selection, at, now).await
            }
            other => other,
        }
    }

    async fn read_in(
        &self,
        view: &View,
        owner: &Owner,
        path: &SecretPath,
        selection: Selection,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Reading, ReadError> {
        match at {
            None => self.read_now(view, owner, path, selection, now).await,
            Some(at) => self.read_then(view, owner, path, selection, at, now).await,
        }
    }

    async fn read_now(
        &self,
        view: &View,
        owner: &Owner,
        path: &SecretPath,
        selection: Selection,
        now: Timestamp,
    ) -> Result<Reading, ReadError> {
        let settled = view.secrets(owner).settled(path, now);
        let (secret, version) = select(settled.as_ref().map(|settled| settled.secret.as_ref()), path, selection, now)?;
        let (version, position) = (version.number, version.position);
        let data = match self.projections.values().at(position) {
            Some(value) => self.sealer.open_value(&value).map_err(|error| named(position, &error))?,
            None => self.fetch(owner, path, version, position).await?,
        };
        let secret = settled.as_ref().map_or_else(|| Arc::new(secret.clone()), |settled| settled.secret.clone());
        Ok(Reading { secret, version, data })
    }

    /// The current value of a live secret as it is in a view, whether it has expired or not; `None` if there is none.
    pub async fn current_value(
        &self,
        view: Arc<View>,
        owner: &Owner,
        path: &SecretPath,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        match self.current_in(&view, owner, path, now).await {
            // Perhaps destroyed by a write that this view does not have yet: what is decided on it comes too late, too.
            Err(ReadError::Store(error @ StoreError::Damaged { .. })) => {
                if !self.projections.wait_for(view.applied.next(), RACE_PATIENCE).await {
                    return Err(error.into());
                }
                self.current_in(&self.projections.view(), owner, path, now).await
            }
            other => other,
        }
    }

    async fn current_in(
        &self,
        view: &View,
        owner: &Owner,
        path: &SecretPath,
        now: Timestamp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let settled = view.secrets(owner).settled(path, now).filter(|settled| settled.secret.deleted.is_none());
        let Some(settled) = settled else { return Ok(None) };
        let Some(version) = settled.secret.current() else { return Ok(None) };
        let data = match self.projections.values().at(version.position) {
            Some(value) => self.sealer.open_value(&value).map_err(|error| named(version.position, &error))?,
            None => self.fetch(owner, path, version.number, version.position).await?,
        };
        Ok(Some(data))
    }

    /// Which value is asked of the past; whether it may be read is asked of the present.
    async fn read_then(
        &self,
        view: &View,
        owner: &Owner,
        path: &SecretPath,
        selection: Selection,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Reading, ReadError> {
        let settled = view.secrets(owner).settled(path, now);
        let present = readable(settled.as_ref().map(|settled| settled.secret.as_ref()), path, selection, now)?;
        let stream = self.sealer.keyring().stream(&key_owner(owner), "secret", path.as_str())?;
        let then = self.history.secret_at(stream, at).await?;
        let then = then.ok_or_else(|| version_not_found(path, None, "not_yet_created"))?;
        let deleted = || version_not_found(path, None, "deleted");
        let current = if then.deleted.is_some() { None } else { then.current_number() }.ok_or_else(deleted)?;
        let version = check_version(present, Some(current), selection, now)?;
        let data = self.fetch(owner, path, current, version.position).await?;
        Ok(Reading { secret: Arc::new(then), version: current, data })
    }

    /// A value from the log, which is then at hand.
    async fn fetch(
        &self,
        owner: &Owner,
        path: &SecretPath,
        version: u32,
        position: u64,
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let gone =
            || StoreError::damaged(Position(position), "the data key of a version that is not destroyed is missing");
        let value = Arc::new(self.history.value_at(position).await?.ok_or_else(gone)?);
        let data = self.sealer.open_value(&value).map_err(|error| named(position, &error))?;
        self.projections.values().keep(position, value);
        // Destroyed since it was read: the fold may have forgotten it before it was kept.
        let view = self.projections.view();
        let version = view.secrets(owner).held(path.as_str()).and_then(|held| held.secret.version(version).cloned());
        if !version.is_some_and(|version| version.position == position && version.has_value()) {
            self.projections.values().forget(position);
        }
        Ok(data)
    }

    /// The erasable part of the record at `position`; `None` once it is destroyed.
    pub async fn part(&self, position: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match self.history.value_at(position).await? {
            Some(value) => self.sealer.open_value(&value).map(Some).map_err(|error| named(position, &error)),
            None => Ok(None),
        }
    }
}

/// Damage with its place in the log.
fn named(position: u64, error: &StoreError) -> StoreError {
    StoreError::damaged(Position(position), error.to_string())
}
