//! Rotation policies, and the secrets attached to them in the order in which something is to be done about them.
//!
//! Times stand in ordered sets, so that the next moment is known without looking at the secrets, and what is due is
//! found in the order of its moments. A change of a secret moves its own line; a change of a policy's schedule, or a
//! rotation that secrets keep away from, moves the lines of that policy.

mod history;
pub mod item;
mod lines;

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::context::AttachedTo;
use scaivault_domain::rotation::{RotationPolicy, RotationPolicyEvent, RotationPolicyId, RotationPolicyReference};
use scaivault_domain::secret::Secret;
use scaivault_domain::secret_policy::PolicyUid;
use scaivault_domain::{Owner, SecretPath, Timestamp, slug};
use scaivault_eventstore::Revision;

use crate::secrets::{Catalogue, Held};

pub use history::{HistoryRow, Outcome};
pub use lines::{Line, Lines};

/// The rotation policies of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Rotations {
    owners: HashMap<Owner, RotationSet>,
    nothing: RotationSet,
    /// When there is something to do next, by policy.
    next: OrdSet<(Timestamp, Owner, PolicyUid)>,
}

/// The rotation policies of one tenant.
#[derive(Clone, Debug, Default)]
pub struct RotationSet {
    policies: OrdMap<RotationPolicyId, Arc<RotationPolicy>>,
    /// By name as it is compared.
    names: OrdMap<Arc<str>, RotationPolicyId>,
    ids: HashMap<PolicyUid, RotationPolicyId>,
    lines: HashMap<PolicyUid, Lines>,
    history: HashMap<PolicyUid, history::History>,
    /// When those that are gone went: what was attached to them before was so for as long.
    ended: HashMap<PolicyUid, Timestamp>,
    /// Policies that keep away from the rotations of a path.
    distant: HashMap<SecretPath, OrdSet<PolicyUid>>,
    /// Secrets with a replaced version whose consumers are waited for, by the end of its grace period.
    handovers: OrdSet<(Timestamp, SecretPath)>,
    revision: Revision,
}

impl RotationSet {
    /// Revision of the stream of policy events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// A policy.
    pub fn get(&self, id: &RotationPolicyId) -> Option<&Arc<RotationPolicy>> {
        self.policies.get(id)
    }

    /// The policy that is meant, unless it is gone.
    pub fn referred(&self, reference: &RotationPolicyReference) -> Option<&Arc<RotationPolicy>> {
        self.policies.get(&reference.id).filter(|policy| policy.uid == reference.uid)
    }

    /// The policy that a secret is attached to.
    pub fn of_secret(&self, secret: &Secret) -> Option<&Arc<RotationPolicy>> {
        self.referred(&secret.attachment.as_ref()?.policy)
    }

    /// The id of the policy that a secret is attached to, if that is there now, or was at another moment.
    pub fn named_by<'s>(&self, secret: &'s Secret, at: Option<Timestamp>) -> Option<&'s str> {
        let reference = &secret.attachment.as_ref()?.policy;
        let was_there = |at: Timestamp| self.ended.get(&reference.uid).is_some_and(|end| *end > at);
        (self.referred(reference).is_some() || at.is_some_and(was_there)).then_some(reference.id.as_str())
    }

    /// Policies that are gone, and when they went.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (PolicyUid, Timestamp)> {
        self.ended.iter().map(|(uid, end)| (*uid, *end))
    }

    /// Whether another policy than `except` has a name, or its slug.
    pub fn is_taken(&self, name: &str, except: Option<&RotationPolicyId>) -> bool {
        let is_other = |id: &RotationPolicyId| Some(id) != except;
        let named = self.names.get(slug::folded(name).as_str()).filter(|id| is_other(id));
        // The slug of an existing policy is that of the name it was made with.
        let slugged = RotationPolicyId::of_name(name).filter(|id| is_other(id) && self.policies.contains_key(id));
        let renamed = || {
            let wanted = slug::slug(name);
            let others = self.policies.values().filter(|policy| is_other(&policy.id));
            others.into_iter().any(|policy| slug::slug(&policy.content.name) == wanted)
        };
        named.is_some() || slugged.is_some() || renamed()
    }

    /// All policies by name, after a name as it is compared.
    pub fn by_name(&self, after: Option<&str>) -> impl Iterator<Item = (&Arc<str>, &Arc<RotationPolicy>)> {
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let names = self.names.range::<_, str>((start, std::ops::Bound::Unbounded));
        names.filter_map(|(name, id)| Some((name, self.policies.get(id)?)))
    }

    /// Policies that use a secret policy, by id.
    pub fn using(&self, secret_policy: PolicyUid) -> impl Iterator<Item = &Arc<RotationPolicy>> {
        let uses = move |policy: &&Arc<RotationPolicy>| {
            policy.content.secret_policy.as_ref().is_some_and(|reference| reference.uid == secret_policy)
        };
        self.policies.values().filter(uses)
    }

    /// The secrets attached to a policy.
    pub fn lines(&self, policy: &RotationPolicy) -> Option<&Lines> {
        self.lines.get(&policy.uid)
    }

    /// The policy of that uid.
    pub fn identified(&self, uid: PolicyUid) -> Option<&Arc<RotationPolicy>> {
        self.policies.get(self.ids.get(&uid)?)
    }

    /// What became of rotations under a policy, newest first.
    pub fn history(&self, policy: &RotationPolicy) -> impl Iterator<Item = &HistoryRow> {
        self.history_before(policy, u64::MAX)
    }

    /// The same, of records before a position.
    pub fn history_before(&self, policy: &RotationPolicy, position: u64) -> impl Iterator<Item = &HistoryRow> {
        self.history.get(&policy.uid).into_iter().flat_map(move |history| history.newest_first(position))
    }

    /// Secrets with a handover that is not over, by its regular end.
    pub fn handovers(&self) -> impl Iterator<Item = &SecretPath> {
        self.handovers.iter().map(|(_, path)| path)
    }

    /// The policy that a secret is attached to, with what else its schedule rests on.
    pub fn attached_to(&self, catalogue: &Catalogue, secret: &Secret) -> Option<AttachedTo> {
        let policy = self.of_secret(secret)?.clone();
        let paired = self.paired(catalogue, &policy, &secret.path);
        Some(AttachedTo { policy, paired })
    }

    /// Whether a secret keeps away from the rotations of others, or others from its.
    pub fn keeps_away(&self, policy: &RotationPolicy, path: &SecretPath) -> bool {
        policy.content.min_distance.is_some() || self.distant.get(path).is_some_and(|policies| !policies.is_empty())
    }

    /// The last rotation that a secret keeps away from.
    fn paired(&self, catalogue: &Catalogue, policy: &RotationPolicy, path: &SecretPath) -> Option<Timestamp> {
        let other = &policy.content.min_distance.as_ref()?.path;
        match other == path {
            // From those of all others under the policy.
            true => self.lines.get(&policy.uid)?.last_rotation_but(path),
            false => catalogue.held(other.as_str())?.secret.rotated_at,
        }
    }

    fn draw(&mut self, catalogue: &Catalogue, policy: &Arc<RotationPolicy>, secret: &Secret) {
        let paired = self.paired(catalogue, policy, &secret.path);
        let line = Line::of(secret, &AttachedTo { policy: policy.clone(), paired });
        self.lines.entry(policy.uid).or_default().enter(secret.path.clone(), line);
    }

    fn redraw_all(&mut self, catalogue: &Catalogue, policy: &Arc<RotationPolicy>) {
        let paths: Vec<SecretPath> = self.lines.get(&policy.uid).into_iter().flat_map(Lines::paths).cloned().collect();
        for path in paths {
            if let Some(held) = catalogue.held(path.as_str()) {
                self.draw(catalogue, policy, &held.secret);
            }
        }
    }

    /// Policies that a change of `path` concerns, `before` being what was there.
    fn secret_changed(&mut self, catalogue: &Catalogue, path: &SecretPath, before: Option<&Secret>) -> Vec<PolicyUid> {
        let after = catalogue.held(path.as_str()).map(|held| held.secret.clone());
        let mut concerned = Vec::new();
        if let Some(policy) = before.and_then(|secret| self.of_secret(secret)).cloned() {
            if let Some(lines) = self.lines.get_mut(&policy.uid) {
                lines.remove(path);
            }
            concerned.push(policy.uid);
        }
        for end in before.into_iter().flat_map(handover_end) {
            self.handovers.remove(&(end, path.clone()));
        }
        if let Some(secret) = after.as_deref() {
            if let Some(policy) = self.of_secret(secret).cloned() {
                self.draw(catalogue, &policy, secret);
                concerned.push(policy.uid);
            }
            for end in handover_end(secret) {
                self.handovers.insert((end, path.clone()));
            }
        }
        let rotated_at = |secret: Option<&Secret>| secret.and_then(|secret| secret.rotated_at);
        let (was, is) = (rotated_at(before), rotated_at(after.as_deref()));
        if was != is {
            concerned.extend(self.keep_distance(catalogue, path, is.filter(|is| was.is_none_or(|was| was < *is))));
        }
        // The path that a policy names may be attached to it as well, and then keeps away from all others.
        for policy in concerned.iter().filter_map(|uid| self.identified(*uid).cloned()).collect::<Vec<_>>() {
            if let Some(distance) = policy.content.min_distance.as_ref().filter(|distance| distance.path != *path)
                && let Some(held) = catalogue.held(distance.path.as_str())
                && self.of_secret(&held.secret).is_some_and(|of| of.uid == policy.uid)
            {
                self.draw(catalogue, &policy, &held.secret);
            }
        }
        concerned
    }

    /// Moves what keeps away from the rotations of a path: if it was rotated `later`, that which is due too early then.
    fn keep_distance(&mut self, catalogue: &Catalogue, path: &SecretPath, later: Option<Timestamp>) -> Vec<PolicyUid> {
        let distant: Vec<PolicyUid> = self.distant.get(path).into_iter().flatten().copied().collect();
        for policy in distant.iter().filter_map(|uid| self.identified(*uid).cloned()).collect::<Vec<_>>() {
            let distance = policy.content.min_distance.as_ref().map_or(0, |distance| distance.duration.seconds());
            match later {
                None => self.redraw_all(catalogue, &policy),
                Some(later) => {
                    let free = later.plus_seconds(distance);
                    let lines = self.lines.get(&policy.uid).into_iter().flat_map(Lines::by_due);
                    let early = lines.take_while(|(due_at, _)| *due_at < free).map(|(_, path)| path.clone());
                    for path in early.collect::<Vec<_>>() {
                        if let Some(held) = catalogue.held(path.as_str()) {
                            self.draw(catalogue, &policy, &held.secret);
                        }
                    }
                }
            }
        }
        distant
    }

    fn hold(&mut self, policy: Arc<RotationPolicy>) {
        self.names.insert(slug::folded(&policy.content.name).into(), policy.id.clone());
        self.ids.insert(policy.uid, policy.id.clone());
        if let Some(distance) = &policy.content.min_distance {
            self.distant.entry(distance.path.clone()).or_default().insert(policy.uid);
        }
        self.policies.insert(policy.id.clone(), policy);
    }

    fn take_out(&mut self, policy: &RotationPolicy) {
        self.names.remove(slug::folded(&policy.content.name).as_str());
        if let Some(distance) = &policy.content.min_distance
            && let Some(uids) = self.distant.get_mut(&distance.path)
        {
            uids.remove(&policy.uid);
        }
    }
}

impl Rotations {
    /// Those of a tenant.
    pub fn of(&self, owner: &Owner) -> &RotationSet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// Policies under which there may be something to do at `now`.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (&Owner, &Arc<RotationPolicy>, &Lines)> {
        let due = self.next.iter().take_while(move |(at, _, _)| *at <= now);
        due.filter_map(|(_, owner, uid)| {
            let set = self.owners.get(owner)?;
            Some((owner, set.identified(*uid)?, set.lines.get(uid)?))
        })
    }

    /// How many secrets are due, or overdue.
    pub fn queue(&self, now: Timestamp) -> usize {
        let lines = self.owners.values().flat_map(|set| set.lines.values());
        lines.map(|lines| lines.by_due().take_while(|(due_at, _)| *due_at <= now).count()).sum()
    }

    /// All tenants that ever had some.
    pub fn all(&self) -> impl Iterator<Item = (&Owner, &RotationSet)> {
        self.owners.iter()
    }

    /// What a change of a secret leads to, `before` being what was there. Most secrets are attached to nothing.
    pub(crate) fn secret_changed(
        &mut self,
        owner: &Owner,
        catalogue: &Catalogue,
        path: &SecretPath,
        before: Option<&Arc<Held>>,
    ) {
        let is_attached = |held: &Arc<Held>| is_concerned(&held.secret);
        let concerns = before.is_some_and(is_attached)
            || catalogue.held(path.as_str()).is_some_and(is_attached)
            || self.of(owner).distant.contains_key(path);
        let Some(set) = self.owners.get_mut(owner).filter(|_| concerns) else { return };
        let concerned = set.secret_changed(catalogue, path, before.map(|held| held.secret.as_ref()));
        concerned.into_iter().for_each(|uid| self.note_next(owner, uid));
    }

    pub(crate) fn fold(
        &mut self,
        owner: &Owner,
        catalogue: &Catalogue,
        event: RotationPolicyEvent,
        at: Timestamp,
        revision: Revision,
    ) {
        let set = self.owners.entry(owner.clone()).or_default();
        set.revision = revision;
        let uid = match event {
            RotationPolicyEvent::Created { id, uid, content } => {
                let policy = RotationPolicy {
                    id,
                    uid,
                    content,
                    is_active: true,
                    created_at: at,
                    updated_at: at,
                    scheduled_since: at,
                };
                set.hold(Arc::new(policy));
                return;
            }
            RotationPolicyEvent::Updated { id, content, is_active } => {
                let Some(held) = set.policies.get(&id).cloned() else { return };
                set.take_out(&held);
                let scheduled_since = if content.schedules_as(&held.content) { held.scheduled_since } else { at };
                let policy = Arc::new(RotationPolicy {
                    content,
                    is_active,
                    updated_at: at,
                    scheduled_since,
                    ..RotationPolicy::clone(&held)
                });
                set.hold(policy.clone());
                if !moves_nothing(&held, &policy) {
                    set.redraw_all(catalogue, &policy);
                }
                policy.uid
            }
            RotationPolicyEvent::Deleted { id } => {
                let Some(held) = set.policies.remove(&id) else { return };
                set.take_out(&held);
                set.ids.remove(&held.uid);
                set.history.remove(&held.uid);
                set.ended.insert(held.uid, at);
                let lines = set.lines.remove(&held.uid);
                if let Some(next) = lines.and_then(|lines| lines.noted) {
                    self.next.remove(&(next, owner.clone(), held.uid));
                }
                return;
            }
        };
        self.note_next(owner, uid);
    }

    /// Notes what became of a rotation.
    pub(crate) fn remember(&mut self, owner: &Owner, policy: &RotationPolicyReference, row: HistoryRow) {
        if let Some(set) = self.owners.get_mut(owner)
            && set.referred(policy).is_some()
        {
            set.history.entry(policy.uid).or_default().push(row);
        }
    }

    /// Enters a policy as it is.
    pub(crate) fn hold(&mut self, owner: &Owner, policy: RotationPolicy) {
        self.owners.entry(owner.clone()).or_default().hold(Arc::new(policy));
    }

    /// Enters that a policy is gone.
    pub(crate) fn hold_ended(&mut self, owner: &Owner, uid: PolicyUid, end: Timestamp) {
        self.owners.entry(owner.clone()).or_default().ended.insert(uid, end);
    }

    /// Sets the revision of a tenant's stream.
    pub(crate) fn restore_revision(&mut self, owner: &Owner, revision: Revision) {
        self.owners.entry(owner.clone()).or_default().revision = revision;
    }

    /// Draws the lines of all attached secrets, once all of them are there.
    pub(crate) fn draw_all<'c>(&mut self, catalogues: impl Iterator<Item = (&'c Owner, &'c Catalogue)>) {
        for (owner, catalogue) in catalogues {
            let Some(set) = self.owners.get_mut(owner) else { continue };
            for held in catalogue.all().filter(|held| is_concerned(&held.secret)) {
                set.secret_changed(catalogue, &held.secret.path, None);
            }
            let uids: Vec<PolicyUid> = set.ids.keys().copied().collect();
            uids.into_iter().for_each(|uid| self.note_next(owner, uid));
        }
    }

    /// Lets go of those of other owners, in a view that nothing is scheduled by.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Owner) -> bool) {
        self.owners.retain(|owner, _| is_kept(owner));
        self.next.clear();
    }

    /// Forgets those of an owner.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        let Some(set) = self.owners.remove(owner) else { return };
        for (uid, lines) in &set.lines {
            if let Some(next) = lines.noted {
                self.next.remove(&(next, owner.clone(), *uid));
            }
        }
    }

    fn note_next(&mut self, owner: &Owner, uid: PolicyUid) {
        let Some(lines) = self.owners.get_mut(owner).and_then(|set| set.lines.get_mut(&uid)) else { return };
        let next = lines.next();
        if next == lines.noted {
            return;
        }
        if let Some(before) = std::mem::replace(&mut lines.noted, next) {
            self.next.remove(&(before, owner.clone(), uid));
        }
        if let Some(next) = next {
            self.next.insert((next, owner.clone(), uid));
        }
    }
}

/// Whether the lines of a policy's secrets stand as they did.
fn moves_nothing(before: &RotationPolicy, after: &RotationPolicy) -> bool {
    before.is_active == after.is_active
        && before.content.schedules_as(&after.content)
        && before.content.auto_generate == after.content.auto_generate
        && before.content.grace_period.seconds() == after.content.grace_period.seconds()
}

/// Whether there is anything about a secret to be kept here.
fn is_concerned(secret: &Secret) -> bool {
    secret.attachment.is_some() || secret.handovers().next().is_some()
}

/// Ends of grace periods whose consumers are waited for.
fn handover_end(secret: &Secret) -> Vec<Timestamp> {
    let open = secret.handovers().filter(|(_, handover)| !handover.told_end);
    open.filter_map(|(version, _)| version.grace_ends_at).collect()
}
