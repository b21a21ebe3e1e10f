//! How entries are written: pure functions from an entry's JSON to a line.

mod cef;
mod csv;
mod ocsf;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Timestamp;

/// A way to write entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One entry object per line.
    Jsonl,
    /// RFC 4180.
    Csv,
    /// ArcSight Common Event Format, version 0.
    Cef,
    /// OCSF 1.3 API Activity, one object per line.
    Ocsf,
}

/// An entry as answers show it, to be written in another form.
#[derive(Debug, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    timestamp: Timestamp,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    identity_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    identity_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tenant_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    acting_tenant_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    secret_path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource: Option<Cow<'a, str>>,
    secret_version: Option<u32>,
    #[serde(borrow)]
    source_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_agent: Option<Cow<'a, str>>,
    success: bool,
    #[serde(borrow)]
    error_code: Option<Cow<'a, str>>,
    duration_ms: u64,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    position: u64,
    #[serde(borrow)]
    extra_data: &'a RawValue,
}

impl Entry<'_> {
    /// What the request concerned.
    fn concerned(&self) -> Option<&str> {
        self.secret_path.as_deref().or(self.resource.as_deref())
    }

    /// Milliseconds since the Unix epoch.
    fn millis(&self) -> i64 {
        self.timestamp.as_micros().div_euclid(1_000)
    }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Csv, Self::Cef, Self::Ocsf];

    /// The format of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// As in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf",
        }
    }

    /// What names of files end with.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }

    /// What every file begins with.
    pub fn header(self) -> &'static str {
        match self {
            Self::Csv => csv::HEADER,
            Self::Jsonl | Self::Cef | Self::Ocsf => "",
        }
    }

    /// Appends an entry with its line end; `shown` is its JSON as answers have it.
    pub fn write(self, shown: &str, out: &mut String) -> Result<(), serde_json::Error> {
        let entry = || serde_json::from_str::<Entry<'_>>(shown);
        match self {
            // Compact JSON has no line ends in it.
            Self::Jsonl => out.push_str(shown),
            Self::Csv => return entry().map(|entry| csv::write(&entry, out)),
            Self::Cef => cef::write(&entry()?, out),
            Self::Ocsf => out.push_str(&ocsf::line(&entry()?)?),
        }
        out.push('\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests;
