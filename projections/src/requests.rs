//! In which records the entries of lately recorded requests lie. Nothing is lost with it: what is not
//! here is searched in the log.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use scaivault_eventstore::Position;

/// Entries that are remembered, in 16 bytes each.
const REMEMBERED: usize = 1 << 20;

/// The last entries: digest of the request's id, and position of the record. A digest may be that of
/// another request too; whoever reads the record finds out.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    entries: VecDeque<(u64, u64)>,
}

impl Requests {
    /// Positions of records that may hold entries of a request, in order.
    pub fn positions(&self, request_id: &str) -> Vec<Position> {
        let wanted = digest(request_id);
        let mut positions: Vec<u64> =
            self.entries.iter().filter(|(of, _)| *of == wanted).map(|(_, position)| *position).collect();
        positions.dedup();
        positions.into_iter().map(Position).collect()
    }

    pub(crate) fn recorded(&mut self, request_id: &str, position: Position) {
        if self.entries.len() == REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back((digest(request_id), position.0));
    }
}

fn digest(request_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    request_id.hash(&mut hasher);
    hasher.finish()
}
