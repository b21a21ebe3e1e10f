//! The secrets of the benchmark, computed from their number: nothing of them is kept in memory.

use std::fmt::Write as _;

/// Teams; the first segment of a path.
pub(crate) const TEAMS: u64 = 40;
/// Credentials of a service; the last segment.
const CREDENTIALS: u64 = 10;
/// Tags; every secret has two of them.
const TAGS: [&str; 24] = [
    "postgres",
    "mysql",
    "redis",
    "kafka",
    "nats",
    "s3",
    "smtp",
    "ldap",
    "oauth",
    "stripe",
    "salesforce",
    "github",
    "production",
    "staging",
    "critical",
    "internal",
    "external",
    "legacy",
    "eu",
    "us",
    "batch",
    "web",
    "mobile",
    "pci",
];

/// Secrets `0..count`.
#[derive(Clone, Copy)]
pub(crate) struct Dataset {
    /// How many.
    pub(crate) count: u64,
}

/// A sequence that looks random and is the same in every run (splitmix64).
pub(crate) struct Sequence(u64);

// === impl Sequence ===

impl Sequence {
    /// The sequence of this number.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

// === impl Dataset ===

impl Dataset {
    /// Path of a secret, such as `team-017/service-0042/credential-7`.
    pub(crate) fn path(self, number: u64) -> String {
        let (team, rest) = (number % TEAMS, number / TEAMS);
        format!("team-{team:03}/service-{:04}/credential-{}", rest / CREDENTIALS, rest % CREDENTIALS)
    }

    /// Prefix of all secrets of a team.
    pub(crate) fn prefix(self, team: u64) -> String {
        format!("team-{:03}/", team % TEAMS)
    }

    /// A tag.
    pub(crate) fn tag(self, number: u64) -> &'static str {
        TAGS.get((number % TAGS.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// Body of the write of a secret; `draw` makes its value another one.
    pub(crate) fn body(self, number: u64, draw: u64) -> String {
        let mut random = Sequence::new(number ^ draw);
        let team = number % TEAMS;
        let first = Sequence::new(number).below(TAGS.len() as u64);
        let second = first + 1 + Sequence::new(!number).below(TAGS.len() as u64 - 1);
        let mut body = String::with_capacity(384);
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            "{{\"secret_type\":\"json\",\"data\":{{\"host\":\"db-{team:03}.internal.example\",\"port\":5432,\
             \"username\":\"service_{number}\",\"password\":\"{:016x}{:016x}\"}},\
             \"metadata\":{{\"description\":\"Credential {number} of team {team}\",\"owner\":\"team:{team:03}\",\
             \"tags\":[\"{}\",\"{}\"],\"cost_centre\":{}}}}}",
            random.next(),
            random.next(),
            self.tag(first),
            self.tag(second),
            4_000 + team,
        );
        body
    }
}
