//! Conditions of a rule: all that are given must hold.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Asked, TimeWindow};
use crate::{DurationText, ErrorCode, Timestamp};

/// How old a second factor may be where a rule does not say.
const DEFAULT_MFA_MAX_AGE_SECONDS: i64 = 3_600;

/// How far ahead the clock of whoever saw the second factor may be.
const LEEWAY_SECONDS: i64 = 60;

/// The conditions of a rule, as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// The client's address lies in one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_ranges: Option<Vec<IpRange>>,
    /// The token shows a fresh second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_mfa: Option<bool>,
    /// How fresh; an hour if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_max_age: Option<DurationText>,
    /// It is one of these hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_window: Option<TimeWindow>,
    /// It is earlier than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A kind of condition, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// `ip_ranges`.
    IpRanges,
    /// `time_window`.
    TimeWindow,
    /// `expires_at`.
    ExpiresAt,
    /// `require_mfa`.
    RequireMfa,
}

impl Condition {
    /// Every kind, in order.
    pub const ALL: [Self; 4] = [Self::IpRanges, Self::TimeWindow, Self::ExpiresAt, Self::RequireMfa];

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IpRanges => "ip_ranges",
            Self::TimeWindow => "time_window",
            Self::ExpiresAt => "expires_at",
            Self::RequireMfa => "require_mfa",
        }
    }

    /// The condition of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.as_str() == text)
    }

    /// The code of a denial by it.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::IpRanges => ErrorCode::IpNotAllowed,
            Self::TimeWindow => ErrorCode::TimeWindowViolation,
            Self::ExpiresAt => ErrorCode::AccessDenied,
            Self::RequireMfa => ErrorCode::MfaRequired,
        }
    }
}

impl Conditions {
    /// Whether there is none that could fail.
    pub fn is_empty(&self) -> bool {
        Condition::ALL.into_iter().all(|condition| !self.has(condition))
    }

    /// Whether this one is given.
    pub fn has(&self, condition: Condition) -> bool {
        match condition {
            Condition::IpRanges => self.ip_ranges.is_some(),
            Condition::TimeWindow => self.time_window.is_some(),
            Condition::ExpiresAt => self.expires_at.is_some(),
            Condition::RequireMfa => self.require_mfa == Some(true),
        }
    }

    /// Whether one of them holds; one that is not given does.
    pub fn holds(&self, condition: Condition, asked: &Asked<'_>) -> bool {
        match condition {
            Condition::IpRanges => self.ip_ranges.as_ref().is_none_or(|ranges| {
                asked.address.is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
            }),
            Condition::TimeWindow => self.time_window.as_ref().is_none_or(|window| window.holds(asked.at)),
            Condition::ExpiresAt => self.expires_at.is_none_or(|end| asked.at < end),
            Condition::RequireMfa => self.require_mfa != Some(true) || self.is_fresh(asked),
        }
    }

    /// The first that fails, in the order of [`Condition::ALL`].
    pub fn first_failed(&self, asked: &Asked<'_>) -> Option<Condition> {
        Condition::ALL.into_iter().find(|condition| !self.holds(*condition, asked))
    }

    /// Those of them that hold; what remains of the rule if the others are dropped.
    #[must_use]
    pub fn that_hold(&self, asked: &Asked<'_>) -> Self {
        let keep = |condition| self.holds(condition, asked);
        let mfa = keep(Condition::RequireMfa);
        Self {
            ip_ranges: self.ip_ranges.clone().filter(|_| keep(Condition::IpRanges)),
            require_mfa: self.require_mfa.filter(|_| mfa),
            mfa_max_age: self.mfa_max_age.clone().filter(|_| mfa),
            time_window: self.time_window.clone().filter(|_| keep(Condition::TimeWindow)),
            expires_at: self.expires_at.filter(|_| keep(Condition::ExpiresAt)),
        }
    }

    /// Whether a second factor was shown, and lately. Clocks may differ a little; one shown in times
    /// to come was not shown.
    fn is_fresh(&self, asked: &Asked<'_>) -> bool {
        let most = self.mfa_max_age.as_ref().map_or(DEFAULT_MFA_MAX_AGE_SECONDS, DurationText::seconds);
        let latest = asked.at.plus_seconds(LEEWAY_SECONDS);
        asked.mfa_verified_at.is_some_and(|at| asked.at <= at.plus_seconds(most) && at <= latest)
    }
}

/// A range of addresses, as written: CIDR, or a bare address for itself.
#[derive(Clone, PartialEq, Eq)]
pub struct IpRange {
    text: Arc<str>,
    range: IpNet,
}

impl IpRange {
    /// Takes `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.
    pub fn parse(text: &str) -> Option<Self> {
        let range = address_range(text)?;
        Some(Self { text: text.into(), range })
    }

    /// Whether an address lies in it. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.range.contains(&address.to_canonical())
    }
}

/// CIDR, or a bare address for itself. Ranges of IPv4-mapped IPv6 addresses are IPv4.
pub fn address_range(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    let IpNet::V6(mapped) = range else { return Some(range) };
    match (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(96)) {
        (Some(address), Some(length)) => Ipv4Net::new(address, length).ok().map(IpNet::V4),
        _ => Some(range),
    }
}

impl fmt::Debug for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for IpRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a range of addresses"))
    }
}
