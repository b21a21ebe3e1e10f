//! What a tenant can set for itself.

use serde::{Deserialize, Serialize};

use crate::DurationText;
use crate::context::Settings;

/// Bounds of `recovery_window`, in seconds.
pub const RECOVERY_WINDOW_SECONDS: (i64, i64) = (3_600, 365 * 86_400);
/// Bounds of `audit_retention`, in seconds.
pub const AUDIT_RETENTION_SECONDS: (i64, i64) = (30 * 86_400, 36_500 * 86_400);
/// Bounds of `max_leases`.
pub const MAX_LEASES: (i64, i64) = (1, 10_000_000);

/// Settings of a tenant; what is not set has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSettings {
    /// `max_versions` of secrets created later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_versions: Option<u32>,
    /// Recovery time of soft deletes made later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_window: Option<DurationText>,
    /// Age at which audit entries leave the online index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_retention: Option<DurationText>,
    /// Live leases of all engines together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_leases: Option<u32>,
}

impl TenantSettings {
    /// As answers show `recovery_window`.
    pub fn recovery_window(&self) -> &str {
        self.recovery_window.as_ref().map_or("30d", DurationText::as_str)
    }

    /// As answers show `audit_retention`.
    pub fn audit_retention(&self) -> &str {
        self.audit_retention.as_ref().map_or("2555d", DurationText::as_str)
    }

    /// The same in seconds.
    pub fn audit_retention_seconds(&self) -> i64 {
        self.audit_retention.as_ref().map_or(2_555 * 86_400, DurationText::seconds)
    }

    /// Live leases of all engines together.
    pub fn max_leases(&self) -> u32 {
        self.max_leases.unwrap_or(1_000_000)
    }

    /// As decisions read them.
    pub fn for_decisions(&self) -> Settings {
        let default = Settings::default();
        Settings {
            default_max_versions: self.default_max_versions.unwrap_or(default.default_max_versions),
            recovery_window_seconds: self
                .recovery_window
                .as_ref()
                .map_or(default.recovery_window_seconds, DurationText::seconds),
        }
    }
}
