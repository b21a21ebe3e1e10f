//! RFC 4180: a header line, fields in the order of the contract's example, `extra_data` as JSON text.

use std::borrow::Cow;

use super::Entry;

/// The names of the fields.
pub(super) const HEADER: &str = "id,timestamp,action,identity_type,identity_id,tenant_id,acting_tenant_id,secret_path,resource,secret_version,source_ip,user_agent,success,error_code,duration_ms,request_id,position,extra_data\r\n";

pub(super) fn write(entry: &Entry<'_>, out: &mut String) {
    fn text<'a>(text: Option<&'a Cow<'_, str>>) -> Cow<'a, str> {
        Cow::Borrowed(text.map_or("", AsRef::as_ref))
    }
    let fields: [Cow<'_, str>; 18] = [
        Cow::Borrowed(&entry.id),
        entry.timestamp.to_string().into(),
        Cow::Borrowed(&entry.action),
        text(entry.identity_type.as_ref()),
        text(entry.identity_id.as_ref()),
        text(entry.tenant_id.as_ref()),
        text(entry.acting_tenant_id.as_ref()),
        text(entry.secret_path.as_ref()),
        text(entry.resource.as_ref()),
        entry.secret_version.map(|version| version.to_string()).unwrap_or_default().into(),
        text(entry.source_ip.as_ref()),
        text(entry.user_agent.as_ref()),
        Cow::Borrowed(if entry.success { "true" } else { "false" }),
        text(entry.error_code.as_ref()),
        entry.duration_ms.to_string().into(),
        Cow::Borrowed(&entry.request_id),
        entry.position.to_string().into(),
        Cow::Borrowed(entry.extra_data.get()),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(field, out);
    }
    out.push_str("\r\n");
}

/// Quoted where it must be; quotes within are doubled.
fn push(field: &str, out: &mut String) {
    if !field.contains([',', '"', '\r', '\n']) {
        out.push_str(field);
        return;
    }
    out.push('"');
    for (index, part) in field.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}
