//! `audit exports download`: each file is there whole, with the digest that the server tells, or not at all. What is
//! there already is not fetched again.

use std::io::Read as _;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use super::{address, files};
use crate::cli::client::Call;
use crate::cli::client::download::Received;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::private_file;
use crate::cli::session::Session;

const MANIFEST: &str = "manifest.json";
/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// Fetches the files of a completed export.
pub(super) async fn run(session: &Session, export: &Json, directory: &Path, platform: bool) -> Result<(), Failure> {
    let id = export.member_text("id").unwrap_or_default();
    if export.member_text("status") != Some("completed") {
        return Err(Failure::general(format!("The export {id} is not completed")));
    }
    let unwritable = |error| Failure::general(format!("{} cannot be made: {error}", directory.display()));
    private_file::make_directory(directory).map_err(unwritable)?;
    for row in files(export) {
        let (Some(name), Some(sha256)) = (row.member_text("name"), row.member_text("sha256")) else { continue };
        let path = directory.join(plain(name)?);
        if digest_of(&path).as_deref() == Some(sha256) {
            session.output.notice(&format!("{name} is there already"));
            continue;
        }
        let received = fetch(session, (id, name), &path, platform).await?;
        if received.sha256() != sha256 {
            return Err(Failure::general(format!("{name} is not what its digest says")));
        }
        received.keep()?;
        session.output.notice(&format!("{name} fetched"));
    }
    fetch(session, (id, MANIFEST), &directory.join(MANIFEST), platform).await?.keep()
}

async fn fetch(session: &Session, (id, name): (&str, &str), path: &Path, platform: bool) -> Result<Received, Failure> {
    let address = address(id, false).then("files").id(name).flag("platform", platform);
    session.download(Call::fetch(address), path).await
}

/// A name that leads nowhere else.
fn plain(name: &str) -> Result<&str, Failure> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    match is_plain && !name.starts_with('.') && !name.is_empty() {
        true => Ok(name),
        false => Err(Failure::general("The server names a file that cannot be written")),
    }
}

/// Digest of a file that is there, hexadecimal.
fn digest_of(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let (mut digest, mut piece) = (Context::new(&SHA256), vec![0; PIECE]);
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(scaivault_eventstore::record::hex(digest.finish().as_ref())),
            read => digest.update(piece.get(..read)?),
        }
    }
}
