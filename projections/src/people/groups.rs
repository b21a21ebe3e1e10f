//! Groups of one tenant: who is in which, nested ones included.

use std::collections::BTreeSet;
use std::sync::Arc;

use scaivault_domain::IdentityId;
use scaivault_domain::directory::{Group, Membership, Status};
use scaivault_domain::id::{GroupId, UserId};

use super::{HeldUser, People};

/// A user in a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// The user.
    pub user: Arc<HeldUser>,
    /// Its membership, in the group itself or in one nested in it.
    pub membership: Arc<Membership>,
    /// Whether it is in the group itself.
    pub is_direct: bool,
}

impl People {
    /// A group.
    pub fn group(&self, id: &GroupId) -> Option<&Arc<Group>> {
        self.groups.get(id)
    }

    /// The group that is that identity.
    pub fn group_named(&self, identity: &IdentityId) -> Option<&Arc<Group>> {
        self.groups.get(self.group_ids.get(identity)?)
    }

    /// All groups.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// Groups a user is in, nested ones included; those that do not count are left out, with what is
    /// reached through them alone.
    pub fn groups_of(&self, user: &UserId) -> Vec<&Arc<Group>> {
        self.reached(self.joined(user).collect())
    }

    /// Groups, and those they are nested in, that count.
    fn reached<'a>(&'a self, mut next: Vec<&'a GroupId>) -> Vec<&'a Arc<Group>> {
        let mut found: BTreeSet<&GroupId> = BTreeSet::new();
        let mut groups = Vec::new();
        while let Some(id) = next.pop() {
            let counts = |group: &&Arc<Group>| group.status == Status::Active;
            let Some(group) = self.groups.get(id).filter(counts) else { continue };
            if found.insert(&group.id) {
                next.extend(&group.parent_ids);
                groups.push(group);
            }
        }
        groups.sort_by(|one, other| one.identity.cmp(&other.identity));
        groups
    }

    /// Groups a user is itself in.
    pub fn joined(&self, user: &UserId) -> impl Iterator<Item = &GroupId> {
        self.joined.get(user).into_iter().flatten()
    }

    /// Groups that a group is nested in, that count.
    pub fn outer<'a>(&'a self, group: &'a Group) -> Vec<&'a Arc<Group>> {
        self.reached(group.parent_ids.iter().collect())
    }

    /// A user's membership in a group itself, ended ones included.
    pub fn membership(&self, group: &GroupId, user: &UserId) -> Option<&Arc<Membership>> {
        self.members.get(&(group.clone(), user.clone()))
    }

    /// Memberships, ended ones included.
    pub fn memberships(&self) -> impl Iterator<Item = &Arc<Membership>> {
        self.members.values()
    }

    /// Users in a group and in those nested in it, each once, that count.
    pub fn members(&self, group: &GroupId) -> Vec<Member> {
        let mut inside: BTreeSet<GroupId> = BTreeSet::from([group.clone()]);
        // Nesting is shallow, and there are few groups: as often as something was found.
        loop {
            let nested = self.groups.values().filter(|other| other.status == Status::Active);
            let nested = nested.filter(|other| other.parent_ids.iter().any(|parent| inside.contains(parent)));
            let found: Vec<GroupId> = nested.map(|other| other.id.clone()).filter(|id| !inside.contains(id)).collect();
            if found.is_empty() {
                break;
            }
            inside.extend(found);
        }
        inside.remove(group);
        let mut seen: BTreeSet<UserId> = BTreeSet::new();
        let mut members = Vec::new();
        for id in std::iter::once(group).chain(&inside) {
            for membership in self.members_of(id) {
                let user = self.users.get(&membership.user_id).filter(|held| held.user.status != Status::Deleted);
                if let Some(user) = user.filter(|_| seen.insert(membership.user_id.clone())) {
                    let is_direct = id == group;
                    members.push(Member { user: user.clone(), membership: membership.clone(), is_direct });
                }
            }
        }
        members
    }

    fn members_of(&self, group: &GroupId) -> impl Iterator<Item = &Arc<Membership>> {
        let from = UserId::parse("usr_0").map(|first| (group.clone(), first));
        let of_group = from.into_iter().flat_map(|from| self.members.range(from..));
        let mine = of_group.take_while(move |((id, _), _)| id == group).map(|(_, membership)| membership);
        mine.filter(|membership| membership.is_member)
    }

    /// Enters a group as it is.
    pub(crate) fn hold_group(&mut self, group: Group) {
        let Group { id, identity, status, .. } = &group;
        if let Some(before) = self.groups.get(id).filter(|before| before.identity != *identity)
            && self.group_ids.get(&before.identity) == Some(id)
        {
            self.group_ids.remove(&before.identity.clone());
        }
        let other = self.group_named(identity).filter(|other| other.id != *id);
        if *status != Status::Deleted || other.is_none_or(|other| other.status == Status::Deleted) {
            self.group_ids.insert(identity.clone(), id.clone());
        }
        self.groups.insert(id.clone(), Arc::new(group));
    }

    /// Enters a membership as it is.
    pub(crate) fn hold_membership(&mut self, membership: Membership) {
        let Membership { group_id, user_id, is_member, .. } = &membership;
        let joined = self.joined.entry(user_id.clone()).or_default();
        match is_member {
            true => _ = joined.insert(group_id.clone()),
            false => _ = joined.remove(group_id),
        }
        self.members.insert((group_id.clone(), user_id.clone()), Arc::new(membership));
    }
}
