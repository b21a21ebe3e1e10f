//! Lists by pages with a total: those below `/v1/identity`. A page's number stands for the cursor.

use super::{LARGEST_PAGE, ListArguments, rows};
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Rows of a page where nothing else is asked for.
const USUAL_PAGE: u64 = 50;

/// Fetches a list and prints it; `key` names the array in the answer.
pub(crate) async fn show(
    session: &Session,
    address: Address,
    arguments: &ListArguments,
    key: &str,
    table: impl Fn(&[Json]) -> Table,
) -> Result<(), Failure> {
    let table = |page: &Json| table(rows(page, key)).render();
    let number = match arguments.cursor.as_deref().map(str::parse::<u64>) {
        None => 1,
        Some(Ok(number)) => number,
        Some(Err(_)) => return Err(Failure::usage("Pages are numbered here: give a number as --cursor")),
    };
    if arguments.all {
        let merged = all(session, &address, arguments.limit, number, key).await?;
        return match session.output.json {
            true => session.output.document(&merged),
            false => session.output.print(&table(&merged)),
        };
    }
    let paged = address.query("page_size", arguments.limit).query("page", (number > 1).then_some(number));
    let answer = session.send(Call::fetch(paged)).await?;
    session.output.answer(&answer, table)?;
    let total = answer.json()?.member_whole("total").unwrap_or_default();
    if number.saturating_mul(arguments.limit.unwrap_or(USUAL_PAGE)) < total {
        let next = number + 1;
        session.output.notice(&format!("More rows: continue with --cursor {next}, or take --all"));
    }
    Ok(())
}

/// Fetches all pages as one answer.
async fn all(
    session: &Session,
    address: &Address,
    limit: Option<u64>,
    mut number: u64,
    key: &str,
) -> Result<Json, Failure> {
    let mut found = Vec::new();
    loop {
        let page_size = limit.unwrap_or(LARGEST_PAGE);
        let page = address.clone().query("page_size", Some(page_size)).query("page", Some(number));
        let mut answer = session.send(Call::fetch(page)).await?.json()?;
        let fetched = rows(&answer, key).len();
        found.extend_from_slice(rows(&answer, key));
        // A page that is not full is the last one.
        if u64::try_from(fetched).unwrap_or(u64::MAX) < page_size {
            answer.set(key, Json::List(found));
            return Ok(answer);
        }
        number += 1;
    }
}
