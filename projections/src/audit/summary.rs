//! Counts over a period.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::{AuditIndex, Part};
use super::page::Order;
use super::segment::Column;

const DAY_MICROS: i64 = 86_400_000_000;
/// Rows of the tops.
const TOP: usize = 10;

/// What happened in a period.
#[derive(Debug, Default)]
pub struct Summary {
    /// All entries.
    pub total: u64,
    /// Those of successes.
    pub successful: u64,
    /// Different identities.
    pub identities: usize,
    /// Different paths of secrets.
    pub secrets: usize,
    /// By action, those that occur.
    pub by_action: BTreeMap<Arc<str>, u64>,
    /// Midnights, and how many entries follow; every day of the period.
    pub by_day: Vec<(Timestamp, u64)>,
    /// The identities with the most entries.
    pub top_identities: Vec<(Arc<str>, u64)>,
    /// The paths with the most entries.
    pub top_secrets: Vec<(Arc<str>, u64)>,
}

/// What several owners' entries come to.
#[derive(Default)]
struct Tally {
    total: u64,
    successful: u64,
    actions: HashMap<Arc<str>, u64>,
    identities: HashMap<Arc<str>, u64>,
    /// Of different owners, a path is different secrets.
    secrets: HashMap<(usize, Arc<str>), u64>,
    days: HashMap<i64, u64>,
}

impl AuditIndex {
    /// Counts what the logs of `owners` have from `from` on, before `to`, and not before `oldest`.
    pub async fn summary(
        &self,
        owners: &[Owner],
        (from, to): (Timestamp, Timestamp),
        oldest: Timestamp,
    ) -> Result<Summary, StoreError> {
        let filter = Filter { from: Some(from.max(oldest)), to: Some(to), ..Filter::default() };
        let mut tally = Tally::default();
        for (number, owner) in owners.iter().enumerate() {
            let positions = (Position::START, Position(u64::MAX));
            let mut scan = self.scan(owner, &filter, positions, Order::OldestFirst).await?;
            while let Some(part) = scan.next().await? {
                tally.add(number, &part, &filter);
            }
        }
        Ok(tally.told(from, to))
    }
}

impl Tally {
    fn add(&mut self, owner: usize, part: &Part, filter: &Filter) {
        let segment = &part.segment;
        let names = segment.names();
        // Of each text in each column, so that it is looked up once.
        let mut counts =
            [Column::Action, Column::Identity, Column::Path].map(|column| (column, vec![0u64; names.len() + 1]));
        for row in part.wanted(filter, Order::OldestFirst) {
            self.total += 1;
            self.successful += u64::from(segment.is_success(row));
            *self.days.entry(day_of(segment.at(row))).or_default() += 1;
            for (column, counts) in &mut counts {
                if let Some(count) = counts.get_mut(usize::from(segment.name(*column, row))) {
                    *count += 1;
                }
            }
        }
        for (column, counts) in counts {
            let counted = names.texts().zip(counts.into_iter().skip(1)).filter(|(_, count)| *count > 0);
            for (text, count) in counted {
                match column {
                    Column::Action => *self.actions.entry(text.into()).or_default() += count,
                    Column::Identity => *self.identities.entry(text.into()).or_default() += count,
                    Column::Path => *self.secrets.entry((owner, text.into())).or_default() += count,
                    Column::Resource | Column::SourceIp | Column::ErrorCode | Column::ActingTenant | Column::Token => {}
                }
            }
        }
    }

    fn told(self, from: Timestamp, to: Timestamp) -> Summary {
        let last = day_of(Timestamp::from_micros(to.as_micros().saturating_sub(1)).max(from));
        let days = (day_of(from)..=last).map(|day| {
            (Timestamp::from_micros(day.saturating_mul(DAY_MICROS)), self.days.get(&day).copied().unwrap_or(0))
        });
        let secrets: HashSet<_> = self.secrets.keys().collect();
        Summary {
            total: self.total,
            successful: self.successful,
            identities: self.identities.len(),
            secrets: secrets.len(),
            by_day: days.collect(),
            by_action: self.actions.into_iter().collect(),
            top_identities: top(self.identities),
            top_secrets: top(self.secrets.into_iter().map(|((_, path), count)| (path, count))),
        }
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_MICROS)
}

fn top(counts: impl IntoIterator<Item = (Arc<str>, u64)>) -> Vec<(Arc<str>, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(name, count), (other_name, other)| other.cmp(count).then_with(|| name.cmp(other_name)));
    counts.truncate(TOP);
    counts
}
