//! What happens to audit exports. Each has a stream of its own, so that two that write it cannot both say so.

use serde::{Deserialize, Serialize};

use super::{EntryPlace, ExportContent, ExportFault, Extent, FileRow};
use crate::id::ExportId;

/// A step of an export. The names are those stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExportEvent {
    /// It was asked for.
    #[serde(rename = "export.created")]
    Created {
        /// Which.
        id: ExportId,
        /// What is exported where.
        content: Box<ExportContent>,
    },
    /// What it covers is settled, and it is being written.
    #[serde(rename = "export.started")]
    Started {
        /// Which.
        id: ExportId,
        /// What it covers.
        extent: Extent,
    },
    /// A file is finished.
    #[serde(rename = "export.progressed")]
    Progressed {
        /// Which.
        id: ExportId,
        /// The file.
        file: FileRow,
        /// The last entry in it.
        after: EntryPlace,
    },
    /// All files and their list are written.
    #[serde(rename = "export.completed")]
    Completed {
        /// Which.
        id: ExportId,
    },
    /// It came to nothing.
    #[serde(rename = "export.failed")]
    Failed {
        /// Which.
        id: ExportId,
        /// Why.
        error: ExportFault,
    },
}

impl ExportEvent {
    /// Every stored type.
    pub const KINDS: [&'static str; 5] =
        ["export.created", "export.started", "export.progressed", "export.completed", "export.failed"];

    /// Stored type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "export.created",
            Self::Started { .. } => "export.started",
            Self::Progressed { .. } => "export.progressed",
            Self::Completed { .. } => "export.completed",
            Self::Failed { .. } => "export.failed",
        }
    }

    /// Of which export.
    pub fn id(&self) -> &ExportId {
        match self {
            Self::Created { id, .. }
            | Self::Started { id, .. }
            | Self::Progressed { id, .. }
            | Self::Completed { id }
            | Self::Failed { id, .. } => id,
        }
    }
}
