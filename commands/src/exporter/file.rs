//! One file of an export, written from its beginning to its end.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use scaivault_domain::export::{Export, FileRow};
use scaivault_eventstore::record::hex;
use scaivault_projections::audit::Place;

use super::Stopped;
use super::source::Source;
use crate::Engine;
use crate::export::FileLimits;
use crate::export::store::{ObjectWriter, Store, StoreFault};

/// Bytes that are handed on at once.
const CHUNK: usize = 256 * 1024;

/// A file as far as it is written.
struct Draft {
    writer: Box<dyn ObjectWriter>,
    digest: Context,
    waiting: String,
    bytes: u64,
    entries: u64,
}

/// Writes the next file. There is at least one entry for it.
pub(super) async fn write(
    engine: &Engine,
    store: &dyn Store,
    export: &Export,
    source: &mut Source<'_>,
) -> Result<(FileRow, Place), Stopped> {
    let name = export.next_file();
    let writer = store.begin(&export.content.destination.key(&name)).await.map_err(Stopped::Store)?;
    let mut draft = Draft { writer, digest: Context::new(&SHA256), waiting: String::new(), bytes: 0, entries: 0 };
    match fill(engine, export, source, &mut draft).await {
        Ok(after) => {
            let (bytes, entries) = (draft.bytes, draft.entries);
            let sha256 = hex(draft.digest.clone().finish().as_ref());
            draft.writer.finish().await.map_err(Stopped::Store)?;
            Ok((FileRow { name: name.into(), sha256: sha256.into(), bytes, entries }, after))
        }
        Err(stopped) => {
            draft.writer.abandon().await;
            Err(stopped)
        }
    }
}

/// Takes entries until the file is full or there are no more. Returns the place of the last one.
async fn fill(engine: &Engine, export: &Export, source: &mut Source<'_>, draft: &mut Draft) -> Result<Place, Stopped> {
    let (format, limits) = (export.content.format, engine.exporting.limits);
    draft.waiting.push_str(format.header());
    let (mut last, mut line) = (None, String::new());
    while let Some(entry) = source.peek().await? {
        line.clear();
        format.write(&entry.shown(), &mut line).map_err(crate::Failure::from)?;
        if !draft.has_room_for(&line, limits) {
            break;
        }
        last = Some(entry.place);
        draft.waiting.push_str(&line);
        draft.entries += 1;
        source.advance();
        if draft.waiting.len() >= CHUNK {
            draft.flush().await.map_err(Stopped::Store)?;
            engine.exporting.under_way.lock().insert(export.id.clone(), draft.entries);
        }
    }
    draft.flush().await.map_err(Stopped::Store)?;
    last.ok_or(Stopped::Overtaken)
}

impl Draft {
    /// One entry has room in any file.
    fn has_room_for(&self, line: &str, limits: FileLimits) -> bool {
        let bytes = self.bytes + (self.waiting.len() + line.len()) as u64;
        self.entries == 0 || (self.entries < limits.entries && bytes <= limits.bytes)
    }

    async fn flush(&mut self) -> Result<(), StoreFault> {
        let chunk = Bytes::from(std::mem::take(&mut self.waiting));
        self.digest.update(&chunk);
        self.bytes += chunk.len() as u64;
        self.writer.write(chunk).await
    }
}
