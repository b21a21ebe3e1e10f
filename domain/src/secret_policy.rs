//! Secret policies: recipes that generate values.
//!
//! A recipe is data. What it makes is drawn from [`Randomness`] that is handed in; what takes cryptography besides is
//! asked of a [`Forge`]. Values are wiped when dropped, and are in no event, message or debug output.

pub mod alphabet;
pub mod catalogue;
pub mod counting;
pub mod data;
pub mod decide;
pub mod dice;
pub mod drawing;
pub mod event;
pub mod field;
pub mod forge;
pub mod generator;
mod natural;
pub mod reading;
pub mod reference;
pub mod template;
pub mod text;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::secret::SecretType;
use crate::{ErrorCode, Rejection, Timestamp};

pub use alphabet::{Alphabet, Charset, Class, Letters, Required};
pub use dice::{Dice, Randomness};
pub use drawing::{Drawn, DrawnField};
pub use event::SecretPolicyEvent;
pub use field::Field;
pub use forge::{Forge, KeyPair, Unmade};
pub use generator::Generator;
pub use reference::{PolicyUid, SecretPolicyId, SecretPolicyReference};

/// Longest name, in characters.
pub const MAX_NAME: usize = 100;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1_000;
/// Most fields.
pub const MAX_FIELDS: usize = 20;
/// Most fields that are key pairs, which take long to make.
pub const MAX_KEY_PAIRS: usize = 4;

/// A secret policy as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPolicy {
    /// `sp_` and the slug of the name it was made with.
    pub id: SecretPolicyId,
    /// Tells it from others that had its id before, or will have it.
    pub uid: PolicyUid,
    /// What it says.
    pub content: Content,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a secret policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Unique in its tenant, ignoring case, and by slug.
    pub name: Arc<str>,
    /// For people.
    #[serde(default)]
    pub description: Arc<str>,
    /// What it is for.
    pub policy_type: PolicyType,
    /// What it makes, in the order given.
    pub fields: Vec<Field>,
    /// An inactive policy generates nothing.
    pub is_active: bool,
}

/// What a policy is for: a hint for people that restricts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyType {
    /// A password.
    Password,
    /// A key of an API, perhaps with its secret.
    ApiKey,
    /// A client of OAuth.
    OauthClient,
    /// A key pair of SSH.
    SshKey,
    /// Anything.
    Custom,
}

impl PolicyType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Password, Self::ApiKey, Self::OauthClient, Self::SshKey, Self::Custom];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ApiKey => "api_key",
            Self::OauthClient => "oauth_client",
            Self::SshKey => "ssh_key",
            Self::Custom => "custom",
        }
    }

    /// The type of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Fields that such policies usually have.
    pub fn usual_fields(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["password"],
            Self::ApiKey => &["api_key", "api_secret"],
            Self::OauthClient => &["client_id", "client_secret"],
            Self::SshKey => &["private_key", "public_key"],
            Self::Custom => &[],
        }
    }

    /// Type of a new secret that its values are stored in.
    pub fn secret_type(self) -> SecretType {
        match self {
            Self::ApiKey => SecretType::ApiKey,
            Self::SshKey => SecretType::SshKey,
            Self::Password | Self::OauthClient | Self::Custom => SecretType::Json,
        }
    }
}

impl SecretPolicy {
    /// What a secret or a rotation policy that uses it keeps of it.
    pub fn reference(&self) -> SecretPolicyReference {
        SecretPolicyReference { id: self.id.clone(), uid: self.uid }
    }

    /// Refuses to generate while it is inactive.
    pub fn check_active(&self) -> Result<(), Rejection> {
        match self.content.is_active {
            true => Ok(()),
            false => Err(Rejection::new(
                ErrorCode::ValidationError,
                format!(
                    "Secret policy '{}' is inactive and generates nothing; set its is_active to true first",
                    self.id
                ),
            )),
        }
    }
}

/// `secret_policy_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::SecretPolicyNotFound, "Secret policy not found")
}
