//! Files below a directory of this server. One that is not finished has another name, and one that is finished is on
//! the disk.

use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use scaivault_commands::export::store::{ObjectWriter, Store, StoreFault, StoredObject};
use scaivault_domain::id::ExportId;
use scaivault_eventstore::record::hex;
use scaivault_eventstore::sealing::secret_key::random_bytes;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::within;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// The files of one export.
pub(super) struct Files {
    directory: PathBuf,
}

/// A file that is being written.
struct Draft {
    file: File,
    /// Where exports are.
    root: PathBuf,
    draft: PathBuf,
    path: PathBuf,
}

impl Files {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The path of a name, which stays below the directory.
    fn path(&self, name: &str) -> Result<PathBuf, StoreFault> {
        let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        match is_plain && !name.is_empty() {
            true => Ok(self.directory.join(name)),
            false => Err(StoreFault::Unusable("a name leads elsewhere")),
        }
    }
}

#[async_trait]
impl Store for Files {
    async fn begin(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StoreFault> {
        let path = self.path(name)?;
        let mut draft = path.clone().into_os_string();
        // Another process may write the same.
        draft.push(format!(".{}.part", unique()?));
        let draft = PathBuf::from(draft);
        let opened = async {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).await.map_err(of_directory)?;
            }
            File::create(&draft).await.map_err(of_directory)
        };
        let file = within(opened).await?;
        let root = self.directory.parent().unwrap_or(&self.directory).to_owned();
        Ok(Box::new(Draft { file, root, draft, path }))
    }

    async fn read(&self, name: &str) -> Result<StoredObject, StoreFault> {
        let path = self.path(name)?;
        let opened = async {
            let file = File::open(&path).await.map_err(of_reading)?;
            let bytes = file.metadata().await.map_err(of_reading)?.len();
            Ok((file, bytes))
        };
        let (file, bytes) = within(opened).await?;
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece).await?;
            Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
        });
        Ok(StoredObject { bytes, content: pieces.boxed() })
    }
}

#[async_trait]
impl ObjectWriter for Draft {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreFault> {
        within(async { self.file.write_all(&bytes).await.map_err(of_directory) }).await
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreFault> {
        let finished = async {
            self.file.flush().await?;
            self.file.sync_all().await?;
            fs::rename(&self.draft, &self.path).await?;
            remove_drafts(&self.path).await?;
            // The name is on the disk once the directory is, and that once its own is.
            for directory in self.path.ancestors().skip(1).take_while(|directory| directory.starts_with(&self.root)) {
                File::open(directory).await?.sync_all().await?;
            }
            Ok(())
        };
        within(async { finished.await.map_err(of_directory) }).await
    }

    async fn abandon(self: Box<Self>) {
        // All of it is deleted in the end.
        let _ = within(async { fs::remove_file(&self.draft).await.map_err(of_directory) }).await;
    }
}

/// Removes what other processes, which are gone or too late, have of a file that is finished.
async fn remove_drafts(path: &Path) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let mut entries = fs::read_dir(directory).await?;
    while let Some(entry) = entries.next_entry().await? {
        let rest = entry.file_name().to_str().and_then(|file| file.strip_prefix(name)).map(str::to_owned);
        if rest.is_some_and(|rest| rest.ends_with(".part")) {
            match fs::remove_file(entry.path()).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// Tells the drafts of processes apart.
fn unique() -> Result<String, StoreFault> {
    let bytes = random_bytes::<8>().map_err(|_| StoreFault::Unreachable)?;
    Ok(hex(&bytes))
}

/// The exports that have files there.
pub(super) async fn kept(directory: &Path) -> Result<Vec<ExportId>, StoreFault> {
    let mut entries = match fs::read_dir(directory).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(of_directory)?,
    };
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(of_directory)? {
        found.extend(entry.file_name().to_str().and_then(ExportId::parse));
    }
    Ok(found)
}

/// Deletes the files of one export.
pub(super) async fn delete(directory: &Path) -> Result<(), StoreFault> {
    match fs::remove_dir_all(directory).await {
        // Another node did, where they share the directory.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        deleted => deleted.map_err(of_directory),
    }
}

fn of_directory(error: io::Error) -> StoreFault {
    StoreFault::Directory(error.kind())
}

fn of_reading(error: io::Error) -> StoreFault {
    if error.kind() == ErrorKind::NotFound { StoreFault::Missing } else { of_directory(error) }
}
