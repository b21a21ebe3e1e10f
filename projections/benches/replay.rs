//! How quickly recorded decisions are judged again, over a million of them in a file.
//!
//! `cargo bench -p scaivault-projections --bench replay`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::disallowed_methods)]
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use scaivault_domain::access::{Grant, Permission};
use scaivault_domain::audit::{Action, Entry as AuditEntry, Extra};
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::id::{BindingId, ReplayId};
use scaivault_domain::policy::replay::{Base, Proposal, Replaced, ReplayCreated, ReplayFilters};
use scaivault_domain::policy::{Binding, Conditions, Content, PolicyEvent, Recollection, Rule};
use scaivault_domain::{Event, EventBody, IdentityId, IdentityType, Owner, Pattern, PolicyId, TenantId, Timestamp};
use scaivault_eventstore::log::{Appender, AppenderLimits, Backend, Clock, Entry, Feed, SqliteBackend, Unit};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Draft, Keyring, Sealer};
use scaivault_eventstore::{CommandId, Owner as KeyOwner, RecordedAt, Revision};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use scaivault_projections::past::Past;
use scaivault_projections::replay::{Found, Question, run};
use scaivault_projections::replays::HeldReplay;

const DECISIONS: usize = 1_000_000;
const POLICIES: usize = 1_000;
const GROUPS: usize = 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // As many entries share a commit as requests come at once.
    for (decisions, per_commit) in [(DECISIONS, 50), (DECISIONS / 10, 1)] {
        runtime.block_on(measure(decisions, per_commit));
    }
}

async fn measure(decisions: usize, per_commit: usize) {
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
    let appender = Appender::start(backend.clone(), feed.clone(), composer, clock, AppenderLimits::default());
    let mut committed = appender.append(policies(&sealer, &owner)).await.unwrap();
    for first in (0..decisions).step_by(per_commit) {
        let entries = (first..first + per_commit).map(|number| entry(&owner, number)).collect();
        let unit = Unit { command_id: CommandId([0; 16]), records: Vec::new(), entries, shred: Vec::new() };
        committed = appender.append(unit).await.unwrap();
    }
    let past = Past::new(History::new(backend, sealer), Arc::default());
    let some = |count: usize| (0..count).map(policy_id).collect();
    let narrowed = |index: usize| Replaced {
        id: policy_id(index),
        rules: Some(vec![rule("nothing/**")]),
        is_active: None,
        bindings: None,
    };
    for (name, base, proposal) in [
        ("nothing over recorded", Base::Recorded, Proposal::default()),
        (
            "100 replaced over recorded",
            Base::Recorded,
            Proposal { replace: (0..100).map(narrowed).collect(), ..Proposal::default() },
        ),
        ("100 removed over current", Base::Current, Proposal { remove: some(100), ..Proposal::default() }),
    ] {
        let created = ReplayCreated {
            id: ReplayId::parse("rpl_1").unwrap(),
            base,
            from: Timestamp::from_micros(0),
            to: Timestamp::from_micros(2),
            since: Timestamp::from_micros(0),
            filters: ReplayFilters::default(),
        };
        let created_at = Timestamp::from_micros(2);
        let created_by = identity(0);
        let replay =
            HeldReplay { created, position: committed.last.0 + 1, created_at, created_by, progress: None, end: None };
        let question = Question { tenant: owner.clone(), partner: None, replay: Arc::new(replay), proposal };
        let found = Mutex::<Found>::default();
        let (started, cpu) = (Instant::now(), processor_seconds());
        run(&past, question, &found).await.unwrap();
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), processor_seconds() - cpu);
        let found = found.into_inner();
        assert_eq!(found.evaluated, decisions as u64);
        let each = cpu * 1e6 / decisions as f64;
        println!(
            "{per_commit:>3} a record, {name}: {:.2} s for {decisions}, {each:.1} µs of processor each, {} changed",
            seconds,
            found.allowed_to_denied + found.denied_to_allowed
        );
    }
    appender.close().await;
}

/// Time that all threads of this process have used.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn identity(number: usize) -> IdentityId {
    IdentityId::service_account(&format!("job-{}", number % 300))
}

fn group(number: usize) -> IdentityId {
    IdentityId::group(&format!("team-{}", number % GROUPS))
}

fn policy_id(index: usize) -> PolicyId {
    PolicyId::parse(&format!("pol_{index:026}")).unwrap()
}

fn rule(pattern: &str) -> Rule {
    let permissions = vec![Permission::Read];
    Rule { path_pattern: Pattern::parse(pattern).unwrap(), permissions, conditions: Conditions::default() }
}

fn policies(sealer: &Sealer, owner: &Owner) -> Unit {
    let stream = sealer.keyring().stream(&key_owner(owner), "policies", "").unwrap();
    let created = |index: usize| PolicyEvent::Created {
        id: policy_id(index),
        content: Content {
            name: format!("policy-{index}").into(),
            description: None,
            rules: vec![rule(&format!("app/{index}/**"))],
            is_active: true,
        },
    };
    let bound = |index: usize| {
        PolicyEvent::Bound(Binding {
            id: BindingId::parse(&format!("bnd_{index:026}")).unwrap(),
            policy_id: policy_id(index),
            identity: group(index),
            expires_at: None,
        })
    };
    let events = (0..POLICIES).map(created).chain((0..POLICIES).map(bound));
    let drafts = (1..).zip(events).map(|(revision, event)| {
        let event = Event::Policy(event);
        let kind = event.kind().into();
        let body = EventBody { at: Timestamp::from_micros(0), actor: identity(0), request_id: "req_1".into(), event };
        Draft {
            owner: key_owner(owner),
            stream,
            revision: Revision(revision),
            kind,
            schema_version: SCHEMA_VERSION,
            recorded_at: RecordedAt(0),
            json: body.encode().unwrap(),
            erasable: None,
            entries_root: None,
        }
    });
    let command_id = CommandId([1; 16]);
    let records = sealer.seal_unit(command_id, drafts.collect()).unwrap();
    Unit { command_id, records, entries: Vec::new(), shred: Vec::new() }
}

/// One of ten is denied.
fn entry(owner: &Owner, number: usize) -> Entry {
    let policy = number % POLICIES;
    let is_denied = number % 10 == 9;
    let path = if is_denied { format!("web/{policy}/password") } else { format!("app/{policy}/password") };
    let (id, who) = (policy_id(policy), identity(number));
    let (log_id, request_id) = (format!("log_{number:026}"), format!("req_{number:026}"));
    let kept = Recollection { groups: vec![group(policy), group(policy + 1)], ..Recollection::default() };
    let kept = match is_denied {
        true => Recollection { candidates: Some(Vec::new()), ..kept },
        false => kept.granted(&Grant::default()),
    };
    let entry = AuditEntry {
        acting_tenant_id: Some("tnt_acme"),
        action: Action::Read,
        duration_ms: 1,
        error_code: is_denied.then_some("access_denied"),
        extra_data: Extra {
            permission: Some("read"),
            policy_id: (!is_denied).then_some(Some(id.as_str())),
            policy_revision: (!is_denied).then_some(Some(1)),
            rule_index: (!is_denied).then_some(Some(0)),
            ..Extra::default()
        },
        id: &log_id,
        identity_id: Some(who.as_str()),
        identity_type: Some(IdentityType::ServiceAccount),
        request_id: &request_id,
        resource: None,
        secret_path: Some(&path),
        secret_version: (!is_denied).then_some(3),
        source_ip: Some("10.0.1.50"),
        success: !is_denied,
        tenant_id: Some("tnt_acme"),
        timestamp: Timestamp::from_micros(1),
        user_agent: Some("scaivault-python/1.0.0"),
    };
    let detail = Some(serde_json::to_string(&kept).unwrap().into());
    Entry { owner: key_owner(owner), json: entry.to_canonical_json().into(), detail }
}
