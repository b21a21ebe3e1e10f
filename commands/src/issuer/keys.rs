//! The keys of issuers, kept in memory: fetched when first needed, refreshed in the background, and at once for a key
//! that is not known. Each node keeps its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use parking_lot::{Mutex, RwLock};
use scaivault_domain::Timestamp;
use scaivault_domain::id::IssuerId;
use scaivault_domain::issuer::Issuer;
use tokio::sync::watch;

use super::Trust;
use super::discovery::{self, KeyFault};
use super::key_set::KeySet;
use crate::Engine;

/// Keys older than this are refreshed in the background, long before the ten minutes of the contract are over.
const REFRESH_AFTER_SECONDS: i64 = 300;
/// When the background tries again after a failure.
const RETRY_AFTER_SECONDS: i64 = 60;
/// How often an issuer is asked for keys that are not known, or for any while there are none.
const ASK_AGAIN_SECONDS: i64 = 30;
/// How long keys count while the issuer cannot be reached.
const KEPT_SECONDS: i64 = 24 * 3_600;
/// How often the background looks what is due.
const INTERVAL: Duration = Duration::from_secs(1);
/// Issuers that are asked side by side.
const SIDE_BY_SIDE: usize = 8;
/// Longest time that finding and fetching keys may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys of all issuers that were needed so far.
#[derive(Default)]
pub(super) struct KeyCache {
    entries: RwLock<HashMap<IssuerId, Arc<Entry>>>,
}

/// Those of one issuer.
#[derive(Default)]
struct Entry {
    state: Mutex<State>,
    /// Held by whoever asks the issuer; others wait for what it brings.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What they were fetched for: keys of another place are none.
    source: Option<Arc<Issuer>>,
    keys: Option<Arc<KeySet>>,
    refreshed_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    asked_for_unknown_at: Option<Timestamp>,
    last_error: Option<String>,
}

/// How the keys of an issuer are doing on this node.
#[derive(Clone, Debug, Default)]
pub struct KeyStatus {
    /// When they were fetched last.
    pub refreshed_at: Option<Timestamp>,
    /// Why they could not be when it was tried last.
    pub last_error: Option<String>,
}

/// Whether so many seconds have passed since a moment, or there was none.
fn is_past(at: Option<Timestamp>, seconds: i64, now: Timestamp) -> bool {
    at.is_none_or(|at| at.plus_seconds(seconds) <= now)
}

/// Whether two records name the same place of keys.
pub(super) fn is_same_source(a: &Issuer, b: &Issuer) -> bool {
    let source = |issuer: &Issuer| {
        let content = &issuer.content;
        (content.issuer.clone(), content.jwks_url.clone(), content.jwks.clone(), content.ca_pem.clone())
    };
    std::ptr::eq(a, b) || source(a) == source(b)
}

impl State {
    /// Its keys, as long as they count for this record.
    fn usable(&self, issuer: &Issuer, now: Timestamp) -> Option<Arc<KeySet>> {
        let is_its = self.source.as_ref().is_some_and(|source| is_same_source(source, issuer));
        let keys = self.keys.as_ref().filter(|_| is_its)?;
        let counts = issuer.content.jwks.is_some() || !is_past(self.refreshed_at, KEPT_SECONDS, now);
        counts.then(|| keys.clone())
    }

    fn took(&mut self, issuer: &Arc<Issuer>, fetched: Result<KeySet, KeyFault>, now: Timestamp) {
        if !self.source.as_ref().is_some_and(|source| is_same_source(source, issuer)) {
            *self = Self { asked_for_unknown_at: self.asked_for_unknown_at, ..Self::default() };
        }
        self.source = Some(issuer.clone());
        self.asked_at = Some(now);
        match fetched {
            Ok(keys) => {
                // The same keys stay the same in memory: what was verified with them stays verified.
                if self.keys.as_ref().is_none_or(|held| !held.is_same(&keys)) {
                    self.keys = Some(Arc::new(keys));
                }
                self.refreshed_at = issuer.content.jwks.is_none().then_some(now);
                self.last_error = None;
            }
            Err(fault) => self.last_error = Some(fault.to_string()),
        }
    }
}

impl KeyCache {
    fn entry(&self, id: &IssuerId) -> Arc<Entry> {
        if let Some(entry) = self.entries.read().get(id) {
            return entry.clone();
        }
        self.entries.write().entry(id.clone()).or_default().clone()
    }

    /// The keys of an issuer that are at hand.
    pub(super) fn held(&self, issuer: &Issuer, now: Timestamp) -> Option<Arc<KeySet>> {
        self.entries.read().get(&issuer.id)?.state.lock().usable(issuer, now)
    }

    /// Takes over keys that were just fetched.
    pub(super) fn adopt(&self, issuer: &Arc<Issuer>, keys: KeySet, now: Timestamp) {
        self.entry(&issuer.id).state.lock().took(issuer, Ok(keys), now);
    }

    /// How they are doing.
    pub(super) fn status(&self, issuer: &Issuer) -> KeyStatus {
        let Some(entry) = self.entries.read().get(&issuer.id).cloned() else { return KeyStatus::default() };
        let state = entry.state.lock();
        match &state.source {
            Some(source) if is_same_source(source, issuer) => {
                KeyStatus { refreshed_at: state.refreshed_at, last_error: state.last_error.clone() }
            }
            Some(_) | None => KeyStatus::default(),
        }
    }

    fn forget_others(&self, issuers: &[Arc<Issuer>]) {
        self.entries.write().retain(|id, _| issuers.iter().any(|issuer| issuer.id == *id));
    }
}

impl Trust {
    /// Asks an issuer for its keys.
    pub(super) async fn ask(&self, issuer: &Issuer) -> Result<KeySet, KeyFault> {
        let asked = discovery::fetch(self.fetch.as_ref(), issuer, self.addresses);
        let timeout = KeyFault::Fetch(crate::fetch::FetchError::Timeout);
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(timeout))
    }

    /// Asks if `is_due` still says so once nobody else does.
    async fn refresh(&self, issuer: &Arc<Issuer>, now: Timestamp, is_due: impl Fn(&mut State) -> bool) {
        let entry = self.keys.entry(&issuer.id);
        let _asking = entry.asking.lock().await;
        if !is_due(&mut entry.state.lock()) {
            return;
        }
        let fetched = self.ask(issuer).await;
        if let Err(fault) = &fetched {
            tracing::warn!(target: "issuers", issuer_id = %issuer.id, error = %fault, "keys could not be refreshed");
        }
        entry.state.lock().took(issuer, fetched, now);
    }
}

impl Engine {
    /// The keys of an issuer that are at hand; `None` before they are fetched, and when they are too old.
    pub fn held_keys(&self, issuer: &Issuer) -> Option<Arc<KeySet>> {
        self.trust.keys.held(issuer, self.now())
    }

    /// The keys of an issuer, asked for if there are none, or none of that id.
    pub async fn keys_with(&self, issuer: &Arc<Issuer>, key_id: Option<&str>) -> Option<Arc<KeySet>> {
        let now = self.now();
        match self.trust.keys.held(issuer, now) {
            Some(keys) if keys.knows(key_id) => return Some(keys),
            // What is written down does not change by asking.
            Some(keys) if issuer.content.jwks.is_some() => return Some(keys),
            Some(_) | None => {}
        }
        let is_due = |state: &mut State| match state.usable(issuer, now) {
            Some(keys) if keys.knows(key_id) => false,
            Some(_) => {
                let is_due = is_past(state.asked_for_unknown_at, ASK_AGAIN_SECONDS, now);
                if is_due {
                    state.asked_for_unknown_at = Some(now);
                }
                is_due
            }
            None => {
                let is_other = !state.source.as_ref().is_some_and(|source| is_same_source(source, issuer));
                is_other || is_past(state.asked_at, ASK_AGAIN_SECONDS, now)
            }
        };
        self.trust.refresh(issuer, now, is_due).await;
        self.trust.keys.held(issuer, now)
    }

    /// How the keys of an issuer are doing on this node.
    pub fn key_status(&self, issuer: &Issuer) -> KeyStatus {
        self.trust.keys.status(issuer)
    }

    /// Refreshes keys before they are old, until told to stop.
    pub async fn keep_keys(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            tokio::select! {
                () = self.refresh_keys() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn refresh_keys(&self) {
        let view = self.projections.view();
        let of_view = view.issuers.all().flat_map(|(_, set)| set.issuers());
        let issuers: Vec<_> = of_view.chain(&self.trust.builtin).cloned().collect();
        self.trust.keys.forget_others(&issuers);
        let now = self.now();
        let is_due = |state: &State| {
            let after = if state.last_error.is_some() { RETRY_AFTER_SECONDS } else { REFRESH_AFTER_SECONDS };
            is_past(state.asked_at, after, now)
        };
        let due = issuers.iter().filter(|issuer| {
            let content = &issuer.content;
            content.is_active && content.jwks.is_none() && is_due(&self.trust.keys.entry(&issuer.id).state.lock())
        });
        let refreshed = due.map(|issuer| self.trust.refresh(issuer, now, |state: &mut State| is_due(state)));
        let refreshed: Vec<_> = refreshed.collect();
        stream::iter(refreshed).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
    }
}
