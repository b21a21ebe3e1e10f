//! Why something is refused: a code of the contract, a sentence, details. Data, not an error chain.

use std::fmt;

use serde_json::{Map, Value};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $status:literal;)*) => {
        /// Error code of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As in `error.code`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// Malformed JSON, header or form; no tenant chosen.
    InvalidRequest => "invalid_request", 400;
    /// Secret path breaks the path rules or is reserved.
    InvalidPath => "invalid_path", 400;
    /// Unknown `secret_type`.
    InvalidSecretType => "invalid_secret_type", 400;
    /// Duration text not understood, zero or too large.
    InvalidDuration => "invalid_duration", 400;
    /// Cursor malformed, expired or from another query.
    InvalidCursor => "invalid_cursor", 400;
    /// Malformed path pattern.
    InvalidGlob => "invalid_glob", 400;
    /// Policy rules or conditions make no sense.
    InvalidPolicy => "invalid_policy", 400;
    /// Unknown or unusable role.
    InvalidRole => "invalid_role", 400;
    /// Configuration of an issuer or another outside thing refused.
    InvalidConfig => "invalid_config", 400;
    /// No or malformed `Authorization` header, or an opaque token that is wrong or expired.
    AuthenticationRequired => "authentication_required", 401;
    /// JWT that fails verification.
    TokenInvalid => "token_invalid", 401;
    /// JWT past its end.
    TokenExpired => "token_expired", 401;
    /// Token revoked, or its identity suspended or deleted.
    TokenRevoked => "token_revoked", 401;
    /// Scope or policy does not permit.
    AccessDenied => "access_denied", 403;
    /// A rule asks for fresh MFA.
    MfaRequired => "mfa_required", 403;
    /// Outside a rule's time window.
    TimeWindowViolation => "time_window_violation", 403;
    /// Client address outside a rule's or the token's ranges.
    IpNotAllowed => "ip_not_allowed", 403;
    /// Tenant or partner not open to the caller, or suspended.
    TenantAccessDenied => "tenant_access_denied", 403;
    /// Not allowed to anyone in this way, or an administrative role is missing.
    Forbidden => "forbidden", 403;
    /// Route, or a thing without a code of its own.
    NotFound => "not_found", 404;
    /// No live secret at the path.
    SecretNotFound => "secret_not_found", 404;
    /// Version absent or unreadable.
    VersionNotFound => "version_not_found", 404;
    /// Access policy.
    PolicyNotFound => "policy_not_found", 404;
    /// Policy binding.
    BindingNotFound => "binding_not_found", 404;
    /// Rotation policy.
    RotationPolicyNotFound => "rotation_policy_not_found", 404;
    /// Secret policy.
    SecretPolicyNotFound => "secret_policy_not_found", 404;
    /// Webhook.
    WebhookNotFound => "webhook_not_found", 404;
    /// Webhook delivery.
    DeliveryNotFound => "delivery_not_found", 404;
    /// Subscription, or one of somebody else.
    SubscriptionNotFound => "subscription_not_found", 404;
    /// User or group.
    IdentityNotFound => "identity_not_found", 404;
    /// Tenant.
    TenantNotFound => "tenant_not_found", 404;
    /// Service account.
    ServiceAccountNotFound => "service_account_not_found", 404;
    /// Service-account key.
    KeyNotFound => "key_not_found", 404;
    /// Personal token.
    TokenNotFound => "token_not_found", 404;
    /// Audit export.
    ExportNotFound => "export_not_found", 404;
    /// Verb not offered on this route.
    MethodNotAllowed => "method_not_allowed", 405;
    /// Write to a soft-deleted path in its recovery window.
    SecretExists => "secret_exists", 409;
    /// `If-Match` or `If-None-Match` does not hold.
    VersionConflict => "version_conflict", 409;
    /// Policy still has bindings.
    PolicyInUse => "policy_in_use", 409;
    /// Name, or its slug, already used.
    NameTaken => "name_taken", 409;
    /// Others depend on it.
    ResourceInUse => "resource_in_use", 409;
    /// Secret past `expires_at`.
    SecretExpired => "secret_expired", 410;
    /// Body or secret data too large.
    PayloadTooLarge => "payload_too_large", 413;
    /// Content type.
    UnsupportedMediaType => "unsupported_media_type", 415;
    /// Field values, unknown fields.
    ValidationError => "validation_error", 422;
    /// Same key, other request.
    IdempotencyKeyReuse => "idempotency_key_reuse", 422;
    /// Bucket empty.
    RateLimited => "rate_limited", 429;
    /// Unexpected.
    InternalError => "internal_error", 500;
    /// Something outside failed.
    BackendError => "backend_error", 502;
    /// Sealed, log or audit not writable, overload, or position not yet applied.
    ServiceUnavailable => "service_unavailable", 503;
}

impl ErrorCode {
    /// The code of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// A refusal. Never holds a secret value, token or key.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Facts about the refusal; empty when there are none.
    pub details: Map<String, Value>,
}

impl Rejection {
    /// A refusal without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Map::new() }
    }

    /// Adds one detail.
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// `access_denied` with its reason.
    pub fn denied(reason: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::AccessDenied, message).detail("reason", reason)
    }

    /// `validation_error` naming one field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![(field.into(), message.into())])
    }

    /// `validation_error` naming all faulty fields.
    pub fn fields(faults: Vec<(String, String)>) -> Self {
        let message = match faults.as_slice() {
            [(field, fault)] => format!("{field}: {fault}"),
            more => format!("{} fields are not valid", more.len()),
        };
        let rows: Vec<Value> = faults
            .into_iter()
            .map(|(field, message)| serde_json::json!({ "field": field, "message": message }))
            .collect();
        Self::new(ErrorCode::ValidationError, message).detail("fields", rows)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code.as_str())
    }
}

impl std::error::Error for Rejection {}
