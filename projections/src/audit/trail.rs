//! Counts over what happened to one secret, or what one identity did.

use std::collections::HashSet;
use std::sync::Arc;

use scaivault_domain::{ErrorCode, Owner, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::{AuditIndex, Part};
use super::names::Name;
use super::page::Order;
use super::segment::Column;

/// The counts.
#[derive(Debug, Default)]
pub struct Trail {
    /// Successful `read`s.
    pub reads: u64,
    /// Successful `write`s.
    pub writes: u64,
    /// Successful `rotate`s.
    pub rotations: u64,
    /// Answers with status 403.
    pub denied: u64,
    /// Different identities.
    pub identities: usize,
    /// Different paths with a successful read, write, rotation, deletion or restore.
    pub secrets_touched: usize,
    /// The last successful read.
    pub last_read: Option<Timestamp>,
    /// The last entry of any kind.
    pub last_entry: Option<Timestamp>,
}

/// The actions that are counted.
const READ: &str = "read";
const WRITE: &str = "write";
const ROTATE: &str = "rotate";
/// The resource of looks at the trail of a secret, which do not count.
const TRAIL: &str = "audit/secrets";
/// The actions that touch a secret.
const TOUCHING: [&str; 5] = [READ, WRITE, ROTATE, "delete", "restore"];

#[derive(Default)]
struct Seen {
    identities: HashSet<Arc<str>>,
    paths: HashSet<Arc<str>>,
}

impl AuditIndex {
    /// Counts what the filter lets through.
    pub async fn trail(&self, owner: &Owner, filter: &Filter) -> Result<Trail, StoreError> {
        let (mut trail, mut seen) = (Trail::default(), Seen::default());
        let positions = (Position::START, Position(u64::MAX));
        let mut scan = self.scan(owner, filter, positions, Order::OldestFirst).await?;
        while let Some(part) = scan.next().await? {
            trail.add(&part, filter, &mut seen);
        }
        trail.identities = seen.identities.len();
        trail.secrets_touched = seen.paths.len();
        Ok(trail)
    }
}

impl Trail {
    fn add(&mut self, part: &Part, filter: &Filter, seen: &mut Seen) {
        let segment = &part.segment;
        let number = |text: &str| segment.names().number(text);
        let [read, write, rotate] = [READ, WRITE, ROTATE].map(number);
        let touching = TOUCHING.map(number);
        let is_denied: Vec<bool> = std::iter::once(false)
            .chain(segment.names().texts().map(|text| ErrorCode::parse(text).is_some_and(|code| code.status() == 403)))
            .collect();
        let mut are_seen = vec![(false, false); segment.names().len() + 1];
        let looks = number(TRAIL);
        for row in part.wanted(filter, Order::OldestFirst) {
            if looks.is_some() && looks == Some(segment.name(Column::Resource, row)) {
                continue;
            }
            let (at, success) = (segment.at(row), segment.is_success(row));
            let action: Option<Name> = Some(segment.name(Column::Action, row));
            self.last_entry = self.last_entry.max(Some(at));
            let error = usize::from(segment.name(Column::ErrorCode, row));
            self.denied += u64::from(is_denied.get(error).copied().unwrap_or(false));
            let identity = usize::from(segment.name(Column::Identity, row));
            are_seen.get_mut(identity).into_iter().for_each(|seen| seen.0 = true);
            if success {
                self.reads += u64::from(action == read);
                self.writes += u64::from(action == write);
                self.rotations += u64::from(action == rotate);
                if action == read {
                    self.last_read = self.last_read.max(Some(at));
                }
                if touching.contains(&action) {
                    let path = usize::from(segment.name(Column::Path, row));
                    are_seen.get_mut(path).into_iter().for_each(|seen| seen.1 = true);
                }
            }
        }
        for (text, (is_identity, is_path)) in segment.names().texts().zip(are_seen.into_iter().skip(1)) {
            if is_identity && !seen.identities.contains(text) {
                seen.identities.insert(text.into());
            }
            if is_path && !seen.paths.contains(text) {
                seen.paths.insert(text.into());
            }
        }
    }
}
