//! How quickly the audit index takes entries up, is made anew, and answers, over a million entries in a file.
//!
//! `cargo bench -p scaivault-projections --bench audit`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::disallowed_methods)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::{Owner, TenantId, Timestamp};
use scaivault_eventstore::log::{Appender, AppenderLimits, Backend, Clock, Entry, Feed, SqliteBackend, Unit};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Keyring, Sealer};
use scaivault_eventstore::{CommandId, Owner as KeyOwner, Position, RecordedAt};
use scaivault_projections::audit::{AuditIndex, Filter, Follower, Order, PathFilter, Query, Rebuilding, Sizes};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use tokio::sync::watch;

const ENTRIES: usize = 1_000_000;
/// Entries that share a commit, as under load.
const PER_COMMIT: usize = 50;
const IDENTITIES: u64 = 300;
const PATHS: u64 = 20_000;
/// Searches of each kind.
const SEARCHES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = SqliteBackend::open(Some(&directory.path().join("log.db"))).await.unwrap();
    file.migrate().await.unwrap();
    let backend: Arc<dyn Backend> = Arc::new(file);
    let keyring = Keyring::open_or_create(backend.clone(), &EphemeralRoot::new().unwrap(), 0).await.unwrap();
    let owner = Owner::Tenant(TenantId::parse("tnt_acme").unwrap());
    keyring.ensure(&key_owner(&owner), &KeyOwner::Platform, 0).await.unwrap();
    let sealer = Sealer::new(Arc::new(keyring));
    let feed = Feed::open(backend.clone()).await.unwrap();
    let clock: Clock = Arc::new(|| RecordedAt(1));
    let composer = Arc::new(AccessComposer::new(sealer.clone()).unwrap());
    let appender = Appender::start(backend.clone(), feed.clone(), composer, clock.clone(), AppenderLimits::default());

    let started = Instant::now();
    for first in (0..ENTRIES).step_by(PER_COMMIT) {
        let entries = (first..first + PER_COMMIT).map(|number| entry(&owner, number as u64)).collect();
        let unit = Unit { command_id: CommandId([0; 16]), records: Vec::new(), entries, shred: Vec::new() };
        appender.append(unit).await.unwrap();
    }
    println!("log filled: {:.0} entries/s", ENTRIES as f64 / started.elapsed().as_secs_f64());

    let history = History::new(backend.clone(), sealer);
    let index = Arc::new(AuditIndex::open(history, clock, Sizes::default()).await.unwrap());
    let (_lead, leading) = watch::channel(true);
    let (_stop, stopped) = watch::channel(false);
    let started = Instant::now();
    tokio::spawn(Follower::new(index.clone(), feed.clone(), leading.clone()).run(stopped.clone()));
    assert!(index.wait_for(feed.committed(), PATIENCE).await);
    println!("taken up from the log: {:.0} entries/s", ENTRIES as f64 / started.elapsed().as_secs_f64());

    let started = Instant::now();
    index.rebuild().await.unwrap();
    tokio::spawn(Rebuilding::new(index.clone(), feed, leading).run(stopped));
    while index.rebuilding().await.unwrap().unwrap().completed_at.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("made anew: {:.0} entries/s", ENTRIES as f64 / started.elapsed().as_secs_f64());
    search(&index, &owner).await;
}

async fn search(index: &AuditIndex, owner: &Owner) {
    let owners = [owner.clone()];
    let text = |text: String| -> Option<Arc<str>> { Some(text.into()) };
    let at = |number: u64| Some(Timestamp::from_micros(number as i64 * 1_000));
    let none = Filter::default;
    let mut random = 1;
    let mut next = |below: u64| {
        random = mixed(random);
        random % below
    };
    type Choose<'a> = Box<dyn FnMut(u64) -> Filter + 'a>;
    let kinds: Vec<(&str, Choose<'_>)> = vec![
        ("newest", Box::new(|_| none())),
        ("time", Box::new(|n| Filter { from: at(n), to: at(n + 5_000), ..none() })),
        ("action", Box::new(|_| Filter { actions: vec!["rotate".into()], ..none() })),
        ("identity", Box::new(|n| Filter { identity: text(format!("sa:job-{}", n % IDENTITIES)), ..none() })),
        ("path", Box::new(|n| Filter { path: Some(PathFilter::Exact(path(n % PATHS).into())), ..none() })),
        (
            "path prefix",
            Box::new(|n| Filter {
                path: Some(PathFilter::Prefix(format!("team-{:02}/service-{:02}/", n % 40, n % 50).into())),
                ..none()
            }),
        ),
        ("failures", Box::new(|_| Filter { success: Some(false), ..none() })),
        (
            "failures of one identity",
            Box::new(|n| Filter {
                identity: text(format!("sa:job-{}", n % IDENTITIES)),
                success: Some(false),
                ..none()
            }),
        ),
        ("address", Box::new(|n| Filter { source_ip: text(format!("10.0.{}.{}", n % 7, n % 250)), ..none() })),
        ("request", Box::new(|n| Filter { request_id: text(format!("req_{n:026}")), ..none() })),
        ("nobody", Box::new(|_| Filter { identity: text("sa:nobody".into()), ..none() })),
    ];
    println!("{:<26} {:>8} {:>8} {:>8}  rows", "a page of 100 by", "p50 ms", "p99 ms", "max ms");
    for (name, mut choose) in kinds {
        let (mut millis, mut rows) = (Vec::new(), 0);
        for _ in 0..SEARCHES {
            let filter = choose(next(ENTRIES as u64));
            let query = Query {
                owners: &owners,
                filter: &filter,
                after: None,
                after_position: Position::START,
                order: Order::NewestFirst,
                limit: 100,
            };
            let started = Instant::now();
            rows += index.page(&query).await.unwrap().entries.len();
            millis.push(started.elapsed().as_secs_f64() * 1e3);
        }
        millis.sort_by(f64::total_cmp);
        println!(
            "{name:<26} {:>8.2} {:>8.2} {:>8.2}  {}",
            millis[SEARCHES / 2],
            millis[SEARCHES * 99 / 100 - 1],
            millis[SEARCHES - 1],
            rows / SEARCHES
        );
    }
    let started = Instant::now();
    let all = (Timestamp::from_micros(0), Timestamp::from_micros(ENTRIES as i64 * 1_000));
    let summary = index.summary(&owners, all, all.0).await.unwrap();
    println!("summary of {} entries: {:.0} ms", summary.total, started.elapsed().as_secs_f64() * 1e3);
}

fn path(number: u64) -> String {
    format!("team-{:02}/service-{:02}/credential-{number}", number % 40, number % 50)
}

/// A thousand a second, mostly reads, some failures, few rotations.
fn entry(owner: &Owner, number: u64) -> Entry {
    let random = mixed(number + 1);
    let action = match random % 1_000 {
        0 => "rotate",
        1..50 => "write",
        50..100 => "list",
        _ => "read",
    };
    let failed = random.is_multiple_of(97);
    let at = Timestamp::from_micros(number as i64 * 1_000);
    let json = format!(
        r#"{{"acting_tenant_id":"tnt_acme","action":"{action}","duration_ms":1,"error_code":{},"extra_data":{{"permission":"read","policy_id":"pol_01JX5T9R2B4D6F8H0K2M4P6R8T","policy_revision":4,"rule_index":0,"token_id":"key_{:026}"}},"id":"log_{number:026}","identity_id":"sa:job-{}","identity_type":"service_account","request_id":"req_{number:026}","resource":null,"secret_path":"{}","secret_version":{},"source_ip":"10.0.{}.{}","success":{},"tenant_id":"tnt_acme","timestamp":"{}","user_agent":"bench/1.0"}}"#,
        if failed { r#""access_denied""# } else { "null" },
        random % IDENTITIES,
        random % IDENTITIES,
        path(mixed(random) % PATHS),
        1 + random % 5,
        random % 7,
        random % 250,
        !failed,
        at.text().as_str(),
    );
    Entry { owner: key_owner(owner), json: json.into(), detail: None }
}

fn mixed(mut number: u64) -> u64 {
    number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}
