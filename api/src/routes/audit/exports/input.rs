//! What the body of an export says.

use std::collections::BTreeSet;
use std::sync::Arc;

use scaivault_commands::fetch::check_url;
use scaivault_domain::audit::ACTIONS;
use scaivault_domain::export::{Destination, ExportContent, ExportFilter, Format, MAX_TEXT, StoreKind, prefix_fault};
use scaivault_domain::{IdentityType, Rejection, Timestamp};

use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};
use crate::routes::audit::input::{canonical, known_as};

/// Region of S3 if none is given.
const DEFAULT_REGION: &str = "us-east-1";

/// Reads the body. `has_credentials`: a path of them is given, and has been read already.
pub(super) fn content(call: &mut Call, has_credentials: bool) -> Result<ExportContent, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let format = chosen(&mut fields, "format", Format::ALL.map(Format::as_str), Format::parse, &mut faults);
    let from = moment(&mut fields, "from", &mut faults);
    let to = moment(&mut fields, "to", &mut faults);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        faults.field("from", "must not be later than to");
    }
    let filters = fields.object("filters", &mut faults);
    let filters = not_null(filters, "filters", &mut faults);
    let filters = filters.map(|fields| filter(call, fields, &mut faults)).unwrap_or_default();
    let platform = fields.boolean("platform", &mut faults);
    let platform = not_null(platform, "platform", &mut faults).unwrap_or(false);
    let is_given = fields.has("destination");
    let given = fields.object("destination", &mut faults);
    let destination = match not_null(given, "destination", &mut faults) {
        Some(fields) => destination(call, fields, has_credentials, &mut faults),
        None => {
            if !is_given {
                faults.field("destination", "is required");
            }
            None
        }
    };
    fields.finish(&mut faults);
    faults.finish()?;
    let (Some(format), Some(from), Some(to), Some(destination)) = (format, from, to, destination) else {
        return Err(Rejection::field("destination", "is required"));
    };
    // What lies ahead is not recorded yet.
    let to = to.min(call.now());
    Ok(ExportContent { format, from: from.min(to), to, filters, platform, destination })
}

fn filter(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> ExportFilter {
    let text = |fields: &mut Fields<'_>, name: &str, faults: &mut Faults| {
        let given = fields.text(name, faults);
        let given = not_null(given, &fields.name(name), faults);
        if given.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
            faults.field(fields.name(name), format!("must have at most {MAX_TEXT} bytes"));
        }
        given
    };
    let identity_id = text(&mut fields, "identity_id", faults).map(|text| known_as(call, &text));
    let kind = text(&mut fields, "identity_type", faults);
    let identity_type = kind.as_deref().and_then(IdentityType::parse);
    if kind.is_some() && identity_type.is_none() {
        faults.field("filters.identity_type", "must be user, service_account, group or system");
    }
    let path_prefix = text(&mut fields, "path_prefix", faults).map(Into::into);
    let source_ip = text(&mut fields, "source_ip", faults).map(|text| canonical(text.into()));
    let action = fields.texts("action", faults);
    let action = not_null(action, "filters.action", faults);
    if action.as_ref().is_some_and(|words| words.is_empty() || words.iter().any(|word| !ACTIONS.contains(&&**word))) {
        faults.field("filters.action", "must hold known actions");
    }
    let action = action.map(|words| words.into_iter().collect::<BTreeSet<_>>().into_iter().map(Arc::from).collect());
    let success = fields.boolean("success", faults);
    let success = not_null(success, "filters.success", faults);
    fields.finish(faults);
    ExportFilter { action, identity_id, identity_type, path_prefix, success, source_ip }
}

fn destination(call: &Call, mut fields: Fields<'_>, has_credentials: bool, faults: &mut Faults) -> Option<Destination> {
    let kinds = ["s3", "gcs", "azure_blob", "file"];
    let kind = chosen(&mut fields, "type", kinds, StoreKind::parse, faults);
    let bucket = word(&mut fields, "bucket", b"._-", faults);
    let region = word(&mut fields, "region", b"-", faults);
    let prefix = fields.text("prefix", faults).flatten().unwrap_or_default();
    if let Some(fault) = prefix_fault(&prefix) {
        faults.field("destination.prefix", fault);
    }
    let endpoint = fields.text("endpoint", faults).flatten();
    if let Some(endpoint) = &endpoint {
        let rules = call.app.engine.trust().addresses();
        let checked = check_url(endpoint, rules, true).err();
        let fault = checked.or((endpoint.contains('?')).then_some("must not have a query"));
        if let Some(fault) = fault {
            faults.field("destination.endpoint", fault);
        }
    }
    // Its value has been looked at; one of another type is a fault.
    fields.text("credentials_path", faults);
    fields.finish(faults);
    let kind = kind?;
    match kind {
        StoreKind::File => {
            let given = [bucket.is_some(), region.is_some(), endpoint.is_some(), has_credentials];
            let names = ["bucket", "region", "endpoint", "credentials_path"];
            for (name, _) in names.into_iter().zip(given).filter(|(_, given)| *given) {
                faults.field(format!("destination.{name}"), "is not for file");
            }
            if !call.app.engine.exporting().keeps_files() {
                faults.field("destination.type", "must not be file: this server has no directory for exports");
            }
        }
        StoreKind::S3 | StoreKind::Gcs | StoreKind::AzureBlob => {
            for (name, given) in [("bucket", bucket.is_some()), ("credentials_path", has_credentials)] {
                if !given {
                    faults.field(format!("destination.{name}"), "is required");
                }
            }
        }
    }
    let default_region = (kind == StoreKind::S3).then(|| DEFAULT_REGION.into());
    Some(Destination {
        kind,
        bucket,
        prefix: prefix.into(),
        region: region.or(default_region),
        endpoint: endpoint.map(Into::into),
        credentials: None,
    })
}

/// A word that becomes part of a URL: letters, digits and some other bytes.
fn word(fields: &mut Fields<'_>, name: &str, others: &[u8], faults: &mut Faults) -> Option<Arc<str>> {
    let text = fields.text(name, faults).flatten()?;
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    let dots = text.bytes().all(|byte| byte == b'.');
    if dots || text.len() > MAX_TEXT.min(255) || !text.bytes().all(is_sound) {
        faults.field(fields.name(name), "is not such a name");
    }
    Some(text.into())
}

/// A required text that must be one of these.
fn chosen<T, const N: usize>(
    fields: &mut Fields<'_>,
    name: &str,
    words: [&str; N],
    parse: impl Fn(&str) -> Option<T>,
    faults: &mut Faults,
) -> Option<T> {
    if !fields.has(name) {
        faults.field(fields.name(name), "is required");
        return None;
    }
    let given = fields.text(name, faults);
    let text = not_null(given, &fields.name(name), faults)?;
    let value = parse(&text);
    if value.is_none() {
        faults.field(fields.name(name), format!("must be one of {}", words.join(", ")));
    }
    value
}

/// A required moment.
fn moment(fields: &mut Fields<'_>, name: &str, faults: &mut Faults) -> Option<Timestamp> {
    if !fields.has(name) {
        faults.field(name, "is required");
    }
    let given = fields.timestamp(name, faults);
    not_null(given, name, faults)
}
