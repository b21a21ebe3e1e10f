//! The readers of one secret in a period.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_domain::{Owner, Timestamp};

use super::Accesses;

/// One identity that read values of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Who.
    pub identity: Arc<str>,
    /// By version, newest first; all versions it read in the period.
    pub versions: Vec<VersionReads>,
    /// Version of the last read.
    pub last_version: u32,
    /// The last read.
    pub last_read_at: Timestamp,
    /// Reads in all.
    pub read_count: u64,
}

/// Reads of one version by one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionReads {
    /// Which version.
    pub version: u32,
    /// How often.
    pub read_count: u64,
    /// The last time.
    pub last_read_at: Timestamp,
}

impl Accesses {
    /// Readers of a path in `[from, to)`, last reader first; only those that read `version`, if given.
    pub fn consumers(
        &self,
        owner: &Owner,
        path: &str,
        version: Option<u32>,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Consumer> {
        let rows = self.path(owner, path).map_or(&[][..], |reads| reads.rows.as_slice());
        let start = rows.partition_point(|row| row.at < from);
        // By identity: the version of the last read, and reads by version.
        let mut readers: BTreeMap<u32, (u32, BTreeMap<u32, VersionReads>)> = BTreeMap::new();
        for row in rows.iter().skip(start).take_while(|row| row.at < to) {
            let (last_version, versions) = readers.entry(row.identity).or_default();
            *last_version = row.version;
            let reads = versions.entry(row.version).or_insert(VersionReads {
                version: row.version,
                read_count: 0,
                last_read_at: row.at,
            });
            reads.read_count += u64::from(row.count);
            reads.last_read_at = row.at;
        }
        let mut consumers: Vec<Consumer> = readers
            .into_iter()
            .filter_map(|(identity, (last_version, versions))| {
                let versions: Vec<VersionReads> = versions.into_values().rev().collect();
                if version.is_some_and(|wanted| versions.iter().all(|reads| reads.version != wanted)) {
                    return None;
                }
                Some(Consumer {
                    identity: self.identity(identity)?.clone(),
                    last_version,
                    last_read_at: versions.iter().map(|reads| reads.last_read_at).max()?,
                    read_count: versions.iter().map(|reads| reads.read_count).sum(),
                    versions,
                })
            })
            .collect();
        consumers.sort_by(|a, b| b.last_read_at.cmp(&a.last_read_at).then_with(|| a.identity.cmp(&b.identity)));
        consumers
    }
}
