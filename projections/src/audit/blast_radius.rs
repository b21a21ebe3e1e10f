//! What somebody read, and who else read the same since.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use scaivault_domain::{IdentityType, Owner, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::AuditIndex;
use super::page::Order;
use super::segment::{Column, Segment};

/// Reads of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// How many.
    pub count: u64,
}

/// Reads of one version by somebody else, after the first one here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Who.
    pub identity: Arc<str>,
    /// Kind of identity.
    pub kind: Option<IdentityType>,
    /// Which version.
    pub version: u32,
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Timestamp,
}

/// One path.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// The versions that were read.
    pub versions: BTreeMap<u32, Reach>,
    /// Who else read them, the last reader first.
    pub others: Vec<Other>,
}

/// Every secret that was read, by path.
#[derive(Clone, Debug, Default)]
pub struct BlastRadius {
    /// By path.
    pub paths: BTreeMap<Arc<str>, Reached>,
}

/// Reads of one version by one identity.
type ByReader = HashMap<(Arc<str>, u32, Arc<str>), (Option<IdentityType>, Reach)>;

impl AuditIndex {
    /// What the reads that the filter lets through reached, of secrets of `owner`. Others are all who read them for
    /// `others_for`, or for anybody.
    pub async fn blast_radius(
        &self,
        owner: &Owner,
        filter: &Filter,
        others_for: Option<Arc<str>>,
    ) -> Result<BlastRadius, StoreError> {
        let mut found = BlastRadius::default();
        self.reads(owner, filter, |segment, row, path, version| {
            let at = segment.at(row);
            let versions = &mut found.paths.entry(path.into()).or_default().versions;
            let reach = versions.entry(version).or_insert(Reach { first: at, last: at, count: 0 });
            reach.include(at);
        })
        .await?;
        let first = found.paths.values().flat_map(|reached| reached.versions.values()).map(|reach| reach.first).min();
        let Some(first) = first else { return Ok(found) };
        let mut others = ByReader::new();
        let partner_secrets = filter.partner_secrets;
        let since = Filter { from: Some(first), acting_tenant: others_for, partner_secrets, ..reads() };
        let compared = filter.compared();
        self.reads(owner, &since, |segment, row, path, version| {
            let reached = found.paths.get(path).and_then(|reached| reached.versions.get(&version));
            let at = segment.at(row);
            let is_after = reached.is_some_and(|reach| at > reach.first);
            let identity = segment.text(Column::Identity, row);
            if let Some(identity) = identity.filter(|_| is_after && !compared.is_same(segment, row)) {
                let kind = segment.identity_type(row);
                let key = (path.into(), version, identity.into());
                let (_, reach) = others.entry(key).or_insert((kind, Reach { first: at, last: at, count: 0 }));
                reach.include(at);
            }
        })
        .await?;
        for ((path, version, identity), (kind, reach)) in others {
            if let Some(reached) = found.paths.get_mut(&path) {
                reached.others.push(Other { identity, kind, version, count: reach.count, last: reach.last });
            }
        }
        for reached in found.paths.values_mut() {
            reached.others.sort_by(|one, two| {
                two.last.cmp(&one.last).then_with(|| (&one.identity, one.version).cmp(&(&two.identity, two.version)))
            });
        }
        Ok(found)
    }

    /// Goes through successful reads of values.
    async fn reads(
        &self,
        owner: &Owner,
        filter: &Filter,
        mut take: impl FnMut(&Segment, usize, &str, u32),
    ) -> Result<(), StoreError> {
        let filter = Filter { actions: reads().actions, success: Some(true), ..filter.clone() };
        let positions = (Position::START, Position(u64::MAX));
        let mut scan = self.scan(owner, &filter, positions, Order::OldestFirst).await?;
        while let Some(part) = scan.next().await? {
            let segment = &part.segment;
            for row in part.wanted(&filter, Order::OldestFirst) {
                if let (Some(path), Some(version)) = (segment.text(Column::Path, row), segment.version(row)) {
                    take(segment, row, path, version);
                }
            }
        }
        Ok(())
    }
}

impl Reach {
    fn include(&mut self, at: Timestamp) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.count += 1;
    }
}

/// Whose reads are not those of others.
struct Compared<'a> {
    identity: Option<&'a str>,
    token: Option<&'a str>,
}

impl Compared<'_> {
    fn is_same(&self, segment: &Segment, row: usize) -> bool {
        let is = |column, wanted: Option<&str>| wanted.is_some_and(|wanted| segment.text(column, row) == Some(wanted));
        is(Column::Identity, self.identity) || is(Column::Token, self.token)
    }
}

impl Filter {
    fn compared(&self) -> Compared<'_> {
        Compared { identity: self.identity.as_deref(), token: self.token.as_deref() }
    }
}

fn reads() -> Filter {
    Filter { actions: vec!["read".into()], success: Some(true), ..Filter::default() }
}
