//! Keys that are destroyed: what they sealed is gone everywhere, and known to be.

use std::sync::Arc;

use scaivault_eventstore::merkle;
use scaivault_eventstore::sealing::Sealer;

use crate::fixture::{NOW, Store, Writer, acme, damage, key_error, other, partner};

#[tokio::test]
async fn what_a_destroyed_key_sealed_is_erased_and_nothing_else() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    let elsewhere = store.sealer().await;
    writer.append(1, vec![writer.draft(&acme(), "a", 1, "one"), writer.draft(&other(), "a", 1, "two")]).await;
    let keyring = writer.sealer.keyring();
    assert!(keyring.holds(&acme()) && !keyring.is_destroyed(&acme()));
    keyring.destroy(&acme()).await.unwrap();
    assert!(!keyring.holds(&acme()) && keyring.is_destroyed(&acme()) && keyring.knows(&acme()));
    assert_eq!(keyring.destroyed(), [acme()]);
    let (gone, kept) = (writer.at(1).await, writer.at(2).await);
    assert!(writer.sealer.open_unless_erased(&gone).unwrap().is_none());
    assert!(writer.sealer.open_unless_erased(&kept).unwrap().is_some());
    assert!(damage(writer.sealer.open(&gone), 1).contains("destroyed"));
    // Its digests hold, and are looked at.
    merkle::check_leaf(&gone).unwrap();
    let mut altered = gone.clone();
    altered.body = vec![0; 40].into();
    damage(writer.sealer.open_unless_erased(&altered), 1);
    let mut moved = gone.clone();
    moved.revision.0 += 1;
    damage(writer.sealer.open_unless_erased(&moved), 1);

    // Whoever has it open elsewhere loses it by reading the keys anew, and so does whoever starts later.
    assert!(elsewhere.open(&gone).is_ok(), "until then it is in memory");
    elsewhere.keyring().refresh().await.unwrap();
    let started = Sealer::new(Arc::new(store.open().await.unwrap()));
    for sealer in [&elsewhere, &started] {
        assert!(sealer.open_unless_erased(&gone).unwrap().is_none());
        assert!(sealer.open_unless_erased(&kept).unwrap().is_some());
    }
    // The keys are not made anew under the same name.
    assert!(key_error(keyring.ensure(&acme(), &partner(), NOW).await).contains("destroyed"));
    let keys = store.backend().await.keys().await.unwrap();
    let mut tenants = keys.iter().filter(|key| key.level == acme().level());
    assert!(tenants.all(|key| (key.owner == acme().id()) == key.wrapped.is_empty()));
}
