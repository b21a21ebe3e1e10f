//! `POST /v1/secrets/batch`: values of several secrets. Each path is checked, audited and counted
//! on its own.

use std::collections::BTreeMap;

use scaivault_commands::{EntryDraft, Failure, Reply};
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::metadata::Flat;
use scaivault_domain::secret::read::Selection;
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath};
use scaivault_projections::Reading;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::view::secret_type;
use super::{read, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::{Faults, Fields, not_null};
use crate::operation::{Access, Body};
use crate::response::Done;
use crate::{dispatch, error};

secret_operation!(BATCH, POST, "/batch", "read_secrets", {
    summary: "Reads the values of up to 100 secrets; what fails for one path does not concern the others.",
    access: Access::Scopes(&[Scope::SecretsRead]),
    category: Category::BatchRead,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("BatchRead"),
    answers: &[(200, Some("BatchReadAnswer"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::SecretNotFound, ErrorCode::VersionNotFound, ErrorCode::SecretExpired],
    handler: |call| Box::pin(read_batch(call)),
});

/// Most paths of a batch.
pub const MAX_PATHS: usize = 100;

#[derive(Serialize)]
struct Answer<'a> {
    secrets: BTreeMap<&'a str, Row<'a>>,
    errors: BTreeMap<&'a str, Value>,
}

#[derive(Serialize)]
struct Row<'a> {
    data: &'a RawValue,
    version: u32,
    secret_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Flat<'a>>,
}

struct Wanted {
    paths: Vec<String>,
    include_metadata: bool,
    fail_fast: bool,
    version: Option<u32>,
}

async fn read_batch(call: &mut Call) -> Result<Done, Stop> {
    let wanted = wanted(call)?;
    let mut readings: Vec<(&str, Reading)> = Vec::new();
    let mut errors: BTreeMap<&str, Rejection> = BTreeMap::new();
    let mut entries: Vec<(EntryDraft, Option<&'static str>)> = Vec::new();
    for text in &wanted.paths {
        let (entry, read) = read_one(call, text, wanted.version).await?;
        let code = read.as_ref().err().map(|rejection| rejection.code.as_str());
        match read {
            Ok(reading) => readings.push((text, reading)),
            Err(rejection) if wanted.fail_fast => return Err(fail_fast(call, entry, text, rejection)),
            Err(rejection) => _ = errors.insert(text, rejection),
        }
        entries.push((entry, code));
    }
    take_reads(call, readings.len())?;
    let secrets: Result<BTreeMap<_, _>, serde_json::Error> = readings
        .iter()
        .map(|(path, reading)| {
            read::count_read(call, reading);
            Ok((*path, row(reading, wanted.include_metadata)?))
        })
        .collect();
    let errors = errors.into_iter().map(|(path, rejection)| (path, inner(&rejection))).collect();
    let size = readings.iter().map(|(path, reading)| path.len() + reading.data.len() + 512).sum::<usize>() + 512;
    let reply = Reply::json_sized(200, &Answer { secrets: secrets?, errors }, size)?;
    call.record(&entries).await?;
    Ok(Done::Recorded(reply))
}

fn wanted(call: &mut Call) -> Result<Wanted, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let paths = paths(&mut fields, &mut faults);
    let options = fields.object("options", &mut faults);
    let mut wanted = Wanted { paths, include_metadata: false, fail_fast: false, version: None };
    if let Some(mut options) = not_null(options, "options", &mut faults) {
        wanted.include_metadata = options.boolean("include_metadata", &mut faults).flatten().unwrap_or(false);
        wanted.fail_fast = options.boolean("fail_fast", &mut faults).flatten().unwrap_or(false);
        let version = options.integer("version", (1, i64::MAX), &mut faults).flatten();
        wanted.version = version.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
        options.finish(&mut faults);
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(wanted)
}

/// `paths`: 1–100, duplicates dropped.
pub(super) fn paths(fields: &mut Fields<'_>, faults: &mut Faults) -> Vec<String> {
    let given = fields.has("paths");
    let texts = fields.texts("paths", faults);
    let texts = not_null(texts, "paths", faults);
    if !given {
        faults.field("paths", "is required");
    }
    let mut paths: Vec<String> = Vec::new();
    let count = texts.as_ref().map(Vec::len);
    for text in texts.unwrap_or_default() {
        if !paths.contains(&text) {
            paths.push(text);
        }
    }
    if count == Some(0) || paths.len() > MAX_PATHS {
        faults.field("paths", "must hold 1 to 100 paths");
    }
    paths
}

/// One path of the batch with its entry. Only what concerns the whole batch is an outer error.
async fn read_one(
    call: &Call,
    text: &str,
    version: Option<u32>,
) -> Result<(EntryDraft, Result<Reading, Rejection>), Failure> {
    let (mut entry, path) = entry_of(call, text, Permission::Read);
    let path = match path {
        Ok(path) => path,
        Err(rejection) => return Ok((entry, Err(rejection))),
    };
    entry.secret_version = version;
    let selection = Selection { version, ..Selection::default() };
    let read = call.app.reader.read(&call.target.owner, &path, selection, None, call.now()).await;
    match read.map_err(error::of_read) {
        Ok(reading) => {
            entry.secret_version = Some(reading.version);
            Ok((entry, Ok(reading)))
        }
        Err(Failure::Rejected(rejection)) => Ok((entry, Err(rejection))),
        Err(other) => Err(other),
    }
}

/// The entry of one path of a batch, and the path once the permission on it is granted.
pub(super) fn entry_of(call: &Call, text: &str, permission: Permission) -> (EntryDraft, Result<SecretPath, Rejection>) {
    let mut entry = call.entry.clone();
    entry.facts.batch = true;
    let path = match SecretPath::parse(text) {
        Ok(path) => path,
        Err(rejection) => return (entry, Err(rejection)),
    };
    entry.secret_path = Some(path.as_str().into());
    entry.resource = None;
    let (decision, denied) = call.decide(permission, &path);
    entry.facts.decision = Some(decision);
    (entry, denied.map_or(Ok(path), Err))
}

/// The first failing path answers alone: the batch is refused as a whole, in one entry.
pub(super) fn fail_fast(call: &mut Call, entry: EntryDraft, text: &str, rejection: Rejection) -> Stop {
    call.entry = entry;
    Stop::from(rejection.detail("path", text))
}

/// One `secrets_read` unit for each path that is returned.
fn take_reads(call: &Call, count: usize) -> Result<(), Rejection> {
    let units = u32::try_from(count).unwrap_or(u32::MAX);
    let taken =
        call.app.rate_limits.take(&dispatch::bucket_of(&call.caller), Category::SecretsRead, units, call.entry.started);
    taken.map(drop).map_err(|exhausted| dispatch::limited(exhausted.category, exhausted.retry_after))
}

fn row(reading: &Reading, with_metadata: bool) -> Result<Row<'_>, serde_json::Error> {
    Ok(Row {
        data: serde_json::from_slice(&reading.data)?,
        version: reading.version,
        secret_type: secret_type(&reading.secret, reading.version),
        metadata: with_metadata.then(|| reading.secret.metadata.flat()),
    })
}

/// A refusal inside an answer: the envelope's content without the request id.
pub(super) fn inner(rejection: &Rejection) -> Value {
    let mut error = serde_json::json!({ "code": rejection.code.as_str(), "message": rejection.message });
    if let (false, Some(object)) = (rejection.details.is_empty(), error.as_object_mut()) {
        object.insert("details".into(), Value::Object(rejection.details.clone()));
    }
    error
}
