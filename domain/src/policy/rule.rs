//! One rule: permissions on the paths of a pattern, under conditions.

use serde::{Deserialize, Serialize};

use super::Conditions;
use crate::Pattern;
use crate::access::Permission;

/// What a policy allows, in one of its rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// On which paths.
    pub path_pattern: Pattern,
    /// What, in the order given.
    pub permissions: Vec<Permission>,
    /// When. All of them must hold.
    #[serde(default)]
    pub conditions: Conditions,
}

impl Rule {
    /// The permissions as a set.
    pub fn permitted(&self) -> Permissions {
        self.permissions.iter().copied().collect()
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Whether the set grants `permission`: by itself, or through `admin`.
    pub fn grants(self, permission: Permission) -> bool {
        self.0 & (bit(permission) | bit(Permission::Admin)) != 0
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | bit(permission)))
    }
}

fn bit(permission: Permission) -> u8 {
    1 << permission as u8
}
