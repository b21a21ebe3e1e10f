//! Stored events: a type name, a schema version and a JSON body, decoupled from Rust names.
//!
//! Additive optional fields keep the schema version. Anything else is a new version with an
//! upcaster here and a golden file in `domain/tests/golden`. History is never edited.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::AuditErased;
use crate::delivery::DeliveryEvent;
use crate::directory::IdentityEvent;
use crate::export::ExportEvent;
use crate::idempotency::OutcomeKept;
use crate::installation::{ClockMoved, PartnerCreated, TenantCreated, UserCreated};
use crate::issuer::IssuerEvent;
use crate::policy::PolicyEvent;
use crate::policy::replay::ReplayEvent;
use crate::rotation::RotationPolicyEvent;
use crate::secret::SecretEvent;
use crate::secret_policy::SecretPolicyEvent;
use crate::subscription::SubscriptionEvent;
use crate::token::{JwtRevoked, TokenCreated, TokenRevoked};
use crate::webhook::WebhookEvent;
use crate::{IdentityId, SecretPath, Timestamp};

/// Schema version of every event of this build.
pub const SCHEMA_VERSION: u16 = 1;

/// Everything that can be in the log, but the coalesced access records.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A secret changed.
    Secret(SecretPath, SecretEvent),
    /// An access policy or a binding of one changed.
    Policy(PolicyEvent),
    /// A replay of decisions was asked for, or ended.
    Replay(ReplayEvent),
    /// Identities, or what belongs to them, changed.
    Identity(IdentityEvent),
    /// A trusted issuer or a rule of exchange changed.
    Issuer(IssuerEvent),
    /// Something happened to an audit export.
    Export(ExportEvent),
    /// A rotation policy changed.
    RotationPolicy(RotationPolicyEvent),
    /// A secret policy changed.
    SecretPolicy(SecretPolicyEvent),
    /// A webhook changed.
    Webhook(WebhookEvent),
    /// A subscription changed.
    Subscription(SubscriptionEvent),
    /// Something happened to deliveries.
    Delivery(DeliveryEvent),
    /// A token was made.
    TokenCreated(TokenCreated),
    /// A token was revoked.
    TokenRevoked(TokenRevoked),
    /// A JWT was revoked.
    JwtRevoked(JwtRevoked),
    /// A partner was made.
    PartnerCreated(PartnerCreated),
    /// A tenant was made.
    TenantCreated(TenantCreated),
    /// A user was made.
    UserCreated(UserCreated),
    /// The development clock was moved.
    ClockMoved(ClockMoved),
    /// An outcome was kept for repetitions.
    OutcomeKept(OutcomeKept),
    /// Old audit entries were erased.
    AuditErased(AuditErased),
}

/// An event with who caused it and when, as sealed into the log.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBody {
    /// When it happened, by the server's clock.
    pub at: Timestamp,
    /// Who did it.
    pub actor: IdentityId,
    /// Because of which request or run.
    pub request_id: String,
    /// What happened.
    pub event: Event,
}

/// An event in its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Log position.
    pub position: u64,
    /// Time of the record; never decreases along the log.
    pub recorded_at: Timestamp,
    /// The event.
    pub body: EventBody,
}

/// Why a stored body is not an event of this build.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A type or schema version that a later build wrote.
    #[error("event type {kind} version {schema_version} is not known to this build; upgrade it")]
    Unknown {
        /// Stored type.
        kind: String,
        /// Stored version.
        schema_version: u16,
    },
    /// A body that does not have the shape of its type.
    #[error("event body of type {kind} is malformed")]
    Malformed {
        /// Stored type.
        kind: String,
        /// What serde says; names fields, holds no values.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    at: i64,
    actor: IdentityId,
    request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<SecretPath>,
    data: T,
}

/// Events of one noun. Their data stands under the name of its type.
trait Family: DeserializeOwned {
    const KINDS: &'static [&'static str];

    fn kind(&self) -> &'static str;
}

impl Family for SecretEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for PolicyEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for ReplayEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for IdentityEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for IssuerEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for ExportEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for RotationPolicyEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for SecretPolicyEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for WebhookEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for SubscriptionEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Family for DeliveryEvent {
    const KINDS: &'static [&'static str] = &Self::KINDS;

    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl Event {
    /// Every stored type but those of the families.
    pub const OTHER_KINDS: [&'static str; 9] = [
        "token.created",
        "token.revoked",
        "jwt.revoked",
        "partner.created",
        "tenant.created",
        "user.created",
        "clock.moved",
        "outcome.kept",
        "audit.erased",
    ];

    /// Every stored type.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        let families = [
            <SecretEvent as Family>::KINDS,
            <PolicyEvent as Family>::KINDS,
            <ReplayEvent as Family>::KINDS,
            <IdentityEvent as Family>::KINDS,
            <IssuerEvent as Family>::KINDS,
            <ExportEvent as Family>::KINDS,
            <RotationPolicyEvent as Family>::KINDS,
            <SecretPolicyEvent as Family>::KINDS,
            <WebhookEvent as Family>::KINDS,
            <SubscriptionEvent as Family>::KINDS,
            <DeliveryEvent as Family>::KINDS,
            &Self::OTHER_KINDS,
        ];
        families.into_iter().flatten().copied()
    }

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_, event) => event.kind(),
            Self::Policy(event) => event.kind(),
            Self::Replay(event) => event.kind(),
            Self::Identity(event) => event.kind(),
            Self::Issuer(event) => event.kind(),
            Self::Export(event) => event.kind(),
            Self::RotationPolicy(event) => event.kind(),
            Self::SecretPolicy(event) => event.kind(),
            Self::Webhook(event) => event.kind(),
            Self::Subscription(event) => event.kind(),
            Self::Delivery(event) => event.kind(),
            Self::TokenCreated(_) => "token.created",
            Self::TokenRevoked(_) => "token.revoked",
            Self::JwtRevoked(_) => "jwt.revoked",
            Self::PartnerCreated(_) => "partner.created",
            Self::TenantCreated(_) => "tenant.created",
            Self::UserCreated(_) => "user.created",
            Self::ClockMoved(_) => "clock.moved",
            Self::OutcomeKept(_) => "outcome.kept",
            Self::AuditErased(_) => "audit.erased",
        }
    }
}

impl EventBody {
    /// The JSON to seal.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match &self.event {
            Event::Secret(path, event) => self.encode_data(Some(path), event),
            Event::Policy(event) => self.encode_data(None, event),
            Event::Replay(event) => self.encode_data(None, event),
            Event::Identity(event) => self.encode_data(None, event),
            Event::Issuer(event) => self.encode_data(None, event),
            Event::Export(event) => self.encode_data(None, event),
            Event::RotationPolicy(event) => self.encode_data(None, event),
            Event::SecretPolicy(event) => self.encode_data(None, event),
            Event::Webhook(event) => self.encode_data(None, event),
            Event::Subscription(event) => self.encode_data(None, event),
            Event::Delivery(event) => self.encode_data(None, event),
            Event::TokenCreated(data) => self.encode_data(None, data),
            Event::TokenRevoked(data) => self.encode_data(None, data),
            Event::JwtRevoked(data) => self.encode_data(None, data),
            Event::PartnerCreated(data) => self.encode_data(None, data),
            Event::TenantCreated(data) => self.encode_data(None, data),
            Event::UserCreated(data) => self.encode_data(None, data),
            Event::ClockMoved(data) => self.encode_data(None, data),
            Event::OutcomeKept(data) => self.encode_data(None, data),
            Event::AuditErased(data) => self.encode_data(None, data),
        }
    }

    fn encode_data<T: Serialize>(&self, path: Option<&SecretPath>, data: &T) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Stored {
            at: self.at.as_micros(),
            actor: self.actor.clone(),
            request_id: self.request_id.clone(),
            path: path.cloned(),
            data,
        })
    }

    /// Reads a stored body back.
    pub fn decode(kind: &str, schema_version: u16, json: &[u8]) -> Result<Self, DecodeError> {
        if schema_version != SCHEMA_VERSION {
            return Err(DecodeError::Unknown { kind: kind.to_owned(), schema_version });
        }
        let malformed = |source| DecodeError::Malformed { kind: kind.to_owned(), source };
        if <SecretEvent as Family>::KINDS.contains(&kind) {
            let stored = read_family::<SecretEvent>(kind, json).map_err(malformed)?;
            let missing = || malformed(serde::de::Error::missing_field("path"));
            let path = stored.path.clone().ok_or_else(missing)?;
            return Ok(stored.with(|event| Event::Secret(path, event)));
        }
        if <PolicyEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Policy)).map_err(malformed);
        }
        if <ReplayEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Replay)).map_err(malformed);
        }
        if <IdentityEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Identity)).map_err(malformed);
        }
        if <IssuerEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Issuer)).map_err(malformed);
        }
        if <ExportEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Export)).map_err(malformed);
        }
        if <RotationPolicyEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::RotationPolicy)).map_err(malformed);
        }
        if <SecretPolicyEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::SecretPolicy)).map_err(malformed);
        }
        if <WebhookEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Webhook)).map_err(malformed);
        }
        if <SubscriptionEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Subscription)).map_err(malformed);
        }
        if <DeliveryEvent as Family>::KINDS.contains(&kind) {
            return read_family(kind, json).map(|stored| stored.with(Event::Delivery)).map_err(malformed);
        }
        match kind {
            "token.created" => read(json).map(|stored| stored.with(Event::TokenCreated)),
            "token.revoked" => read(json).map(|stored| stored.with(Event::TokenRevoked)),
            "jwt.revoked" => read(json).map(|stored| stored.with(Event::JwtRevoked)),
            "partner.created" => read(json).map(|stored| stored.with(Event::PartnerCreated)),
            "tenant.created" => read(json).map(|stored| stored.with(Event::TenantCreated)),
            "user.created" => read(json).map(|stored| stored.with(Event::UserCreated)),
            "clock.moved" => read(json).map(|stored| stored.with(Event::ClockMoved)),
            "outcome.kept" => read(json).map(|stored| stored.with(Event::OutcomeKept)),
            "audit.erased" => read(json).map(|stored| stored.with(Event::AuditErased)),
            _ => return Err(DecodeError::Unknown { kind: kind.to_owned(), schema_version }),
        }
        .map_err(malformed)
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<Stored<T>, serde_json::Error> {
    serde_json::from_slice(json)
}

fn read_family<T: Family>(kind: &str, json: &[u8]) -> Result<Stored<T>, serde_json::Error> {
    let stored: Stored<T> = read(json)?;
    match stored.data.kind() == kind {
        true => Ok(stored),
        false => Err(serde::de::Error::custom("the body is of another type")),
    }
}

impl<T> Stored<T> {
    fn with(self, event: impl FnOnce(T) -> Event) -> EventBody {
        EventBody {
            at: Timestamp::from_micros(self.at),
            actor: self.actor,
            request_id: self.request_id,
            event: event(self.data),
        }
    }
}
