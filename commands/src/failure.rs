//! Why a command or query did not go through, by what the caller is told.

use scaivault_domain::Rejection;
use scaivault_eventstore::StoreError;
use scaivault_projections::ReadError;
use scaivault_projections::past::PastError;

/// A refusal, or something that went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Refused, with a code of the contract.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Cannot be done now; nothing has been changed.
    #[error("not available: {reason}")]
    Unavailable {
        /// As in `details.reason`.
        reason: &'static str,
        /// What lies beneath.
        #[source]
        source: Option<StoreError>,
    },
    /// It may have been carried out, and will be seen if it was.
    #[error("the outcome is not known")]
    Undecided,
    /// A defect or damage; the chain is logged, never shown.
    #[error("internal")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// Not available, for a reason that has no cause of its own.
    pub fn unavailable(reason: &'static str) -> Self {
        Self::Unavailable { reason, source: None }
    }
}

impl From<StoreError> for Failure {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "whatever else the store says, now or later, is a defect or damage"
    )]
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict { .. } | StoreError::Duplicate(_) => {
                Self::Unavailable { reason: "audit_unavailable", source: Some(error) }
            }
            StoreError::Undecided => Self::Undecided,
            StoreError::Sealed => Self::Unavailable { reason: "sealed", source: Some(error) },
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Rejected(rejection) => rejection.into(),
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<PastError> for Failure {
    fn from(error: PastError) -> Self {
        match error {
            PastError::NotYet => Self::unavailable("replay_running"),
            PastError::Store(error) => error.into(),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}
