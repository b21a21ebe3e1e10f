//! `manifest.json`: which files there are, and the checkpoint at that time. Written last.

use bytes::Bytes;
use scaivault_domain::export::FileRow;
use serde::Serialize;

use crate::export::store::{Store, StoreFault};

#[derive(Serialize)]
struct Manifest<'a> {
    manifest: &'a [FileRow],
    checkpoint: Option<&'a str>,
}

/// Writes it under this name.
pub(super) async fn write(
    store: &dyn Store,
    name: &str,
    files: &[FileRow],
    note: Option<&str>,
) -> Result<(), StoreFault> {
    let manifest = Manifest { manifest: files, checkpoint: note };
    // Texts and numbers always serialise.
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let mut writer = store.begin(name).await?;
    writer.write(Bytes::from(text)).await?;
    writer.finish().await
}
