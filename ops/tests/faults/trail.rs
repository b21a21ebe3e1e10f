//! The audit trail as it is searched, against the log itself.

use std::collections::HashSet;

use serde_json::Value;

use crate::caller::{PATIENCE, Shared};
use crate::ledger::Ledger;

/// What a node finds, up to a position.
pub struct Trail {
    node: usize,
    ids: Vec<String>,
    position: u64,
}

/// Everything that a node finds, page by page.
pub async fn of(shared: &Shared, node: usize) -> Trail {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let url = shared.nodes[node].read().unwrap().clone();
    let mut trail = Trail { node, ids: Vec::new(), position: 0 };
    let mut cursor = String::new();
    loop {
        let request = client.get(format!("{url}/v1/audit/logs?order=asc&limit=1000{cursor}"));
        let answer = request.bearer_auth(shared.token()).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        for entry in page["logs"].as_array().unwrap_or_else(|| panic!("{page}")) {
            trail.ids.push(entry["id"].as_str().unwrap().to_owned());
            trail.position = entry["position"].as_u64().unwrap();
        }
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return trail,
        }
    }
}

impl Trail {
    /// In what it differs from the log, if in anything.
    pub fn differs(&self, ledger: &Ledger) -> Option<String> {
        let recorded = ledger.of_tenant(self.position);
        let found: HashSet<&str> = self.ids.iter().map(String::as_str).collect();
        let missing: Vec<_> = recorded.difference(&found).take(5).collect();
        let invented: Vec<_> = found.difference(&recorded).take(5).collect();
        let is_same = missing.is_empty() && invented.is_empty() && found.len() == self.ids.len();
        (!is_same).then(|| {
            let counts = (self.ids.len(), found.len(), recorded.len());
            format!("node {} finds {counts:?} entries; missing {missing:?}, invented {invented:?}", self.node)
        })
    }
}
