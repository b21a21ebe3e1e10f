//! Rules of the policies bound to one identity, arranged for deciding: a tree over path segments.
//!
//! A decision follows the segments of the path and comes to the rules whose patterns match it. How
//! many others there are does not matter. At each place, rules without conditions are one look at a
//! table; those with conditions are tried one by one.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::{Asked, Bound, Permissions, Rule};
use crate::access::Permission;
use crate::pattern::segment_matches;

/// Where patterns of secret paths begin.
const SECRETS: u32 = 0;
/// Where those of system paths do.
const SYSTEM: u32 = 1;

/// The tree.
#[derive(Debug)]
pub struct Compiled {
    nodes: Vec<Node>,
}

/// A place in the tree: what came before has been matched.
#[derive(Debug, Default)]
struct Node {
    /// Next segments without wildcards.
    literals: HashMap<Box<str>, u32, FixedState>,
    /// Next segments with wildcards inside.
    wildcards: Vec<(Box<str>, u32)>,
    /// The node of a `**` that comes next.
    any: Option<u32>,
    /// Whether this is such a node: any segment leads back to it.
    is_any: bool,
    /// The rule without conditions that permits, by permission.
    always: [Option<RuleAt>; 6],
    /// Rules with conditions, or of a binding that ends.
    sometimes: Vec<(Permissions, RuleAt)>,
}

/// A rule of a bound policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleAt {
    /// Index of the policy among those bound.
    pub bound: usize,
    /// Index of the rule in the policy.
    pub rule: usize,
}

/// Reused while one decision looks at several trees.
#[derive(Debug, Default)]
pub struct Walk {
    here: Vec<u32>,
    next: Vec<u32>,
}

impl Compiled {
    /// Arranges the rules of what is bound.
    pub fn of(bound: &[Bound]) -> Self {
        let mut tree = Self { nodes: vec![Node::default(), Node::default()] };
        for (index, of) in bound.iter().enumerate() {
            for (rule_index, rule) in of.policy.content.rules.iter().enumerate() {
                tree.add(RuleAt { bound: index, rule: rule_index }, rule, of.until.is_some());
            }
        }
        tree
    }

    /// A rule that permits, if there is one.
    pub fn permitting(&self, bound: &[Bound], asked: &Asked<'_>, walk: &mut Walk) -> Option<RuleAt> {
        let (root, path) = match asked.path.strip_prefix('@') {
            Some(path) => (SYSTEM, path),
            None => (SECRETS, asked.path),
        };
        walk.here.clear();
        self.enter(root, &mut walk.here);
        for segment in path.split('/') {
            walk.next.clear();
            for at in &walk.here {
                self.follow(*at, segment, &mut walk.next);
            }
            // Two ways to one place are one.
            if walk.next.len() > 1 {
                walk.next.sort_unstable();
                walk.next.dedup();
            }
            std::mem::swap(&mut walk.here, &mut walk.next);
            if walk.here.is_empty() {
                return None;
            }
        }
        walk.here.iter().find_map(|at| self.node(*at)?.permitting(bound, asked))
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(at).ok()?)
    }

    /// Comes to a node, and to the one of a `**` behind it, which may stand for nothing.
    fn enter(&self, at: u32, places: &mut Vec<u32>) {
        places.push(at);
        if let Some(any) = self.node(at).and_then(|node| node.any) {
            self.enter(any, places);
        }
    }

    fn follow(&self, at: u32, segment: &str, next: &mut Vec<u32>) {
        let Some(node) = self.node(at) else { return };
        if node.is_any {
            self.enter(at, next);
        }
        if let Some(to) = node.literals.get(segment) {
            self.enter(*to, next);
        }
        for (pattern, to) in &node.wildcards {
            if segment_matches(pattern.as_bytes(), segment.as_bytes()) {
                self.enter(*to, next);
            }
        }
    }

    fn add(&mut self, at: RuleAt, rule: &Rule, ends: bool) {
        let mut place = if rule.path_pattern.is_system() { SYSTEM } else { SECRETS };
        for segment in rule.path_pattern.segments() {
            place = self.step(place, segment);
        }
        let permitted = rule.permitted();
        let Some(node) = self.nodes.get_mut(place as usize) else { return };
        if ends || !rule.conditions.is_empty() {
            node.sometimes.push((permitted, at));
            return;
        }
        for (permission, first) in Permission::ALL.into_iter().zip(&mut node.always) {
            if permitted.grants(permission) {
                first.get_or_insert(at);
            }
        }
    }

    /// The node that a segment leads to, made if need be.
    fn step(&mut self, from: u32, segment: &str) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Some(node) = self.nodes.get_mut(from as usize) else { return fresh };
        let to = match segment {
            // `**` twice is `**`.
            "**" if node.is_any => return from,
            "**" => *node.any.get_or_insert(fresh),
            wild if wild.contains(['*', '?']) => {
                let known = node.wildcards.iter().find(|(pattern, _)| **pattern == *wild);
                let to = known.map_or(fresh, |(_, to)| *to);
                if to == fresh {
                    node.wildcards.push((wild.into(), fresh));
                }
                to
            }
            literal => *node.literals.entry(literal.into()).or_insert(fresh),
        };
        if to == fresh {
            self.nodes.push(Node { is_any: segment == "**", ..Node::default() });
        }
        to
    }
}

impl Node {
    fn permitting(&self, bound: &[Bound], asked: &Asked<'_>) -> Option<RuleAt> {
        let always = self.always.get(asked.permission as usize).copied().flatten();
        always.or_else(|| {
            let holds = |(permitted, at): &&(Permissions, RuleAt)| {
                let of = bound.get(at.bound);
                let rule = of.and_then(|of| of.policy.content.rules.get(at.rule));
                permitted.grants(asked.permission)
                    && of.is_some_and(|of| of.counts(asked.at))
                    && rule.is_some_and(|rule| rule.conditions.first_failed(asked).is_none())
            };
            self.sometimes.iter().find(holds).map(|(_, at)| *at)
        })
    }
}
