//! Audit exports: entries of the audit log, written as files to a place outside it.

pub mod event;
pub mod filter;
pub mod format;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use event::ExportEvent;
pub use filter::ExportFilter;
pub use format::Format;

use crate::id::ExportId;
use crate::{IdentityId, Owner, PartnerId, SecretPath, TenantId, Timestamp};

/// Entries after which a file ends.
pub const MAX_FILE_ENTRIES: u64 = 1_000_000;
/// Bytes after which a file ends.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// How long the files of `file` exports are kept.
pub const KEPT_SECONDS: i64 = 30 * 24 * 3_600;
/// The list of files, written last.
pub const MANIFEST: &str = "manifest.json";
/// Longest name of a bucket or container, region, endpoint and prefix, in bytes.
pub const MAX_TEXT: usize = 1_024;

/// What is exported, and where to. Never holds a credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportContent {
    /// How entries are written.
    pub format: Format,
    /// Requests that arrived then or later.
    pub from: Timestamp,
    /// Requests that arrived before.
    pub to: Timestamp,
    /// Which of them.
    #[serde(default, skip_serializing_if = "ExportFilter::is_empty")]
    pub filters: ExportFilter,
    /// Whether the entries of no tenant are meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub platform: bool,
    /// Where to.
    pub destination: Destination,
}

/// Where the files go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// What kind of store.
    #[serde(rename = "type")]
    pub kind: StoreKind,
    /// Bucket or container; `None` for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Arc<str>>,
    /// What names of objects begin with.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub prefix: Arc<str>,
    /// Region of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Arc<str>>,
    /// URL of a private or compatible service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Arc<str>>,
    /// Which secret opens the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsPlace>,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// Amazon S3, or compatible.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    AzureBlob,
    /// A directory of the server.
    File,
}

/// The secret that opens a store, as it was when the export was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsPlace {
    /// Whose secret, if a tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Else: whose, if a partner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
    /// Where it is.
    pub path: SecretPath,
    /// The version that the caller could read.
    pub version: u32,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// Its name.
    pub name: Arc<str>,
    /// Digest of its content, hexadecimal.
    pub sha256: Arc<str>,
    /// Its length.
    pub bytes: u64,
    /// Entries in it.
    pub entries: u64,
}

/// Where an entry is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPlace {
    /// Position of the record.
    pub position: u64,
    /// Its place there.
    pub index: u32,
}

/// What a run covers, fixed when it begins: every later run of the same export writes the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Entries recorded up to here.
    pub up_to: u64,
    /// None that arrived before: they are not kept any more.
    pub not_before: Timestamp,
    /// How many there are.
    pub entries: u64,
}

/// Why an export came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFault {
    /// Code of the contract.
    pub code: Arc<str>,
    /// A sentence, without anything of a credential.
    pub message: Arc<str>,
}

/// An export as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// `exp_…`; those made later sort later.
    pub id: ExportId,
    /// What is exported where.
    pub content: ExportContent,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: IdentityId,
    /// What is covered, once it has begun.
    pub extent: Option<Extent>,
    /// The files that are finished.
    pub files: Vec<FileRow>,
    /// The last entry in them.
    pub after: Option<EntryPlace>,
    /// When it was completed or failed.
    pub ended_at: Option<Timestamp>,
    /// Why it failed, if it did.
    pub error: Option<ExportFault>,
}

/// How far an export has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportStatus {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// All is written.
    Completed,
    /// It came to nothing.
    Failed,
}

// === impl Export ===

impl Export {
    /// One that was just asked for.
    pub fn new(id: ExportId, content: ExportContent, created_at: Timestamp, created_by: IdentityId) -> Self {
        Self {
            id,
            content,
            created_at,
            created_by,
            extent: None,
            files: Vec::new(),
            after: None,
            ended_at: None,
            error: None,
        }
    }

    /// How far it has come.
    pub fn status(&self) -> ExportStatus {
        match (&self.ended_at, &self.error, &self.extent) {
            (Some(_), Some(_), _) => ExportStatus::Failed,
            (Some(_), None, _) => ExportStatus::Completed,
            (None, _, Some(_)) => ExportStatus::Running,
            (None, _, None) => ExportStatus::Pending,
        }
    }

    /// Entries in finished files.
    pub fn entries(&self) -> u64 {
        self.files.iter().map(|file| file.entries).sum()
    }

    /// Name of the file that comes next.
    pub fn next_file(&self) -> String {
        format!("{}-{:05}.{}", self.id, self.files.len() + 1, self.content.format.extension())
    }

    /// Whether a finished export has a file of that name.
    pub fn has_file(&self, name: &str) -> bool {
        let is_known = name == MANIFEST || self.files.iter().any(|file| file.name.as_ref() == name);
        self.status() == ExportStatus::Completed && is_known
    }

    /// When files that the server keeps are deleted.
    pub fn kept_until(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended| ended.plus_seconds(KEPT_SECONDS))
    }

    /// What it is after an event; one of another export changes nothing.
    pub fn apply(&mut self, event: ExportEvent, at: Timestamp) {
        match event {
            ExportEvent::Created { .. } => {}
            ExportEvent::Started { extent, .. } => self.extent = Some(extent),
            ExportEvent::Progressed { file, after, .. } => {
                self.files.push(file);
                self.after = Some(after);
            }
            ExportEvent::Completed { .. } => self.ended_at = Some(at),
            ExportEvent::Failed { error, .. } => {
                self.ended_at = Some(at);
                self.error = Some(error);
            }
        }
    }
}

impl ExportStatus {
    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more happens.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl StoreKind {
    /// The kind of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::S3, Self::Gcs, Self::AzureBlob, Self::File].into_iter().find(|kind| kind.as_str() == text)
    }

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gcs",
            Self::AzureBlob => "azure_blob",
            Self::File => "file",
        }
    }
}

impl Destination {
    /// The name of an object.
    pub fn key(&self, name: &str) -> String {
        match self.prefix.trim_end_matches('/') {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }
}

impl CredentialsPlace {
    /// Of a secret of `owner`.
    pub fn new(owner: &Owner, path: SecretPath, version: u32) -> Self {
        let (tenant_id, partner_id) = match owner {
            Owner::Tenant(id) => (Some(id.clone()), None),
            Owner::Partner(id) => (None, Some(id.clone())),
            Owner::Platform => (None, None),
        };
        Self { tenant_id, partner_id, path, version }
    }

    /// Whose secret it is.
    pub fn owner(&self) -> Owner {
        Owner::of(self.tenant_id.as_ref(), self.partner_id.as_ref())
    }
}

/// What is wrong with a prefix of names of objects.
pub fn prefix_fault(prefix: &str) -> Option<&'static str> {
    if prefix.len() > MAX_TEXT || prefix.chars().any(char::is_control) {
        return Some("must have at most 1024 bytes, none of them control characters");
    }
    let parts = prefix.strip_suffix('/').unwrap_or(prefix);
    let has_bad_part = !parts.is_empty() && parts.split('/').any(|part| matches!(part, "" | "." | ".."));
    (prefix.starts_with('/') || has_bad_part).then_some("must not begin with '/', nor have empty, '.' or '..' parts")
}

#[cfg(test)]
mod tests;
