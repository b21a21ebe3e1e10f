//! Access policies: rules bound to identities. Rules only allow; what no rule allows is denied.
//!
//! [`permitting`] decides, [`explain`] tells why not: pure functions of the [`Candidates`] of a caller
//! and of what is [`Asked`]. Candidates are compiled once after a change, and shared.

pub mod compiled;
pub mod condition;
pub mod decide;
pub mod evaluation;
pub mod event;
pub mod record;
pub mod replay;
pub mod rule;
pub mod window;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::BindingId;
use crate::path::MAX_LENGTH;
use crate::{IdentityId, PolicyId, Timestamp};

pub use condition::{Condition, Conditions};
pub use evaluation::{
    Asked, Bound, Candidates, Denied, EvaluatedRule, Granted, Subject, evaluate, explain, permitting,
};
pub use event::PolicyEvent;
pub use record::Recollection;
pub use rule::{Permissions, Rule};
pub use window::TimeWindow;

/// Longest name, in characters.
pub const MAX_NAME: usize = 128;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1_024;
/// Most rules.
pub const MAX_RULES: usize = 100;

/// Whether a text is a system path: `@dynamic/<engine>/creds/<role>` or `@pki/issue/<role>`.
pub fn system_path(text: &str) -> bool {
    let plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let segments: Vec<&str> = text.split('/').collect();
    let named = match segments.as_slice() {
        ["@dynamic", engine, "creds", role] => plain(engine) && plain(role),
        ["@pki", "issue", role] => plain(role),
        _ => false,
    };
    named && text.len() <= MAX_LENGTH
}

/// A policy at one of its revisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `pol_…`; those made later sort later.
    pub id: PolicyId,
    /// 1 at creation, one more with every change of what follows.
    pub revision: u64,
    /// What it says.
    pub content: Content,
    /// When it was made.
    pub created_at: Timestamp,
    /// When this revision was.
    pub updated_at: Timestamp,
}

/// What a revision of a policy says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Unique in its tenant or partner.
    pub name: Arc<str>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// In the order given.
    pub rules: Vec<Rule>,
    /// An inactive policy grants nothing.
    pub is_active: bool,
}

/// A policy bound to an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// `bnd_…`.
    pub id: BindingId,
    /// The policy.
    pub policy_id: PolicyId,
    /// To whom.
    pub identity: IdentityId,
    /// From when on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
