//! Files of exports: not there before they are finished, below their directory, deleted whole. And object stores:
//! asked only where the rules permit it.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use scaivault_commands::export::credentials::StoreCredentials;
use scaivault_domain::address::AddressRules;
use scaivault_domain::export::Destination;

use super::*;

fn destination(kind: StoreKind, endpoint: Option<&str>) -> Destination {
    Destination {
        kind,
        bucket: Some("audit".into()),
        prefix: "".into(),
        region: Some("us-east-1".into()),
        endpoint: endpoint.map(Into::into),
        credentials: None,
    }
}

fn id() -> ExportId {
    ExportId::parse("exp_1").unwrap()
}

async fn write(store: &dyn Store, name: &str, content: &'static str) -> Result<(), StoreFault> {
    let mut writer = store.begin(name).await?;
    writer.write(Bytes::from_static(content.as_bytes())).await?;
    writer.finish().await
}

async fn read(store: &dyn Store, name: &str) -> Result<String, StoreFault> {
    let object = store.read(name).await?;
    let pieces: Vec<Bytes> = object.content.try_collect().await.unwrap();
    assert_eq!(object.bytes, pieces.concat().len() as u64);
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

#[tokio::test]
async fn files_are_there_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let objects = Objects::new(Some(place.path().join("exports")));
    let destination = destination(StoreKind::File, None);
    let opening =
        Opening { id: &id(), destination: &destination, credentials: None, addresses: AddressRules::default() };
    let store = objects.open(&opening).unwrap();
    assert_eq!(objects.kept().await, Ok(Vec::new()), "there is no directory yet");
    let mut under_way = store.begin("a/b.jsonl").await.unwrap();
    under_way.write(Bytes::from_static(b"old")).await.unwrap();
    assert_eq!(read(store.as_ref(), "a/b.jsonl").await, Err(StoreFault::Missing));
    drop(under_way);
    write(store.as_ref(), "a/b.jsonl", "new").await.unwrap();
    assert_eq!(read(store.as_ref(), "a/b.jsonl").await.unwrap(), "new");
    write(store.as_ref(), "a/b.jsonl", "newer").await.unwrap();
    assert_eq!(read(store.as_ref(), "a/b.jsonl").await.unwrap(), "newer");
    let given_up = store.begin("c").await.unwrap();
    given_up.abandon().await;
    let left = std::fs::read_dir(place.path().join("exports/exp_1")).unwrap().count();
    assert_eq!(left, 1, "the directory a, and nothing of c");
    for elsewhere in ["../x", "/etc/passwd", "a/../../x", "", "."] {
        let refused = store.begin(elsewhere).await.err();
        assert!(matches!(refused, Some(StoreFault::Unusable(_))), "{elsewhere}");
        assert!(matches!(store.read(elsewhere).await.err(), Some(StoreFault::Unusable(_))), "{elsewhere}");
    }
    std::fs::write(place.path().join("exports/other"), "not ours").unwrap();
    assert_eq!(objects.kept().await, Ok(vec![id()]));
    objects.delete(&id()).await.unwrap();
    objects.delete(&id()).await.unwrap();
    assert_eq!(objects.kept().await, Ok(Vec::new()));
    assert!(place.path().join("exports/other").exists());
}

#[tokio::test]
async fn closed_addresses_are_not_asked() {
    let s3 = b"{\"access_key_id\":\"AK\",\"secret_access_key\":\"hush\"}";
    let credentials = StoreCredentials::parse(StoreKind::S3, s3).unwrap();
    let objects = Objects::new(None);
    let here = AddressRules { private: true, plain_loopback: true };
    for (endpoint, addresses) in [
        ("https://127.0.0.1:1", AddressRules::default()),
        ("https://localhost:1", AddressRules::default()),
        ("https://169.254.169.254", here),
        ("http://10.0.0.1", here),
    ] {
        let destination = destination(StoreKind::S3, Some(endpoint));
        let opening = Opening { id: &id(), destination: &destination, credentials: Some(&credentials), addresses };
        let store = objects.open(&opening).unwrap();
        assert_eq!(write(store.as_ref(), "x", "y").await, Err(StoreFault::BlockedAddress), "{endpoint}");
    }
    let destination = destination(StoreKind::S3, Some("http://127.0.0.1:1"));
    let opening = Opening { id: &id(), destination: &destination, credentials: Some(&credentials), addresses: here };
    let closed_port = objects.open(&opening).unwrap();
    assert_eq!(write(closed_port.as_ref(), "x", "y").await, Err(StoreFault::Unreachable));
}
