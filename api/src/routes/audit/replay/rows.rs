//! The rows of an answer.

use scaivault_domain::access::{Permission, Target};
use scaivault_domain::policy::Conditions;
use scaivault_domain::secret::metadata::Flat;
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Rejection, Role, Timestamp};
use scaivault_projections::grants::{Grant, GrantKey, Grants, Through};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::Then;
use super::question::{Question, What};
use crate::call::Stop;
use crate::routes::policies::owners;
use crate::routes::policies::view::PolicyView;
use crate::routes::secrets::view::current_type;

/// A question with the state it is about, from a row on.
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) then: Then,
    pub(super) question: Question,
    pub(super) identity: Option<IdentityId>,
    pub(super) after: Option<String>,
}

/// An answer.
#[derive(Serialize)]
pub(super) struct Body {
    at: Timestamp,
    position: u64,
    what: &'static str,
    #[serde(flatten)]
    rows: Rows,
    cursor: Option<String>,
    has_more: bool,
}

/// Its rows, in an array with a name of its own.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Rows {
    Policies(Vec<Box<RawValue>>),
    Secrets(Vec<Box<RawValue>>),
    Identities(Vec<Box<RawValue>>),
}

#[derive(Serialize)]
struct SecretRow<'a> {
    path: &'a str,
    secret_type: &'static str,
    version: Option<u32>,
    metadata: Flat<'a>,
    rotation_policy_id: Option<&'a str>,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct AccessRow<'a> {
    identity_id: &'a IdentityId,
    identity_type: IdentityType,
    path: &'a str,
    permission: Permission,
    policy_id: Option<&'a str>,
    policy_name: Option<&'a str>,
    binding_id: Option<&'a str>,
    rule_index: Option<usize>,
    via_group: Option<&'a IdentityId>,
    role: Option<Role>,
    conditions: Conditions,
}

impl Body {
    pub(super) fn with_cursor(self, cursor: Option<String>) -> Self {
        Self { has_more: cursor.is_some(), cursor, ..self }
    }
}

impl Asked {
    /// The page, and the key of its last row if more follow. Takes as long as there is much of it.
    pub(super) fn answer(&self) -> Result<(Body, Option<String>), Stop> {
        match self.question.what {
            What::Policies => self.policies(),
            What::Secrets => self.secrets(),
            What::Access => self.access(),
        }
    }

    /// Policies of the tenant and its partner, newest first.
    fn policies(&self) -> Result<(Body, Option<String>), Stop> {
        let owners = owners(&self.target);
        let policies = &self.then.view.policies;
        let mut rows: Vec<_> = owners
            .iter()
            .flat_map(|owner| policies.of(owner).newest_first().map(move |held| (owner, held.as_ref())))
            .filter(|(_, held)| self.after.as_deref().is_none_or(|after| held.policy.id.as_str() < after))
            .collect();
        rows.sort_by(|(_, one), (_, other)| other.policy.id.cmp(&one.policy.id));
        let (rows, last) = self.page(rows, |(_, held)| Ok(held.policy.id.to_string()))?;
        let shown = |(owner, held)| to_raw_value(&PolicyView::as_of(owner, held, self.then.at));
        Ok((self.body(Rows::Policies(rows.into_iter().map(shown).collect::<Result<_, _>>()?)), last))
    }

    /// Secrets of the tenant by path, soft-deleted ones included.
    fn secrets(&self) -> Result<(Body, Option<String>), Stop> {
        let catalogue = self.then.view.secrets(&self.target.owner);
        let found = catalogue.with_prefix_after(&self.question.path_prefix, self.after.as_deref());
        let settled = found.filter_map(|(path, _)| catalogue.settled(path, self.then.at));
        let rows = settled.map(|settled| settled.secret).take(self.question.limit + 1).collect();
        let (rows, last) = self.page(rows, |secret| Ok(secret.path.to_string()))?;
        let rotations = self.then.view.rotations.of(&self.target.owner);
        let shown = rows.iter().map(|secret| {
            to_raw_value(&SecretRow {
                path: secret.path.as_str(),
                secret_type: current_type(secret),
                version: secret.current_number(),
                metadata: secret.metadata.flat(),
                rotation_policy_id: rotations.named_by(secret, None),
                expires_at: secret.expires_at(),
                created_at: secret.created_at,
                updated_at: secret.updated_at,
                deleted_at: secret.deleted.map(|deletion| deletion.deleted_at),
            })
        });
        Ok((self.body(Rows::Secrets(shown.collect::<Result<_, _>>()?)), last))
    }

    /// Who could use a permission on a path, or on which paths an identity could.
    fn access(&self) -> Result<(Body, Option<String>), Stop> {
        let Question { path, permission, limit, .. } = &self.question;
        let grants = Grants::new(&self.then.view, &self.target, self.then.at, *permission);
        let (rows, last) = match (path, &self.identity) {
            (None, Some(identity)) => {
                let found = grants.of_identity(identity, self.after.as_deref(), limit + 1);
                self.page(found, |grant| Ok(grant.path.to_string()))?
            }
            (path, identity) => {
                let after = self.after.as_deref().map(serde_json::from_str::<GrantKey>).transpose();
                let after =
                    after.map_err(|_| Rejection::new(ErrorCode::InvalidCursor, "The cursor is from another query"))?;
                let path = path.as_deref().unwrap_or_default();
                let found = grants.on_path(path, identity.as_ref(), after.as_ref(), limit + 1);
                self.page(found, |grant| serde_json::to_string(&grant.key()))?
            }
        };
        let shown = rows.iter().map(|grant| to_raw_value(&access_row(grant, *permission)));
        Ok((self.body(Rows::Identities(shown.collect::<Result<_, _>>()?)), last))
    }

    /// The rows of the page, and the key of the last one if more follow.
    fn page<T>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> Result<String, serde_json::Error>,
    ) -> Result<(Vec<T>, Option<String>), Stop> {
        let has_more = rows.len() > self.question.limit;
        rows.truncate(self.question.limit);
        let last = rows.last().filter(|_| has_more).map(key).transpose()?;
        Ok((rows, last))
    }

    fn body(&self, rows: Rows) -> Body {
        let Then { at, position, .. } = self.then;
        Body { at, position: position.0, what: self.question.what.as_str(), rows, cursor: None, has_more: false }
    }
}

fn access_row(grant: &Grant, permission: Permission) -> AccessRow<'_> {
    let of_nothing = AccessRow {
        identity_id: &grant.identity,
        identity_type: grant.identity.kind(),
        path: &grant.path,
        permission,
        policy_id: None,
        policy_name: None,
        binding_id: None,
        rule_index: None,
        via_group: None,
        role: None,
        conditions: grant.rule().map(|rule| rule.conditions.clone()).unwrap_or_default(),
    };
    match &grant.through {
        Through::Role(role) => AccessRow { role: Some(*role), ..of_nothing },
        Through::Rule { policy, rule_index, binding, via_group } => AccessRow {
            policy_id: Some(policy.id.as_str()),
            policy_name: Some(&policy.content.name),
            binding_id: Some(binding.as_str()),
            rule_index: Some(*rule_index),
            via_group: via_group.as_ref(),
            ..of_nothing
        },
    }
}
