//! Samples of what happens to audit exports.

use scaivault_domain::export::{
    CredentialsPlace, Destination, EntryPlace, ExportContent, ExportEvent, ExportFault, ExportFilter, Extent, FileRow,
    Format, StoreKind,
};
use scaivault_domain::id::ExportId;
use scaivault_domain::{Event, IdentityType, Owner, SecretPath, TenantId, Timestamp};

fn id() -> ExportId {
    ExportId::parse("exp_01JX5W7D2F4H6J8K0M2N4P6Q8R").unwrap()
}

fn full(at: Timestamp) -> ExportContent {
    let tenant = Owner::Tenant(TenantId::parse("tnt_acme_prod").unwrap());
    ExportContent {
        format: Format::Ocsf,
        from: at.plus_seconds(-86_400),
        to: at,
        filters: ExportFilter {
            action: Some(vec!["read".into(), "write".into()]),
            identity_id: Some("sa:reporting".into()),
            identity_type: Some(IdentityType::ServiceAccount),
            path_prefix: Some("integrations/".into()),
            success: Some(false),
            source_ip: Some("10.0.1.50".into()),
        },
        platform: true,
        destination: Destination {
            kind: StoreKind::S3,
            bucket: Some("acme-audit".into()),
            prefix: "scaivault".into(),
            region: Some("eu-central-1".into()),
            endpoint: Some("https://s3.acme.example".into()),
            credentials: Some(CredentialsPlace::new(&tenant, SecretPath::parse("audit/s3").unwrap(), 2)),
        },
    }
}

fn bare(at: Timestamp) -> ExportContent {
    ExportContent {
        format: Format::Jsonl,
        filters: ExportFilter::default(),
        platform: false,
        destination: Destination {
            kind: StoreKind::File,
            bucket: None,
            prefix: "".into(),
            region: None,
            endpoint: None,
            credentials: None,
        },
        ..full(at)
    }
}

/// Samples with the names of their files.
pub(crate) fn all(at: Timestamp) -> Vec<(&'static str, Event)> {
    let file = FileRow {
        name: "exp_01JX5W7D2F4H6J8K0M2N4P6Q8R-00001.jsonl".into(),
        sha256: "ab".repeat(32).into(),
        bytes: 48_211_034,
        entries: 125_432,
    };
    let error =
        ExportFault { code: "backend_error".into(), message: "The object store did not accept the credentials".into() };
    let extent = Extent { up_to: 104_523, not_before: at, entries: 125_432 };
    let events = [
        ("export.created", ExportEvent::Created { id: id(), content: full(at).into() }),
        ("export.created.bare", ExportEvent::Created { id: id(), content: bare(at).into() }),
        ("export.started", ExportEvent::Started { id: id(), extent }),
        (
            "export.progressed",
            ExportEvent::Progressed { id: id(), file, after: EntryPlace { position: 104_500, index: 3 } },
        ),
        ("export.completed", ExportEvent::Completed { id: id() }),
        ("export.failed", ExportEvent::Failed { id: id(), error }),
    ];
    events.into_iter().map(|(name, event)| (name, Event::Export(event))).collect()
}
