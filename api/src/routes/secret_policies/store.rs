//! Generated values that are written to a secret instead of being shown.

use scaivault_commands::secret_policy::StoreGenerated;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::SecretType;
use scaivault_domain::secret::write::Written;
use scaivault_domain::{Rejection, Scope, SecretPath};

use super::id;
use crate::call::{Call, Stop};
use crate::fields::Faults;
use crate::response::Done;
use crate::routes::secrets::input::secret_type;
use crate::routes::secrets::write::reply;

/// The path to write to, if one is given, once it is clear that the caller may write there.
pub(super) fn wanted(call: &mut Call) -> Result<Option<SecretPath>, Rejection> {
    // A value of another type is told with the other values.
    let given = call.fields().text("store_path", &mut Faults::default()).flatten();
    let Some(text) = given else { return Ok(None) };
    call.entry.action = Action::Write;
    let path = SecretPath::parse(&text);
    call.entry.secret_path = path.as_ref().ok().map(SecretPath::shared);
    if !call.caller.scopes.grants(Scope::SecretsWrite) {
        let sentence = "Storing generated values needs the scope secrets:write";
        let rejection = Rejection::denied("insufficient_scope", sentence);
        return Err(rejection.detail("required_scope", Scope::SecretsWrite.as_str()));
    }
    let path = path?;
    let (decision, denied) = call.decide(Permission::Write, &path);
    call.entry.facts.decision = Some(decision);
    denied.map_or(Ok(Some(path)), Err)
}

/// The other values of the body.
pub(super) fn values(call: &mut Call, is_stored: bool) -> Result<Option<SecretType>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.has("secret_type");
    let secret_type = secret_type(&mut fields, &mut faults);
    // One that is a path has been read.
    let _ = fields.text("store_path", &mut faults);
    if given && !is_stored {
        faults.field("secret_type", "goes with store_path only");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(secret_type)
}

/// Writes; the answer is that of any other write, and holds no value.
pub(super) async fn store(call: &mut Call, path: SecretPath) -> Result<Done, Stop> {
    call.begin().await?;
    let secret_type = values(call, true)?;
    let command = StoreGenerated { policy: id(call)?, path, secret_type };
    let tell = |written: &Written| Ok((reply(&command.path, written)?, Some(written.version)));
    let answer = call.app.engine.store_generated(&call.change(), &command, tell).await?;
    Ok(Done::Changed(answer))
}
