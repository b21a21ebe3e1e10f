//! What can happen, and how often: random steps.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Step {
    /// Time passes, in microseconds.
    Wait(i64),
    /// Time passes up to an end that comes (of a grace period, a window, an expiry, …), or just before it: the next step
    /// is at that very moment.
    Until { which: usize, before: bool },
    /// The sweeper runs once.
    Sweep,
    /// The node stops and starts on the same store, folding it anew.
    Restart,
    /// A request.
    Ask(Ask),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// On the partner's secrets.
    pub partner: bool,
    /// Index into [`PATHS`], behind them into [`BAD_PATHS`].
    pub path: usize,
    /// With the token that is narrowed to `app/**`.
    pub narrow: bool,
    /// Idempotency key.
    pub key: Option<u8>,
    /// What is asked.
    pub verb: Verb,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Verb {
    Read {
        version: Option<u32>,
        at: Option<i64>,
        include_expired: bool,
        unless: Option<u32>,
    },
    Write {
        data: u32,
        kind: Option<usize>,
        metadata: Option<usize>,
        options: Change,
        when: When,
    },
    Patch {
        metadata: Option<usize>,
        options: Change,
        when: When,
    },
    Rotate {
        data: Option<u32>,
        grace: Option<usize>,
        reason: bool,
        when: When,
    },
    Delete {
        version: Option<u32>,
        permanent: bool,
        when: When,
    },
    Restore {
        version: Option<u32>,
    },
    Metadata,
    Versions {
        destroyed: bool,
        limit: Option<usize>,
    },
    Consumers {
        version: Option<u32>,
        from: Option<i64>,
    },
    List {
        filter: Filter,
        limit: Option<usize>,
    },
    Expiring {
        days: Option<i64>,
        prefix: usize,
        limit: Option<usize>,
    },
    Batch {
        paths: Vec<usize>,
        metadata: bool,
        fail_fast: bool,
        version: Option<u32>,
    },
    BatchMetadata {
        paths: Vec<usize>,
        expand: bool,
        fail_fast: bool,
    },
    /// Index into [`BROKEN`].
    Broken(usize),
}

/// Change of options.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// `null` inside; 0 is out of bounds.
    pub max_versions: Option<Option<u32>>,
    pub end: End,
    /// Index into [`NOTICES`].
    pub notices: Option<Option<usize>>,
    pub policy: bool,
}

/// Change of expiry.
#[derive(Clone, Debug, Default)]
pub enum End {
    #[default]
    Keep,
    /// Index into [`DURATIONS`].
    In(usize),
    InNull,
    /// Seconds from now, perhaps negative.
    At(i64),
    AtNull,
    Both,
}

/// A condition of a change.
#[derive(Clone, Debug)]
pub enum When {
    Always,
    Match(u32),
    Absent,
    /// Index into [`BAD_TAGS`].
    Bad(usize),
}

/// Filters of a list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Index into [`PREFIXES`].
    pub prefix: usize,
    /// Indexes into [`TAGS`].
    pub tags: Vec<usize>,
    /// Index into [`KINDS`].
    pub kind: Option<usize>,
    /// Seconds from now.
    pub expires_before: Option<i64>,
    /// Seconds before now.
    pub updated_after: Option<i64>,
    pub expired: bool,
    pub deleted: bool,
    pub metadata: bool,
}

pub const PATHS: [&str; 6] = ["app/db", "app", "app/db/x", "app/db-x", "apps/1", "shared/ca"];
/// With what is wrong about each.
pub const BAD_PATHS: [(&str, &str); 5] = [
    ("App/x", "invalid_character"),
    ("app//x", "empty_segment"),
    ("/app", "leading_slash"),
    ("a/b/c/d/e/f/g/h/i/j/k", "too_deep"),
    ("batch/x", "reserved"),
];
pub const PATTERNS: [&str; 8] = ["app/*", "app/**", "**", "app/d?", "app/db-*", "ap?s/**", "none/*", "app/**b"];
pub const PREFIXES: [&str; 5] = ["", "app", "app/db", "shared/", "/app"];
pub const KINDS: [&str; 6] = ["kv", "json", "certificate", "ssh_key", "api_key", "password"];
pub const TAGS: [&str; 3] = ["red", "green", "blue"];
pub const NOTICES: [&str; 5] = ["30d,7d,1d", "1h", "1d, 24h,30s", "2d,2d", "soon"];
pub const DURATIONS: [&str; 6] = ["90s", "1h", "2d", "48h", "45d", "0d"];
pub const GRACES: [&str; 5] = ["30s", "2h", "3d", "366d", "long"];
pub const BAD_TAGS: [&str; 4] = ["3", "W/\"3\"", "\"0\"", "\"1\", \"2\""];
/// Bodies of a PUT that cannot be taken, with status, code and faulty fields.
pub const BROKEN: [(&str, u16, &str, &[&str]); 8] = [
    ("{\"data\":{},\"data\":{}}", 400, "invalid_request", &[]),
    ("{\"data\":", 400, "invalid_request", &[]),
    ("[]", 400, "invalid_request", &[]),
    ("{}", 422, "validation_error", &["data"]),
    ("{\"data\":[1]}", 422, "validation_error", &["data"]),
    ("{\"data\":{},\"datas\":1,\"options\":{\"ttl\":1}}", 422, "validation_error", &["datas", "options.ttl"]),
    (
        "{\"data\":{},\"metadata\":{\"tags\":[\"\"],\"owner\":1}}",
        422,
        "validation_error",
        &["metadata.owner", "metadata.tags[0]"],
    ),
    (
        "{\"data\":{},\"options\":{\"max_versions\":null,\"expires_at\":\"soon\"}}",
        422,
        "validation_error",
        &["options.expires_at", "options.max_versions"],
    ),
];

/// Metadata of a request; in a PATCH, `null` removes.
pub fn metadata(index: usize) -> serde_json::Value {
    match index {
        0 => serde_json::json!({}),
        1 => serde_json::json!({"tags": ["red", "green", "red"], "description": "first"}),
        2 => serde_json::json!({"tags": ["blue"], "owner": "team:a", "cost": 1.5, "live": true}),
        3 => serde_json::json!({"tags": null, "description": null, "cost": null, "zone": "eu"}),
        4 => serde_json::json!({"tags": []}),
        _ => serde_json::Value::Null,
    }
}

/// Sequences of steps.
pub fn sequence(length: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), length / 2..length)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => ask().prop_map(Step::Ask),
        3 => wait().prop_map(Step::Wait),
        3 => (0..8_usize, any::<bool>()).prop_map(|(which, before)| Step::Until { which, before }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}

fn wait() -> impl Strategy<Value = i64> {
    const SECOND: i64 = 1_000_000;
    const DAY: i64 = 86_400 * SECOND;
    prop_oneof![
        3 => 1..3 * SECOND,
        3 => (30 * SECOND)..(7_200 * SECOND),
        3 => DAY..4 * DAY,
        1 => 20 * DAY..32 * DAY,
        // To the very second of ends.
        2 => prop_oneof![Just(30 * SECOND), Just(90 * SECOND), Just(3_600 * SECOND), Just(2 * DAY), Just(30 * DAY)],
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let path = prop_oneof![12 => 0..2_usize, 8 => 2..PATHS.len(), 1 => PATHS.len()..PATHS.len() + BAD_PATHS.len()];
    (prop::bool::weighted(0.15), path, prop::bool::weighted(0.08), weighted(0.2, 0..4_u8), verb())
        .prop_map(|(partner, path, narrow, key, verb)| Ask { partner, path, narrow, key, verb })
}

fn version() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..6_u32, 1 => Just(99)]
}

fn any_path() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..PATHS.len(), 1 => PATHS.len()..PATHS.len() + BAD_PATHS.len()]
}

fn verb() -> BoxedStrategy<Verb> {
    let limit = || weighted(0.4, 1..4_usize);
    let unless = weighted(0.15, version());
    prop_oneof![
        8 => (weighted(0.4, version()), weighted(0.25, -400..4_i64), prop::bool::weighted(0.15), unless)
            .prop_map(|(version, at, include_expired, unless)| Verb::Read { version, at, include_expired, unless }),
        14 => (0..1_000_u32, weighted(0.3, 0..KINDS.len()), weighted(0.3, 0..5_usize), change(), when())
            .prop_map(|(data, kind, metadata, options, when)| Verb::Write { data, kind, metadata, options, when }),
        5 => (weighted(0.6, 0..6_usize), change(), when())
            .prop_map(|(metadata, options, when)| Verb::Patch { metadata, options, when }),
        5 => (weighted(0.95, 0..1_000_u32), weighted(0.7, 0..GRACES.len()), any::<bool>(), when())
            .prop_map(|(data, grace, reason, when)| Verb::Rotate { data, grace, reason, when }),
        7 => (weighted(0.7, version()), prop::bool::weighted(0.3), when())
            .prop_map(|(version, permanent, when)| Verb::Delete { version, permanent, when }),
        4 => weighted(0.5, version()).prop_map(|version| Verb::Restore { version }),
        3 => Just(Verb::Metadata),
        3 => (any::<bool>(), limit()).prop_map(|(destroyed, limit)| Verb::Versions { destroyed, limit }),
        2 => (weighted(0.3, version()), weighted(0.5, 0..40_i64))
            .prop_map(|(version, from)| Verb::Consumers { version, from }),
        4 => (filter(), limit()).prop_map(|(filter, limit)| Verb::List { filter, limit }),
        2 => (of(1..90_i64), 0..PREFIXES.len(), limit())
            .prop_map(|(days, prefix, limit)| Verb::Expiring { days, prefix, limit }),
        3 => (vec(any_path(), 0..6), any::<bool>(), prop::bool::weighted(0.2), weighted(0.2, version()))
            .prop_map(|(paths, metadata, fail_fast, version)| Verb::Batch { paths, metadata, fail_fast, version }),
        3 => (vec(prop_oneof![any_path(), 100..100 + PATTERNS.len()], 0..5), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(paths, expand, fail_fast)| Verb::BatchMetadata { paths, expand, fail_fast }),
        1 => (0..BROKEN.len()).prop_map(Verb::Broken),
    ]
    .boxed()
}

fn change() -> impl Strategy<Value = Change> {
    let end = prop_oneof![
        60 => Just(End::Keep),
        20 => (0..DURATIONS.len()).prop_map(End::In),
        3 => Just(End::InNull),
        8 => prop_oneof![5 => 1..200_000_i64, 1 => -5..1_i64].prop_map(End::At),
        3 => Just(End::AtNull),
        1 => Just(End::Both),
    ];
    let notices = weighted(0.15, weighted(0.8, 0..NOTICES.len()));
    let max_versions = weighted(0.25, weighted(0.9, prop_oneof![12 => 1..4_u32, 1 => Just(0)]));
    (max_versions, end, notices, prop::bool::weighted(0.02)).prop_map(|(max_versions, end, notices, policy)| Change {
        max_versions,
        end,
        notices,
        policy,
    })
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        20 => Just(When::Always),
        4 => version().prop_map(When::Match),
        2 => Just(When::Absent),
        1 => (0..BAD_TAGS.len()).prop_map(When::Bad),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let prefix = prop_oneof![4 => Just(0), 4 => 1..4_usize, 1 => Just(4)];
    let kind = weighted(0.2, 0..KINDS.len());
    (prefix, vec(0..TAGS.len(), 0..2), kind, weighted(0.2, 0..400_000_i64), weighted(0.2, 0..400_000_i64), flags)
        .prop_map(|(prefix, tags, kind, expires_before, updated_after, (expired, deleted, metadata))| Filter {
            prefix,
            tags,
            kind,
            expires_before,
            updated_after,
            expired,
            deleted,
            metadata,
        })
}
