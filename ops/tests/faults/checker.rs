//! Whether a history of one path is linearizable: the search of Wing and Gong ("Testing and Verifying Concurrent
//! Objects", 1993) with Lowe's memory of the pairs of linearised set and state that led nowhere ("Testing for
//! linearizability", 2017). What led nowhere does not with fewer unanswered operations left to use, either.
//!
//! Each operation takes effect at one moment between being asked and being answered. One without an answer takes
//! effect at any moment after it was asked, or never.

use std::collections::{BTreeMap, HashMap};

use crate::history::{Call, Operation};
use crate::register::Register;

/// Pairs looked at before the search gives up: a history it cannot decide is a failure, not a success.
const MOST_STEPS: u64 = 3_000_000;

/// What is asked of the order of two observations that were answered by different nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As of any two: the earlier one takes effect first. Linearizability.
    Strict,
    /// Nothing. A write that has not been answered may be seen on one node and not yet on another.
    PerNode,
}

/// Why a history is refused.
#[derive(Debug)]
pub struct Violation {
    /// How far an order could be found.
    pub placed: usize,
    /// State at that point.
    pub state: Register,
    /// What could not follow it.
    pub next: Vec<Operation>,
    /// The search was broken off.
    pub undecided: bool,
}

/// Finds an order in which the operations of one path, done one after the other, answer as they did.
pub fn check(operations: &[Operation], order: Order) -> Result<(), Box<Violation>> {
    check_within(operations, order, MOST_STEPS)
}

/// The same with another limit. That there is an order is found soon; that there is none takes all combinations of
/// operations without an answer.
pub fn check_within(operations: &[Operation], order: Order, most_steps: u64) -> Result<(), Box<Violation>> {
    let mut operations: Vec<&Operation> = operations.iter().filter(|operation| counts(operation)).collect();
    operations.sort_by_key(|operation| operation.invoked);
    let unanswered = operations.iter().filter(|operation| operation.answered.is_none()).count();
    let mut steps_left = most_steps;
    let mut refused = None;
    // Few of those without an answer took effect: orders with few of them are tried first.
    for most_unanswered in 0..=unanswered {
        let search =
            Search { operations: &operations, order, most_unanswered, taken: Vec::new(), state: Register::default() };
        match search.run(&mut steps_left) {
            Ok(()) => return Ok(()),
            Err(violation) if violation.undecided => return Err(violation),
            Err(violation) => refused = Some(violation),
        }
    }
    Err(refused.expect("it is looked for once at least"))
}

/// What was not answered and could not change anything says nothing.
fn counts(operation: &Operation) -> bool {
    operation.answered.is_some() || !matches!(operation.call, Call::Read | Call::Row)
}

struct Search<'h> {
    /// In the order of asking.
    operations: &'h [&'h Operation],
    order: Order,
    /// How many without an answer may be placed.
    most_unanswered: usize,
    /// Which of them have their place.
    taken: Vec<u64>,
    state: Register,
}

/// A point to come back to.
struct Branch {
    taken: Vec<u64>,
    state: Register,
    choices: Vec<(usize, Register)>,
}

impl Search<'_> {
    fn run(mut self, steps_left: &mut u64) -> Result<(), Box<Violation>> {
        self.taken = vec![0; self.operations.len().div_ceil(64)];
        let mut seen = Seen::default();
        let mut branches: Vec<Branch> = Vec::new();
        let mut furthest = (0, self.taken.clone(), self.state);
        loop {
            self.observe();
            if self.complete() {
                return Ok(());
            }
            let placed = self.taken.iter().map(|word| word.count_ones() as usize).sum();
            if placed > furthest.0 {
                furthest = (placed, self.taken.clone(), self.state);
            }
            *steps_left = steps_left.saturating_sub(1);
            if *steps_left > 0 && seen.is_new(self.answered(true), self.answered(false), self.state) {
                let choices = self.changes();
                branches.push(Branch { taken: self.taken.clone(), state: self.state, choices });
            }
            let (index, state) = loop {
                let Some(branch) = branches.last_mut().filter(|_| *steps_left > 0) else {
                    (_, self.taken, self.state) = furthest;
                    return Err(Box::new(self.violation(*steps_left == 0)));
                };
                let Some(choice) = branch.choices.pop() else {
                    branches.pop();
                    continue;
                };
                self.taken.clone_from(&branch.taken);
                break choice;
            };
            self.take(index);
            self.state = state;
        }
    }

    /// Places every observation that fits now. Later is no better: it changes nothing, and nothing has to precede it.
    fn observe(&mut self) {
        loop {
            let fitting: Vec<usize> = self
                .candidates()
                .into_iter()
                .filter(|index| {
                    let operation = self.operations[*index];
                    let (state, answer) = self.state.step(operation.call);
                    state == self.state && operation.answered.is_some_and(|(_, told)| told == answer)
                })
                .collect();
            if fitting.is_empty() {
                return;
            }
            fitting.into_iter().for_each(|index| self.take(index));
        }
    }

    /// What could change the state next; the last one is tried first.
    fn changes(&self) -> Vec<(usize, Register)> {
        let unanswered: u32 = self.answered(false).iter().map(|word| word.count_ones()).sum();
        let more = (unanswered as usize) < self.most_unanswered;
        let fitting = self.candidates().into_iter().filter_map(|index| {
            let operation = self.operations[index];
            let (state, answer) = self.state.step(operation.call);
            let fits = operation.answered.map_or(more, |(_, told)| told == answer);
            (fits && state != self.state).then_some((index, state))
        });
        let mut fitting: Vec<_> = fitting.collect();
        // Those that must have happened first, the longest waiting first of all.
        fitting.sort_by_key(|(index, _)| match self.operations[*index].answered {
            Some((answered, _)) => std::cmp::Reverse((0, answered)),
            None => std::cmp::Reverse((1, self.operations[*index].invoked)),
        });
        fitting
    }

    /// What nothing without a place has to precede.
    fn candidates(&self) -> Vec<usize> {
        let full = self.taken.iter().take_while(|word| **word == u64::MAX).count() * 64;
        let waiting: Vec<usize> = (full..self.operations.len()).filter(|index| !self.is_taken(*index)).collect();
        let mut first_answer = u64::MAX;
        let mut first_change = u64::MAX;
        let mut first_of_node: BTreeMap<u64, u64> = BTreeMap::new();
        for operation in waiting.iter().map(|index| self.operations[*index]) {
            let Some((answered, answer)) = operation.answered else { continue };
            first_answer = first_answer.min(answered);
            match operation.node {
                _ if self.order == Order::Strict || !answer.observes() => first_change = first_change.min(answered),
                Some(node) => {
                    let first = first_of_node.entry(node).or_insert(u64::MAX);
                    *first = answered.min(*first);
                }
                None => {}
            }
        }
        let may = |index: &usize| {
            let operation = self.operations[*index];
            let observes = operation.answered.is_some_and(|(_, answer)| answer.observes());
            let bound = match (observes, operation.node) {
                (true, Some(node)) => first_change.min(first_of_node.get(&node).copied().unwrap_or(u64::MAX)),
                (true, None) => first_change,
                (false, _) => first_answer,
            };
            operation.invoked <= bound
        };
        waiting.into_iter().filter(may).collect()
    }

    fn complete(&self) -> bool {
        (0..self.operations.len()).all(|index| self.is_taken(index) || self.operations[index].answered.is_none())
    }

    /// Of those with a place, the ones with an answer or the ones without.
    fn answered(&self, with: bool) -> Vec<u64> {
        let mut taken = self.taken.clone();
        for (index, operation) in self.operations.iter().enumerate() {
            if operation.answered.is_some() != with {
                taken[index / 64] &= !(1 << (index % 64));
            }
        }
        taken
    }

    fn is_taken(&self, index: usize) -> bool {
        self.taken[index / 64] & (1 << (index % 64)) != 0
    }

    fn take(&mut self, index: usize) {
        self.taken[index / 64] |= 1 << (index % 64);
    }

    fn violation(&self, undecided: bool) -> Violation {
        let next = self.candidates().into_iter().map(|index| self.operations[index].clone()).collect();
        let placed = self.taken.iter().map(|word| word.count_ones() as usize).sum();
        Violation { placed, state: self.state, next, undecided }
    }
}

/// Dead ends: for a set of answered operations and a state, the sets of unanswered ones that had been used.
#[derive(Default)]
struct Seen(HashMap<(Vec<u64>, Register), Vec<Vec<u64>>>);

impl Seen {
    /// Whether no point is known with the same outcome for no more unanswered operations.
    fn is_new(&mut self, answered: Vec<u64>, used: Vec<u64>, state: Register) -> bool {
        let within = |less: &[u64], more: &[u64]| less.iter().zip(more).all(|(less, more)| less & !more == 0);
        let known = self.0.entry((answered, state)).or_default();
        if known.iter().any(|less| within(less, &used)) {
            return false;
        }
        known.retain(|more| !within(&used, more));
        known.push(used);
        true
    }
}
