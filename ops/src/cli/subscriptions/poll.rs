//! `subscriptions poll`: events that wait, once or as they come.

use std::time::Duration;

use clap::Args;

use super::{acknowledging, subscription};
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::duration;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

const COLUMNS: [(&str, &str); 5] =
    [("TIME", "timestamp"), ("TYPE", "event_type"), ("PATH", "path"), ("EVENT", "event_id"), ("DATA", "data")];
/// How long the server waits for events, unless said otherwise, and at most, in seconds.
const PATIENCE: u64 = 30;
const MAX_PATIENCE: u64 = 60;
/// Between attempts while the server is away, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Flags of `subscriptions poll`.
#[derive(Args)]
pub(crate) struct PollArguments {
    /// Id of the subscription (sub_…)
    id: String,
    /// Seconds to wait for events, 0 to 60 [default: 30]
    // The id of the global flag on purpose: clap then takes this one in its place.
    #[arg(id = "timeout", long, value_name = "SECONDS")]
    timeout: Option<String>,
    /// Most events of one answer [default: 100]
    #[arg(long, value_name = "N")]
    max_events: Option<u64>,
    /// Only events after this one
    #[arg(long, value_name = "EVENT_ID")]
    since: Option<String>,
    /// Acknowledge what was printed
    #[arg(long, conflicts_with = "no_ack")]
    ack: bool,
    /// Acknowledge nothing, also with --follow
    #[arg(long)]
    no_ack: bool,
    /// Go on printing events as they come
    #[arg(long)]
    follow: bool,
}

/// Prints events.
pub(super) async fn run(session: &Session, arguments: PollArguments) -> Result<(), Failure> {
    let seconds = arguments.seconds()?;
    let waits = Duration::from_secs(seconds.unwrap_or(PATIENCE).min(MAX_PATIENCE));
    let address =
        subscription(&arguments.id).then("poll").query("timeout", seconds).query("max_events", arguments.max_events);
    if arguments.follow {
        return Follower::new(session, &arguments, waits).follow(&address).await;
    }
    let call = Call::fetch(address.query("since_event_id", arguments.since.as_deref())).waiting(waits);
    let answer = session.send(call).await?;
    session.output.answer(&answer, |page| Table::of(events(page), &COLUMNS).render())?;
    let page = answer.json()?;
    warn_if_truncated(session, &page);
    let ids = ids(&page);
    if arguments.ack && !ids.is_empty() {
        session.send(acknowledging(&arguments.id, ids)).await?;
    }
    Ok(())
}

// === impl PollArguments ===

impl PollArguments {
    /// How long the server is to wait, if that is said: in seconds, or as a duration.
    fn seconds(&self) -> Result<Option<u64>, Failure> {
        let Some(text) = &self.timeout else { return Ok(None) };
        let seconds = text.parse().ok().or_else(|| Some(duration::parse(text)?.as_secs()));
        seconds.map(Some).ok_or_else(|| Failure::usage("--timeout must be a number of seconds, 0 to 60"))
    }
}

/// One run of `--follow`.
struct Follower<'a> {
    session: &'a Session,
    id: &'a str,
    waits: Duration,
    acknowledges: bool,
    /// After which event, where nothing is acknowledged.
    place: Option<String>,
    /// The newest that was printed. Ids sort as events happened, which is how they come.
    printed: Option<String>,
    /// Printed, and to be acknowledged.
    owed: Vec<String>,
}

impl<'a> Follower<'a> {
    fn new(session: &'a Session, arguments: &'a PollArguments, waits: Duration) -> Self {
        Self {
            session,
            id: &arguments.id,
            waits,
            acknowledges: !arguments.no_ack,
            place: arguments.since.clone(),
            printed: None,
            owed: Vec::new(),
        }
    }

    async fn follow(mut self, address: &Address) -> Result<(), Failure> {
        if !self.session.output.json {
            self.session.output.print(&COLUMNS.map(|(heading, _)| heading).join("  "))?;
        }
        let mut pause = FIRST_PAUSE;
        loop {
            match self.turn(address).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(failure) if is_passing(&failure) => {
                    let seconds = pause.as_secs_f32();
                    self.session.output.notice(&format!("{}; trying again in {seconds} s", failure.message()));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(failure) if failure.code() == "invalid_cursor" && self.place.is_some() => {
                    // What is left is all there is.
                    self.session.output.notice(failure.message());
                    self.place = None;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Acknowledges what is owed, asks once, prints what is new.
    async fn turn(&mut self, address: &Address) -> Result<(), Failure> {
        if !self.owed.is_empty() {
            self.session.send(acknowledging(self.id, self.owed.clone())).await?;
            self.owed.clear();
        }
        let call = Call::fetch(address.clone().query("since_event_id", self.place.as_deref())).waiting(self.waits);
        let page = self.session.send(call).await?.json()?;
        warn_if_truncated(self.session, &page);
        for event in events(&page) {
            let Some(id) = event.member_text("event_id") else { continue };
            if self.printed.as_deref().is_none_or(|printed| printed < id) {
                self.print(event)?;
                self.printed = Some(id.to_owned());
            }
            match self.acknowledges {
                true => self.owed.push(id.to_owned()),
                false => self.place = Some(id.to_owned()),
            }
        }
        Ok(())
    }

    fn print(&self, event: &Json) -> Result<(), Failure> {
        if self.session.output.json {
            return self.session.output.print(&event.compact());
        }
        self.session.output.print(&COLUMNS.map(|(_, name)| cell(event.member(name))).join("  "))
    }
}

/// Whether it may be better soon: the server is away, busy or starting.
fn is_passing(failure: &Failure) -> bool {
    let is_busy = matches!(failure.code(), "service_unavailable" | "rate_limited" | "internal_error");
    is_busy || (failure.exit() == Exit::GENERAL && failure.code() == "cli_error")
}

fn warn_if_truncated(session: &Session, page: &Json) {
    if page.member("truncated").is_some_and(Json::is_true) {
        session.output.notice("Some events were dropped: the buffer was full");
    }
}

fn events(page: &Json) -> &[Json] {
    page.member("events").map(Json::items).unwrap_or_default()
}

fn ids(page: &Json) -> Vec<String> {
    events(page).iter().filter_map(|event| event.member_text("event_id")).map(str::to_owned).collect()
}
