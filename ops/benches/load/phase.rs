//! The parts of a run that put load on the server.

use crate::arguments::Part;
use crate::failure::Failure;
use crate::person::{self, POLICIES};
use crate::requests::{BATCH_VALUES, Client, LIST_ROWS, PAGE_ROWS, Prepared};

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `GET /v1/secrets/{path}`.
    Reads,
    /// The same by a person with a JWT, where there are many policies.
    PersonReads,
    /// `PUT /v1/secrets/{path}` of an existing secret.
    Writes,
    /// `GET /v1/secrets?prefix`.
    Lists,
    /// `GET /v1/secrets?prefix&tag&limit=200`.
    Pages,
    /// The same from few connections: the time of one page, where the others measure the queue.
    PagesOfFew,
    /// `POST /v1/secrets/batch`.
    Batch,
}

/// Connections of [`Phase::PagesOfFew`].
const FEW: u16 = 4;

// === impl Phase ===

impl Phase {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 7] =
        [Self::Reads, Self::PersonReads, Self::Writes, Self::Lists, Self::Pages, Self::PagesOfFew, Self::Batch];

    /// The part of the command line that it belongs to.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Reads | Self::PersonReads => Part::Reads,
            Self::Writes => Part::Writes,
            Self::Lists => Part::Lists,
            Self::Pages | Self::PagesOfFew => Part::Pages,
            Self::Batch => Part::Batch,
        }
    }

    /// How many connections it uses, of those that were asked for.
    pub(crate) fn connections(self, asked: u16) -> u16 {
        if self == Self::PagesOfFew { asked.min(FEW) } else { asked }
    }

    /// Its requests, and what they need.
    pub(crate) fn requests(self, client: &Client) -> Result<Prepared, Failure> {
        Ok(match self {
            Self::Reads => client.reads(),
            Self::PersonReads => person::client(client)?.reads(),
            Self::Writes => client.writes(),
            Self::Lists => client.lists(),
            Self::Pages | Self::PagesOfFew => client.pages(),
            Self::Batch => client.batches(),
        })
    }

    /// What a correct answer contains.
    pub(crate) fn proof(self) -> &'static str {
        match self {
            Self::Reads | Self::PersonReads => "\"data\":{\"host\":",
            Self::Writes => "\"previous_version\":",
            Self::Lists | Self::Pages | Self::PagesOfFew => "\"secrets\":[{\"path\":\"team-",
            Self::Batch => "\"errors\":{}",
        }
    }

    /// What it is, in the report.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Reads => "audited reads".to_owned(),
            Self::PersonReads => format!("audited reads by JWT and {POLICIES} policies"),
            Self::Writes => "durable writes".to_owned(),
            Self::Lists => format!("lists: {LIST_ROWS} rows by prefix"),
            Self::Pages | Self::PagesOfFew => format!("pages: {PAGE_ROWS} rows by prefix and tag"),
            Self::Batch => format!("batch reads of {BATCH_VALUES} values"),
        }
    }
}
