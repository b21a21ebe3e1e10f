//! What the server is to reach, and whether it did. An invalid row reaches nothing.

use std::time::Duration;

use crate::arguments::Kind;
use crate::phase::Phase;
use crate::report::{megabytes, milliseconds};
use crate::run::{Measured, Row};

/// Audited reads, of the rate of the bare route.
const READ_RATIO: f64 = 0.30;
/// Durable writes, of the rate of the bare route.
const WRITE_RATIO: f64 = 0.08;
/// Audited reads by a person, of those by the administrator.
const PERSON_SHARE: f64 = 0.90;
/// Longest p99 of audited reads.
const READ_P99: Duration = Duration::from_millis(10);
/// Slowest full replay, in records and audit entries a second.
const REPLAY_RATE: f64 = 200_000.0;

/// From so many secrets on, the following hold.
const MANY_SECRETS: u64 = 1_000_000;
/// Longest restart from a snapshot.
const READY: Duration = Duration::from_secs(5);
/// Most memory, after load and after each start.
const RESIDENT_BYTES: u64 = 1_200_000_000;
/// Longest p99 of a page by prefix and tag.
const PAGE_P99: Duration = Duration::from_millis(20);

/// A target.
pub(crate) struct Target {
    /// Of which backend.
    pub(crate) kind: Kind,
    /// What is asked for.
    pub(crate) demand: String,
    /// What was found.
    pub(crate) measured: String,
    /// `None`: this run does not tell.
    pub(crate) met: Option<bool>,
}

/// All targets of all backends, as far as they apply to the number of secrets.
pub(crate) fn judge(results: &[Measured]) -> Vec<Target> {
    results.iter().flat_map(of_backend).collect()
}

fn of_backend(result: &Measured) -> Vec<Target> {
    let row = |phase: Phase| result.rows.iter().find(|row| row.phase == phase);
    let mut targets = Vec::new();
    let mut add = |demand: String, measured: Option<(String, bool)>| {
        let (measured, met) = measured.map_or((String::new(), None), |(text, met)| (text, Some(met)));
        targets.push(Target { kind: result.kind, demand, measured, met });
    };
    let ratio = |row: &Row, least: f64| {
        let ratio = row.outcome.rate() / row.bare_rate;
        (format!("{ratio:.3}"), ratio >= least && row.outcome.is_valid())
    };
    let p99 = |row: &Row, longest: Duration| {
        let p99 = row.outcome.latency.quantile(0.99);
        (format!("{:.2} ms", milliseconds(p99)), p99 <= longest && row.outcome.is_valid())
    };

    let reads = row(Phase::Reads);
    add(format!("audited reads ≥ {READ_RATIO:.2} of the bare route"), reads.map(|row| ratio(row, READ_RATIO)));
    add(format!("audited reads: p99 ≤ {} ms", READ_P99.as_millis()), reads.map(|row| p99(row, READ_P99)));
    let of_person = row(Phase::PersonReads).zip(reads).map(|(person, reads)| {
        let share = (person.outcome.rate() / person.bare_rate) / (reads.outcome.rate() / reads.bare_rate);
        (format!("{share:.3}"), share >= PERSON_SHARE && person.outcome.is_valid())
    });
    add(format!("{} ≥ {PERSON_SHARE:.2} of audited reads", Phase::PersonReads.title()), of_person);
    let writes = row(Phase::Writes).map(|row| ratio(row, WRITE_RATIO));
    add(format!("durable writes ≥ {WRITE_RATIO:.2} of the bare route"), writes);
    let restart = result.restart.as_ref();
    let replay = restart.map(|restart| restart.replay.events_per_second());
    add(
        format!("replay ≥ {REPLAY_RATE:.0} events/s"),
        replay.map(|rate| (format!("{rate:.0}/s"), rate >= REPLAY_RATE)),
    );
    if result.secrets < MANY_SECRETS {
        return targets;
    }

    let snapshot = restart.and_then(|restart| restart.from_snapshot.as_ref());
    add(
        format!("ready ≤ {} s after a restart from a snapshot", READY.as_secs()),
        snapshot.map(|start| (format!("{:.2} s", start.ready_after.as_secs_f64()), start.ready_after <= READY)),
    );
    let starts = restart.into_iter().flat_map(|restart| restart.from_snapshot.into_iter().chain([restart.replay]));
    let resident = result.resident_bytes.into_iter().chain(starts.map(|start| start.resident_bytes)).max();
    add(
        format!("RSS ≤ {:.0} MB", megabytes(RESIDENT_BYTES)),
        resident.map(|bytes| (format!("{:.0} MB", megabytes(bytes)), bytes <= RESIDENT_BYTES)),
    );
    for phase in [Phase::Pages, Phase::PagesOfFew] {
        let row = row(phase);
        let connections = row.map_or_else(String::new, |row| format!(", {} connections", row.connections));
        add(
            format!("{}{connections}: p99 ≤ {} ms", phase.title(), PAGE_P99.as_millis()),
            row.map(|row| p99(row, PAGE_P99)),
        );
    }
    targets
}
