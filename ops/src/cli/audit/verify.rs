//! `audit verify`: whether the log is what was signed, and what was recorded.
//!
//! The checkpoint's signature is checked with a key that this side knows, and the tree is rebuilt on this side.
//! Who administers the installation has the server look at its records too, which nobody else can see.

use std::path::PathBuf;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::note::{Note, VerifierKey};

use super::checkpoint;
use super::keys::{Remembered, Trusted};
use super::offline;
use super::rebuilding::{self, Finding};
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::chosen_lines;
use crate::cli::{input, private_file};

/// Records that the server looks at for one request.
const LOOKED_AT: u64 = 200_000;

/// Flags of `audit verify`.
#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// File with an earlier checkpoint: today's log must extend it
    #[arg(long, value_name = "FILE")]
    since: Option<String>,
    /// Verify this bundle of `audit bundle` instead: no server is needed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "save"])]
    offline: Option<String>,
    /// File with the key that signs checkpoints, instead of the one remembered from the first run
    #[arg(long, value_name = "FILE")]
    public_key: Option<String>,
    /// Write the new checkpoint to this file, if all is sound
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// What is known of the log once it was verified.
struct Verdict {
    tree_size: u64,
    root_hash: String,
    note: String,
    finding: Option<Finding>,
}

impl Verdict {
    /// Together with what the server found in the records themselves: it says more exactly where and why.
    fn and(self, there: Option<Self>) -> Self {
        let found = there.and_then(|there| there.finding);
        let known = self.finding.filter(|finding| finding.is_exact || found.is_none());
        Self { finding: found.into_iter().chain(known).min_by_key(|finding| finding.position), ..self }
    }
}

/// Verifies the log.
pub(super) async fn run(session: &Session, arguments: VerifyArguments) -> Result<Exit, Failure> {
    let began = Instant::now();
    if let Some(file) = &arguments.offline {
        return verify_offline(session, file, arguments.public_key.as_deref(), began).await;
    }
    let verdict = match verify_here(session, &arguments).await {
        Ok(here) => here.and(verify_there(session).await?),
        // A server that cannot sign may still say what is wrong.
        Err(failure) if failure.exit() == Exit::GENERAL => match verify_there(session).await {
            Ok(Some(there)) if there.finding.is_some() => there,
            Ok(_) | Err(_) => return Err(failure),
        },
        Err(failure) => return Err(failure),
    };
    show(session, &verdict, began)?;
    if verdict.finding.is_some() {
        return Ok(Exit::GENERAL);
    }
    if let Some(path) = &arguments.save {
        private_file::write(path, verdict.note.as_bytes())
            .map_err(|error| Failure::general(format!("{} cannot be written: {error}", path.display())))?;
    }
    Ok(Exit::SUCCESS)
}

/// Verifies a bundle: with the key of a file, the remembered one, or if there is neither with its own.
async fn verify_offline(
    session: &Session,
    file: &str,
    public_key: Option<&str>,
    began: Instant,
) -> Result<Exit, Failure> {
    let trusted = match public_key {
        Some(key) => Some(trusted(key).await?),
        // Without a server there is none to have remembered a key of.
        None if session.settings.base_url().is_err() => None,
        None => Remembered::load(session)?.key()?,
    };
    let text = input::text(file).await?;
    let checked =
        offline::check(&text, trusted.as_ref()).map_err(|reason| Failure::usage(format!("{file} {reason}")))?;
    if checked.is_unconfirmed {
        session.output.notice("No key is known for this: the bundle's own was used, and is unconfirmed");
    }
    let finding =
        checked.finding.map(|(position, reason)| Finding { position, is_exact: true, reason: reason.to_owned() });
    let is_sound = finding.is_none();
    let verdict = Verdict { tree_size: checked.tree_size, root_hash: checked.root_hash, note: String::new(), finding };
    show(session, &verdict, began)?;
    if is_sound {
        session.output.notice(&format!("{} entries are proved", checked.entries));
    }
    Ok(if is_sound { Exit::SUCCESS } else { Exit::GENERAL })
}

/// The key in a file.
async fn trusted(file: &str) -> Result<Trusted, Failure> {
    let text = input::text(file).await?;
    Trusted::parse(&text).ok_or_else(|| Failure::usage(format!("{file} holds no key that verifies checkpoints")))
}

fn show(session: &Session, verdict: &Verdict, began: Instant) -> Result<(), Failure> {
    let Verdict { tree_size, root_hash, finding, .. } = verdict;
    let bad = finding.as_ref();
    let document = object([
        ("ok", Some(Json::Bool(bad.is_none()))),
        ("from_position", Some(Json::whole(1))),
        ("to_position", Some(Json::whole(*tree_size))),
        ("complete", Some(Json::Bool(true))),
        ("tree_size", Some(Json::whole(*tree_size))),
        ("root_hash", Some(Json::text(root_hash.as_str()))),
        ("first_bad_position", Some(bad.map_or(Json::Null, |finding| Json::whole(finding.position)))),
        ("reason", Some(bad.map_or(Json::Null, |finding| Json::text(finding.reason.as_str())))),
        ("duration_ms", Some(Json::whole(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)))),
    ]);
    if session.output.json {
        return session.output.document(&document);
    }
    let shown = ["ok", "tree_size", "root_hash", "first_bad_position", "reason"];
    session.output.print(&chosen_lines(&document, &shown.map(|name| (name, name))))
}

/// Checks the signature and rebuilds the tree.
async fn verify_here(session: &Session, arguments: &VerifyArguments) -> Result<Verdict, Failure> {
    let mut remembered = Remembered::load(session)?;
    let trusted = match &arguments.public_key {
        Some(file) => Some(trusted(file).await?),
        None => remembered.key()?,
    };
    let since = match &arguments.since {
        Some(file) => Some((file.as_str(), input::text(file).await?)),
        None => None,
    };
    let signed = session.send(checkpoint::fetch()).await?.json()?;
    let note = checkpoint::note(&signed).to_owned();
    let claimed = claim(&note).ok_or_else(|| Failure::general("The server's checkpoint is not of the form"))?;
    let mut verdict =
        Verdict { tree_size: claimed.tree_size, root_hash: STANDARD.encode(claimed.root), note, finding: None };
    let keys = match trusted {
        Some(trusted) => trusted.of(&claimed.origin),
        None => vec![first_seen(session, &verdict.note, &mut remembered).await?],
    };
    if Checkpoint::open(&verdict.note, &keys).is_err() {
        verdict.finding = invalid(claimed.tree_size);
        session.output.notice("The checkpoint is not signed with the known key");
        return Ok(verdict);
    }
    let since = match since {
        Some((file, text)) => match Checkpoint::open(&text, &keys) {
            Ok(since) if since.origin == claimed.origin => Some(since),
            Ok(_) | Err(_) => {
                return Err(Failure::general(format!("{file} holds no checkpoint signed with the known key")));
            }
        },
        None => None,
    };
    verdict.finding = rebuilding::check(session, &claimed, since.as_ref()).await?;
    Ok(verdict)
}

fn invalid(position: u64) -> Option<Finding> {
    Some(Finding { position, is_exact: true, reason: "checkpoint_invalid".to_owned() })
}

/// What a note says, whoever has signed it.
fn claim(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note).ok()?.text).ok()
}

/// The key of a server that is verified for the first time; it is remembered if it has signed the checkpoint.
async fn first_seen(session: &Session, note: &str, remembered: &mut Remembered) -> Result<VerifierKey, Failure> {
    let answer = session.send(Call::fetch(Address::new("/v1/audit/public-key"))).await?.json()?;
    let key = answer.member_text("verifier_key").and_then(|key| VerifierKey::parse(key).ok());
    let key = key.ok_or_else(|| Failure::general("The server's key is not of the form"))?;
    if Checkpoint::open(note, std::slice::from_ref(&key)).is_ok() {
        remembered.keep(&key)?;
        session.output.notice(&format!(
            "Key {key} is now known for this server (in {}): compare it with a copy from elsewhere",
            remembered.path().display()
        ));
    }
    Ok(key)
}

/// Has the server look at all its records; `None` for who may not ask for that.
async fn verify_there(session: &Session) -> Result<Option<Verdict>, Failure> {
    let mut from = 1;
    loop {
        let body = object([("from_position", Some(Json::whole(from))), ("limit", Some(Json::whole(LOOKED_AT)))]);
        let answer = match session.send(Call::ask(Address::new("/v1/audit/verify"), &body)).await {
            Ok(answer) => answer.json()?,
            Err(failure) if failure.exit() == Exit::FORBIDDEN => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let finding = answer.member_whole("first_bad_position").map(|position| Finding {
            position,
            is_exact: true,
            reason: answer.member_text("reason").unwrap_or_default().to_owned(),
        });
        let to = answer.member_whole("to_position").unwrap_or_default();
        let complete = answer.member("complete").is_some_and(Json::is_true);
        if finding.is_some() || complete {
            return Ok(Some(Verdict {
                tree_size: answer.member_whole("tree_size").unwrap_or_default(),
                root_hash: answer.member_text("root_hash").unwrap_or_default().to_owned(),
                note: String::new(),
                finding,
            }));
        }
        if to < from {
            return Err(Failure::general("The server does not come to an end of its records"));
        }
        from = to + 1;
    }
}
