//! The tree, rebuilt here from what the server gives: nothing of it is taken for granted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::merkle::{Hash, hash_leaf};
use serde::Deserialize;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::session::Session;

/// Leaves of one page.
const PAGE: u64 = 10_000;

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Where, or if that is not known, the first position at which it may be.
    pub(super) position: u64,
    /// Whether it is known.
    pub(super) is_exact: bool,
    /// A reason of the contract.
    pub(super) reason: String,
}

#[derive(Deserialize)]
struct Page {
    leaves: Vec<Leaf>,
}

#[derive(Deserialize)]
struct Leaf {
    position: u64,
    leaf_hash: String,
    leaf_data: Option<String>,
}

/// Of what the columns of a record say, what the leaf must agree with.
#[derive(Deserialize)]
struct Columns {
    position: u64,
}

/// Fetches every leaf up to the checkpoint and holds the tree of them against it, and against the earlier one.
pub(super) async fn check(
    session: &Session,
    checkpoint: &Checkpoint,
    since: Option<&Checkpoint>,
) -> Result<Option<Finding>, Failure> {
    if since.is_some_and(|since| since.tree_size > checkpoint.tree_size) {
        return Ok(finding(checkpoint.tree_size + 1, "truncated"));
    }
    let mut rebuilt = Rebuilt { tree: Frontier::default(), since };
    while rebuilt.tree.size() < checkpoint.tree_size {
        let left = checkpoint.tree_size - rebuilt.tree.size();
        let address = Address::new("/v1/audit/leaves")
            .query("from_position", Some(rebuilt.tree.size() + 1))
            .query("limit", Some(left.min(PAGE)));
        let answer = session.send(Call::fetch(address)).await?;
        let page: Page = serde_json::from_str(answer.text())
            .map_err(|error| Failure::general(format!("The server's leaves are not of the form: {error}")))?;
        if page.leaves.is_empty() {
            return Ok(finding(rebuilt.tree.size() + 1, "truncated"));
        }
        for leaf in page.leaves.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            if let Some(reason) = rebuilt.take(leaf) {
                return Ok(Some(reason));
            }
        }
    }
    if rebuilt.tree.root() == checkpoint.root {
        return Ok(None);
    }
    // Up to the earlier checkpoint the leaves are those that were signed.
    Ok(from(since.map_or(1, |since| since.tree_size + 1), "root_mismatch"))
}

struct Rebuilt<'a> {
    tree: Frontier,
    since: Option<&'a Checkpoint>,
}

impl Rebuilt<'_> {
    /// Takes the next leaf; what does not hold, if anything.
    fn take(&mut self, leaf: &Leaf) -> Option<Finding> {
        let expected = self.tree.size() + 1;
        if leaf.position != expected {
            return finding(expected, "hole");
        }
        let Some(hash) = hash_of(leaf) else { return finding(expected, "leaf_mismatch") };
        self.tree.push(hash);
        match self.since {
            Some(since) if since.tree_size == self.tree.size() && since.root != self.tree.root() => {
                from(1, "checkpoint_invalid")
            }
            Some(_) | None => None,
        }
    }
}

/// The leaf's hash, if it is that of the data, where that is shown.
fn hash_of(leaf: &Leaf) -> Option<Hash> {
    let hash: Hash = STANDARD.decode(&leaf.leaf_hash).ok()?.try_into().ok()?;
    let Some(data) = &leaf.leaf_data else { return Some(hash) };
    let data = STANDARD.decode(data).ok()?;
    let columns: Columns = serde_json::from_slice(&data).ok()?;
    (hash_leaf(&data) == hash && columns.position == leaf.position).then_some(hash)
}

#[allow(clippy::unnecessary_wraps, reason = "whoever finds something returns it")]
fn finding(position: u64, reason: &str) -> Option<Finding> {
    Some(Finding { position, is_exact: true, reason: reason.to_owned() })
}

/// Somewhere from there on.
fn from(position: u64, reason: &str) -> Option<Finding> {
    finding(position, reason).map(|finding| Finding { is_exact: false, ..finding })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leaf(position: u64) -> Leaf {
        let data = format!("{{\"position\":{position}}}");
        Leaf {
            position,
            leaf_hash: STANDARD.encode(hash_leaf(data.as_bytes())),
            leaf_data: Some(STANDARD.encode(data)),
        }
    }

    fn after(leaves: &[Leaf], since: Option<&Checkpoint>) -> Option<Finding> {
        let mut rebuilt = Rebuilt { tree: Frontier::default(), since };
        leaves.iter().find_map(|leaf| rebuilt.take(leaf))
    }

    #[test]
    fn leaves_must_follow_each_other_and_fit_their_data() {
        assert_eq!(after(&[leaf(1), leaf(2), Leaf { leaf_data: None, ..leaf(3) }], None), None);
        assert_eq!(after(&[leaf(1), leaf(3)], None), finding(2, "hole"));
        assert_eq!(after(&[leaf(2)], None), finding(1, "hole"));
        let other = Leaf { leaf_hash: leaf(5).leaf_hash, ..leaf(2) };
        assert_eq!(after(&[leaf(1), other], None), finding(2, "leaf_mismatch"));
        let moved = Leaf { position: 2, ..leaf(9) };
        assert_eq!(after(&[leaf(1), moved], None), finding(2, "leaf_mismatch"));
        let cut = Leaf { leaf_hash: "AAAA".into(), leaf_data: None, ..leaf(2) };
        assert_eq!(after(&[leaf(1), cut], None), finding(2, "leaf_mismatch"));
    }

    #[test]
    fn an_earlier_checkpoint_must_be_on_the_way() {
        let mut tree = Frontier::default();
        tree.push(hash_of(&leaf(1)).unwrap());
        tree.push(hash_of(&leaf(2)).unwrap());
        let sound = Checkpoint { origin: "o".into(), tree_size: 2, root: tree.root() };
        assert_eq!(after(&[leaf(1), leaf(2), leaf(3)], Some(&sound)), None);
        let other = Checkpoint { root: [1; 32], ..sound };
        assert_eq!(after(&[leaf(1), leaf(2), leaf(3)], Some(&other)), from(1, "checkpoint_invalid"));
    }
}
