//! `audit query --follow`: entries as they are recorded, each once.

use std::collections::HashSet;
use std::time::Duration;

use super::COLUMNS;
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::cell;

/// Between two looks: the rate category of audit queries allows fifty a minute.
const PAUSE: Duration = Duration::from_millis(1_500);
/// Entries asked for at once.
const PAGE: u32 = 1_000;

/// Follows the trail from a time on, or from now.
pub(super) async fn run(session: &Session, address: &Address, start: Option<String>) -> Result<(), Failure> {
    // Each look is recorded itself; who follows wants to see what others do.
    let mut own = HashSet::new();
    let mut position = 0;
    if start.is_none() {
        let newest = address.clone().query("limit", Some(1));
        let answer = session.send(Call::fetch(newest)).await?;
        own.extend(answer.request_id().map(str::to_owned));
        position = positions(&answer.json()?).max().unwrap_or(0);
    }
    if !session.output.json {
        session.output.print(&COLUMNS.map(|(heading, _)| heading).join("  "))?;
    }
    let address = address.clone().query("from", start).query("order", Some("asc")).query("limit", Some(PAGE));
    loop {
        let mut cursor = None;
        let since = position;
        loop {
            let page = address.clone().query("after_position", Some(since)).query("cursor", cursor.as_deref());
            let answer = session.send(Call::fetch(page)).await?;
            own.extend(answer.request_id().map(str::to_owned));
            let page = answer.json()?;
            for entry in page.member("logs").map(Json::items).unwrap_or_default() {
                if !entry.member_text("request_id").is_some_and(|id| own.remove(id)) {
                    print(session, entry)?;
                }
            }
            position = positions(&page).max().unwrap_or(position);
            cursor = page.member_text("cursor").map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn positions(page: &Json) -> impl Iterator<Item = u64> {
    page.member("logs").map(Json::items).unwrap_or_default().iter().filter_map(|entry| entry.member_whole("position"))
}

fn print(session: &Session, entry: &Json) -> Result<(), Failure> {
    if session.output.json {
        return session.output.print(&entry.compact());
    }
    session.output.print(&COLUMNS.map(|(_, name)| cell(entry.member(name))).join("  "))
}
