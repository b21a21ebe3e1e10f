//! Who read which version when: exact counts, from the access records.

mod consumers;

use std::sync::Arc;

use imbl::{HashMap, Vector};
use scaivault_domain::{Owner, SecretPath, Timestamp, TokenId};

pub use consumers::{Consumer, VersionReads};

use crate::decode::AccessEntry;

/// The period of `access_count_30d`, in seconds.
pub const PERIOD_SECONDS: i64 = 30 * 86_400;
/// Rows younger than this keep their microsecond; older ones of the same second are joined.
const EXACT_SECONDS: i64 = 60;
/// Rows older than this, which no 30-day count looks at, are joined by the hour.
const SECONDS_KEPT: i64 = 31 * 86_400;
/// A path's rows are joined when their number has doubled, from here on.
const JOIN_FROM: usize = 256;

/// Reads of one version by one identity: one, or those of a second long past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) at: Timestamp,
    /// Number of the identity here.
    pub(crate) identity: u32,
    pub(crate) version: u32,
    pub(crate) count: u32,
}

/// Reads of one path.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathReads {
    /// In order of time.
    pub(crate) rows: Vec<Row>,
    /// How many there may be before they are joined.
    pub(crate) join_at: usize,
}

/// All value reads, by owner and path; and when each token was used last. Cheap to clone: clones
/// share what has not changed.
#[derive(Clone, Debug, Default)]
pub struct Accesses {
    reads: HashMap<Owner, HashMap<SecretPath, Arc<PathReads>>>,
    identities: Vector<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    tokens: HashMap<Arc<str>, Timestamp>,
}

impl Accesses {
    /// Last read of a path, and the number of reads in the 30 days before `now`.
    pub fn usage(&self, owner: &Owner, path: &str, now: Timestamp) -> (Option<Timestamp>, u64) {
        let Some(reads) = self.path(owner, path) else { return (None, 0) };
        let start = now.plus_seconds(-PERIOD_SECONDS);
        let from = reads.rows.partition_point(|row| row.at < start);
        let count = reads.rows.iter().skip(from).map(|row| u64::from(row.count)).sum();
        (reads.rows.last().map(|row| row.at), count)
    }

    /// The last read of a path.
    pub fn last_read(&self, owner: &Owner, path: &str) -> Option<Timestamp> {
        self.path(owner, path)?.rows.last().map(|row| row.at)
    }

    /// When a token was used last.
    pub fn token_used(&self, id: &TokenId) -> Option<Timestamp> {
        self.tokens.get(id.as_str()).copied()
    }

    /// Counts one audit entry; `secret` is the path of the value it tells was read, if that secret
    /// still exists.
    pub(crate) fn fold(&mut self, owner: &Owner, entry: &AccessEntry<'_>, secret: Option<&SecretPath>) {
        if let Some(token) = &entry.extra_data.token_id {
            match self.tokens.get_mut(token.as_ref()) {
                Some(last) => *last = (*last).max(entry.timestamp),
                None => _ = self.tokens.insert(token.as_ref().into(), entry.timestamp),
            }
        }
        let (Some(path), Some((_, version)), Some(identity)) = (secret, entry.value_read(), &entry.identity_id) else {
            return;
        };
        let identity = self.number(identity);
        let row = Row { at: entry.timestamp, identity, version, count: 1 };
        let of_owner = match self.reads.get_mut(owner) {
            Some(of_owner) => of_owner,
            None => self.reads.entry(owner.clone()).or_default(),
        };
        match of_owner.get_mut(path) {
            Some(reads) => Arc::make_mut(reads).push(row),
            None => {
                let mut reads = PathReads::default();
                reads.push(row);
                of_owner.insert(path.clone(), Arc::new(reads));
            }
        }
    }

    /// Forgets a path: its history ended with a hard deletion.
    pub(crate) fn forget(&mut self, owner: &Owner, path: &str) {
        if let Some(of_owner) = self.reads.get_mut(owner) {
            of_owner.remove(path);
        }
    }

    /// Forgets all of an owner.
    pub(crate) fn forget_owner(&mut self, owner: &Owner) {
        self.reads.remove(owner);
    }

    /// Reads by owner and path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&Owner, &SecretPath, &PathReads)> {
        self.reads
            .iter()
            .flat_map(|(owner, paths)| paths.iter().map(move |(path, reads)| (owner, path, reads.as_ref())))
    }

    /// The identity of that number.
    pub(crate) fn identity(&self, number: u32) -> Option<&Arc<str>> {
        self.identities.get(usize::try_from(number).ok()?)
    }

    /// Last uses by token.
    pub(crate) fn token_uses(&self) -> impl Iterator<Item = (&Arc<str>, Timestamp)> {
        self.tokens.iter().map(|(token, at)| (token, *at))
    }

    /// Enters what a snapshot has of a path; identities have numbers of this set.
    pub(crate) fn restore(&mut self, owner: &Owner, path: SecretPath, reads: PathReads) {
        self.reads.entry(owner.clone()).or_default().insert(path, Arc::new(reads));
    }

    /// Enters a token's last use.
    pub(crate) fn restore_token(&mut self, token: Arc<str>, at: Timestamp) {
        self.tokens.insert(token, at);
    }

    fn path(&self, owner: &Owner, path: &str) -> Option<&PathReads> {
        self.reads.get(owner)?.get(path).map(Arc::as_ref)
    }

    /// Number of an identity.
    pub(crate) fn number(&mut self, identity: &str) -> u32 {
        if let Some(number) = self.numbers.get(identity) {
            return *number;
        }
        let number = u32::try_from(self.identities.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = identity.into();
        self.identities.push_back(shared.clone());
        self.numbers.insert(shared, number);
        number
    }
}

impl PathReads {
    /// Requests end in another order than they arrived in, so a row may belong a little earlier.
    fn push(&mut self, row: Row) {
        let at = self.rows.iter().rposition(|other| other.at <= row.at).map_or(0, |index| index + 1);
        self.rows.insert(at, row);
        if self.rows.len() >= self.join_at.max(JOIN_FROM) {
            self.join(row.at);
            self.join_at = self.rows.len() * 2;
        }
    }

    fn join(&mut self, now: Timestamp) {
        let mut joined: Vec<Row> = Vec::with_capacity(self.rows.len() / 2);
        let (mut span, mut span_starts) = (None, 0);
        for row in &self.rows {
            let of_row = row.span(now);
            if of_row.is_none() || of_row != span {
                (span, span_starts) = (of_row, joined.len());
            }
            let same = |other: &&mut Row| other.identity == row.identity && other.version == row.version;
            let twin = joined.iter_mut().skip(span_starts).find(same).filter(|_| of_row.is_some());
            match twin {
                Some(twin) => {
                    twin.count = twin.count.saturating_add(row.count);
                    twin.at = row.at;
                }
                None => joined.push(*row),
            }
        }
        joined.sort_by_key(|row| row.at);
        self.rows = joined;
    }
}

impl Row {
    /// The span of time whose rows are one: a second, or an hour long past; none while it is young.
    fn span(&self, now: Timestamp) -> Option<(i64, i64)> {
        let age = now.as_seconds() - self.at.as_seconds();
        if age <= EXACT_SECONDS {
            return None;
        }
        let length = if age <= SECONDS_KEPT { 1 } else { 3_600 };
        Some((length, self.at.as_seconds().div_euclid(length)))
    }
}
