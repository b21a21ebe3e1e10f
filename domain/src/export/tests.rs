//! What an export comes to, step by step.
#![allow(clippy::unwrap_used)]

use super::*;

fn export() -> Export {
    let destination = Destination {
        kind: StoreKind::File,
        bucket: None,
        prefix: "".into(),
        region: None,
        endpoint: None,
        credentials: None,
    };
    let content = ExportContent {
        format: Format::Csv,
        from: Timestamp::from_micros(0),
        to: Timestamp::from_micros(1),
        filters: ExportFilter::default(),
        platform: false,
        destination,
    };
    let id = ExportId::parse("exp_1").unwrap();
    Export::new(id, content, Timestamp::from_micros(2), IdentityId::user("alice@acme.example"))
}

#[test]
fn an_export_goes_on_file_by_file() {
    let mut export = export();
    let id = export.id.clone();
    assert_eq!((export.status(), export.next_file().as_str()), (ExportStatus::Pending, "exp_1-00001.csv"));
    let extent = Extent { up_to: 9, not_before: Timestamp::from_micros(0), entries: 3 };
    export.apply(ExportEvent::Started { id: id.clone(), extent }, Timestamp::from_micros(3));
    let file = FileRow { name: "exp_1-00001.csv".into(), sha256: "ab".into(), bytes: 7, entries: 3 };
    let after = EntryPlace { position: 8, index: 1 };
    export.apply(ExportEvent::Progressed { id: id.clone(), file, after }, Timestamp::from_micros(4));
    assert_eq!((export.status(), export.entries(), export.after), (ExportStatus::Running, 3, Some(after)));
    assert_eq!(export.next_file(), "exp_1-00002.csv");
    assert!(!export.has_file("exp_1-00001.csv"), "not before it is completed");
    export.apply(ExportEvent::Completed { id }, Timestamp::from_micros(5));
    assert_eq!(export.status(), ExportStatus::Completed);
    assert!(export.has_file("exp_1-00001.csv") && export.has_file(MANIFEST) && !export.has_file("exp_1-00002.csv"));
    assert_eq!(export.kept_until(), Some(Timestamp::from_micros(5).plus_seconds(30 * 86_400)));
}

#[test]
fn prefixes_stay_below_the_bucket() {
    for good in ["", "a", "a/", "audit/2026/", "a.b/..c"] {
        assert_eq!(prefix_fault(good), None, "{good}");
    }
    for bad in ["/", "/a", "a//b", "../a", "a/../b", "a/..", "./a", "a\n", "a//"] {
        assert!(prefix_fault(bad).is_some(), "{bad}");
    }
    let destination = Destination { prefix: "audit/".into(), ..export().content.destination };
    assert_eq!(destination.key("x"), "audit/x");
    assert_eq!(export().content.destination.key("x"), "x");
}
