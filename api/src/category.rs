//! Rate categories.

macro_rules! categories {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What a request counts as.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Category {
            $($(#[$doc])* $name,)*
        }

        impl Category {
            /// Every category.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As in configuration, errors and metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

categories! {
    /// Values of secrets.
    SecretsRead => "secrets_read",
    /// PUT, PATCH, restore, rotate.
    SecretsWrite => "secrets_write",
    /// DELETE of secrets and versions.
    SecretsDelete => "secrets_delete",
    /// Lists, metadata, versions, consumers, expiring.
    SecretsList => "secrets_list",
    /// Batch reads.
    BatchRead => "batch_read",
    /// Batch metadata.
    BatchMetadata => "batch_metadata",
    /// Audit logs and the tree over them.
    AuditQuery => "audit_query",
    /// Asking for audit exports.
    AuditExport => "audit_export",
    /// Access policies and their bindings.
    PolicyOps => "policy_ops",
    /// Testing and explaining access policies.
    PolicyTest => "policy_test",
    /// Webhooks and deliveries.
    WebhookOps => "webhook_ops",
    /// Subscriptions but the next.
    SubscriptionOps => "subscription_ops",
    /// Polling, acknowledging, opening a stream.
    SubscriptionPoll => "subscription_poll",
    /// Identity routes but the next.
    IdentityRead => "identity_read",
    /// Synchronising with the identity provider, registering there.
    IdentitySync => "identity_sync",
    /// Authentication and system routes.
    Auth => "auth",
    /// Requests without an identity, per client address.
    Public => "public",
}
