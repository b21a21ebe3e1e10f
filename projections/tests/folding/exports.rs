//! Audit exports: live, rebuilt and from a snapshot they are the same; and entries are counted up to a position.

use scaivault_domain::Event;
use scaivault_domain::export::{
    Destination, EntryPlace, ExportContent, ExportEvent, ExportFault, ExportFilter, ExportStatus, Extent, FileRow,
    Format, StoreKind,
};
use scaivault_domain::id::ExportId;
use scaivault_projections::View;
use scaivault_projections::snapshot::Snapshots;
use tempfile::TempDir;

use crate::node::{Node, acme, other};

fn id(name: &str) -> ExportId {
    ExportId::parse(name).unwrap()
}

fn content(node: &Node) -> Box<ExportContent> {
    let destination = Destination {
        kind: StoreKind::File,
        bucket: None,
        prefix: "".into(),
        region: None,
        endpoint: None,
        credentials: None,
    };
    let (from, to) = (node.at(0), node.at(60));
    let filters = ExportFilter { success: Some(true), ..ExportFilter::default() };
    Box::new(ExportContent { format: Format::Cef, from, to, filters, platform: false, destination })
}

/// Makes events of one export happen, from this revision on.
async fn happen(node: &Node, revision: u64, events: Vec<ExportEvent>) {
    let stream = node.stream(&acme(), "export", events[0].id().as_str());
    let drafts = (revision..).zip(events);
    let drafts = drafts.map(|(revision, event)| node.draft(&acme(), stream, revision, Event::Export(event), None));
    let committed = node.append(drafts.collect(), Vec::new(), Vec::new()).await;
    node.folded(committed).await;
}

async fn filled() -> Node {
    let node = Node::start().await;
    for name in ["exp_1", "exp_2", "exp_3"] {
        happen(&node, 1, vec![ExportEvent::Created { id: id(name), content: content(&node) }]).await;
    }
    let extent = Extent { up_to: 7, not_before: node.at(0), entries: 4 };
    let file = FileRow { name: "exp_1-00001.cef".into(), sha256: "ab".into(), bytes: 9, entries: 3 };
    let after = EntryPlace { position: 5, index: 2 };
    let begun = vec![
        ExportEvent::Started { id: id("exp_1"), extent },
        ExportEvent::Progressed { id: id("exp_1"), file, after },
    ];
    happen(&node, 2, begun).await;
    let error = ExportFault { code: "backend_error".into(), message: "no".into() };
    happen(&node, 2, vec![ExportEvent::Failed { id: id("exp_2"), error }]).await;
    node
}

fn check(view: &View, expected: &View) {
    let ids =
        |view: &View| view.exports.newest_first(&acme()).map(|held| held.export.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(view), ["exp_3", "exp_2", "exp_1"]);
    assert_eq!(view.exports.newest_first(&other()).count(), 0);
    let running = view.exports.of(&acme(), &id("exp_1")).unwrap();
    assert_eq!((running.export.status(), running.export.entries(), running.revision.0), (ExportStatus::Running, 3, 3));
    let failed = view.exports.find(&id("exp_2")).unwrap();
    assert_eq!((failed.export.status(), failed.revision.0), (ExportStatus::Failed, 2));
    let unfinished: Vec<_> = view.exports.unfinished().map(|(id, owner)| (id.to_string(), owner.clone())).collect();
    assert_eq!(unfinished, [("exp_1".to_owned(), acme()), ("exp_3".to_owned(), acme())]);
    for name in ["exp_1", "exp_2", "exp_3"] {
        assert_eq!(view.exports.of(&acme(), &id(name)), expected.exports.of(&acme(), &id(name)));
        assert_eq!(view.exports.of(&other(), &id(name)), None);
    }
}

#[tokio::test]
async fn live_rebuilt_and_from_a_snapshot_they_are_the_same() {
    let (node, directory) = (filled().await, TempDir::new().unwrap());
    let live = node.projections.view();
    check(&live, &live);
    check(&node.rebuild().await.view(), &live);
    let snapshots = Snapshots::new(directory.path().join("snapshots"), node.sealer.clone());
    snapshots.write(&node.projections.freeze().await).unwrap();
    check(&snapshots.read(&snapshots.candidates()[0]).unwrap().view, &live);
    happen(&node, 4, vec![ExportEvent::Completed { id: id("exp_1") }]).await;
    assert_eq!(node.projections.view().exports.unfinished().count(), 1);
}
