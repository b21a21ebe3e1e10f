//! Lists: one page as the API gives it, or all pages as one answer.

pub(crate) mod pages;

use clap::Args;

use super::client::Call;
use super::client::address::Address;
use super::error::Failure;
use super::json::Json;
use super::session::Session;
use super::table::Table;

/// Page size of `--all`, the most that every list allows.
const LARGEST_PAGE: u64 = 200;

/// Flags of every list.
#[derive(Args)]
#[command(next_help_heading = "List flags")]
pub(crate) struct ListArguments {
    /// Rows per page
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Continue where an earlier page ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Follow all pages
    #[arg(long)]
    all: bool,
}

// === impl ListArguments ===

impl ListArguments {
    /// Whether all pages are wanted.
    pub(crate) fn all(&self) -> bool {
        self.all
    }

    /// Rows per page.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Where to go on.
    pub(crate) fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    /// Whether any of them was given.
    pub(crate) fn is_given(&self) -> bool {
        self.limit.is_some() || self.cursor.is_some() || self.all
    }
}

/// Fetches a list and prints it; `key` names the array in the answer.
pub(crate) async fn show(
    session: &Session,
    address: Address,
    arguments: &ListArguments,
    key: &str,
    table: impl Fn(&[Json]) -> Table,
) -> Result<(), Failure> {
    shown(session, address, arguments, key, table).await.map(|_| ())
}

/// The same; where the list is empty, `none` says to people what that means, or what they could do.
pub(crate) async fn show_or(
    session: &Session,
    address: Address,
    arguments: &ListArguments,
    key: &str,
    table: impl Fn(&[Json]) -> Table,
    none: &str,
) -> Result<(), Failure> {
    let count = shown(session, address, arguments, key, table).await?;
    // A later page that is empty says nothing of the list.
    if count == 0 && arguments.cursor.is_none() && !session.output.json {
        session.output.notice(none);
    }
    Ok(())
}

/// Fetches a list and prints it; tells how many rows that were.
async fn shown(
    session: &Session,
    address: Address,
    arguments: &ListArguments,
    key: &str,
    table: impl Fn(&[Json]) -> Table,
) -> Result<usize, Failure> {
    let page = if arguments.all {
        let merged = all(session, &address, arguments.limit, arguments.cursor.clone(), key).await?;
        match session.output.json {
            true => session.output.document(&merged)?,
            false => session.output.print(&table(rows(&merged, key)).render())?,
        }
        merged
    } else {
        let address = address.query("limit", arguments.limit).query("cursor", arguments.cursor.as_deref());
        let answer = session.send(Call::fetch(address)).await?;
        session.output.answer(&answer, |page| table(rows(page, key)).render())?;
        answer.json()?
    };
    more(session, &page);
    Ok(rows(&page, key).len())
}

/// Says how to go on, if there is more than this page.
pub(crate) fn more(session: &Session, page: &Json) {
    if let Some(cursor) = page.member_text("cursor") {
        session.output.notice(&format!("More rows: continue with --cursor {cursor}, or take --all"));
    }
}

/// Fetches all pages as one answer: that of the last page with the rows of all.
pub(crate) async fn all(
    session: &Session,
    address: &Address,
    limit: Option<u64>,
    mut cursor: Option<String>,
    key: &str,
) -> Result<Json, Failure> {
    let mut found = Vec::new();
    loop {
        let page =
            address.clone().query("limit", Some(limit.unwrap_or(LARGEST_PAGE))).query("cursor", cursor.as_deref());
        let mut answer = session.send(Call::fetch(page)).await?.json()?;
        found.extend_from_slice(rows(&answer, key));
        let next = answer.member_text("cursor").map(str::to_owned);
        if next.is_some() && next == cursor {
            return Err(Failure::general("The server gave the same cursor twice"));
        }
        cursor = next;
        if cursor.is_none() {
            answer.set(key, Json::List(found));
            answer.set("cursor", Json::Null);
            answer.set("has_more", Json::Bool(false));
            return Ok(answer);
        }
    }
}

fn rows<'a>(answer: &'a Json, key: &str) -> &'a [Json] {
    answer.member(key).map(Json::items).unwrap_or_default()
}
