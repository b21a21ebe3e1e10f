//! Any event of audit exports; and lines that stay one line each, whatever is in an entry.

use proptest::prelude::*;
use scaivault_domain::export::{
    CredentialsPlace, Destination, EntryPlace, ExportContent, ExportEvent, ExportFault, ExportFilter, Extent, FileRow,
    Format, StoreKind,
};
use scaivault_domain::id::ExportId;
use scaivault_domain::{IdentityType, Owner, PartnerId, SecretPath, TenantId};
use serde_json::{Value, json};

use crate::codec::{moment, option, text};

fn filters() -> impl Strategy<Value = ExportFilter> {
    let kind = prop::sample::select(vec![IdentityType::User, IdentityType::System]);
    let actions = prop::collection::vec(text().prop_map(Into::into), 0..3);
    (option(actions), option(text()), option(kind), option(text()), option(any::<bool>()), option(text())).prop_map(
        |(action, identity_id, identity_type, path_prefix, success, source_ip)| ExportFilter {
            action,
            identity_id: identity_id.map(Into::into),
            identity_type,
            path_prefix: path_prefix.map(Into::into),
            success,
            source_ip: source_ip.map(Into::into),
        },
    )
}

fn destination() -> impl Strategy<Value = Destination> {
    let kind = prop::sample::select(vec![StoreKind::S3, StoreKind::Gcs, StoreKind::AzureBlob, StoreKind::File]);
    let owners = vec![
        Owner::Platform,
        Owner::Partner(PartnerId::parse("ptn_a").unwrap()),
        Owner::Tenant(TenantId::parse("tnt_a").unwrap()),
    ];
    let credentials = (prop::sample::select(owners), any::<u32>())
        .prop_map(|(owner, version)| CredentialsPlace::new(&owner, SecretPath::parse("a/b").unwrap(), version));
    (kind, option(text()), text(), option(text()), option(text()), option(credentials)).prop_map(
        |(kind, bucket, prefix, region, endpoint, credentials)| Destination {
            kind,
            bucket: bucket.map(Into::into),
            prefix: prefix.into(),
            region: region.map(Into::into),
            endpoint: endpoint.map(Into::into),
            credentials,
        },
    )
}

fn content() -> impl Strategy<Value = ExportContent> {
    let format = prop::sample::select(Format::ALL.to_vec());
    (format, moment(), moment(), filters(), any::<bool>(), destination()).prop_map(
        |(format, from, to, filters, platform, destination)| ExportContent {
            format,
            from,
            to,
            filters,
            platform,
            destination,
        },
    )
}

pub(crate) fn event() -> impl Strategy<Value = ExportEvent> {
    let id = "exp_[0-9A-Z]{26}".prop_map(|text| ExportId::parse(&text).unwrap());
    let extent = (any::<u64>(), moment(), any::<u64>()).prop_map(|(up_to, not_before, entries)| Extent {
        up_to,
        not_before,
        entries,
    });
    let file = (text(), text(), any::<u64>(), any::<u64>()).prop_map(|(name, sha256, bytes, entries)| FileRow {
        name: name.into(),
        sha256: sha256.into(),
        bytes,
        entries,
    });
    let after = (any::<u64>(), any::<u32>()).prop_map(|(position, index)| EntryPlace { position, index });
    let error = (text(), text()).prop_map(|(code, message)| ExportFault { code: code.into(), message: message.into() });
    prop_oneof![
        (id.clone(), content()).prop_map(|(id, content)| ExportEvent::Created { id, content: content.into() }),
        (id.clone(), extent).prop_map(|(id, extent)| ExportEvent::Started { id, extent }),
        (id.clone(), file, after).prop_map(|(id, file, after)| ExportEvent::Progressed { id, file, after }),
        id.clone().prop_map(|id| ExportEvent::Completed { id }),
        (id, error).prop_map(|(id, error)| ExportEvent::Failed { id, error }),
    ]
}

/// The fields of RFC 4180 text.
fn csv_fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.strip_suffix("\r\n").unwrap().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    assert!(!quoted, "{text}");
    fields.push(field);
    fields
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_in_an_entry_breaks_its_line(agent in "[a-z \"=|,\\\\\r\n\t\u{0}ü☃]{0,20}", path in option("\\PC{0,12}")) {
        let entry = json!({
            "id": "log_1", "timestamp": "2026-04-23T14:30:00Z", "action": "read", "identity_type": null,
            "identity_id": null, "tenant_id": null, "acting_tenant_id": null, "secret_path": path, "resource": null,
            "secret_version": null, "source_ip": null, "user_agent": agent, "success": true, "error_code": null,
            "duration_ms": 0, "request_id": "req_1", "position": 1, "extra_data": {"reason": agent},
        });
        let shown = entry.to_string();
        let line = |format: Format| {
            let mut out = String::new();
            format.write(&shown, &mut out).unwrap();
            out
        };
        for format in [Format::Jsonl, Format::Cef, Format::Ocsf] {
            let line = line(format);
            prop_assert!(line.ends_with('\n') && line.matches(['\n', '\r']).count() == 1, "{line:?}");
        }
        let fields = csv_fields(&line(Format::Csv));
        prop_assert_eq!(fields.len(), 18);
        prop_assert_eq!(&fields[11], &agent);
        prop_assert_eq!(serde_json::from_str::<Value>(&fields[17]).unwrap(), entry["extra_data"].clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&line(Format::Jsonl)).unwrap(), entry);
    }
}
