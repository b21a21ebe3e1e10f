//! What a rotation policy says: read from flags, and shown as the flags would have it.

use clap::Args;

use crate::cli::client::Call;
use crate::cli::completion;
use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table;

/// Takes a setting away.
const NONE: &str = "none";

/// Flags of `rotation create`.
#[derive(Args)]
#[command(after_help = "Durations are written 30s, 15m, 12h, 90d, 2w, or together: 1d12h.")]
pub(crate) struct CreateArguments {
    /// Name, unique in the tenant; the id is made of it
    #[arg(long)]
    name: String,
    /// How often a value is replaced, such as 90d
    #[arg(long, value_name = "DURATION")]
    interval: String,
    #[command(flatten)]
    content: ContentArguments,
}

/// Flags of `rotation update`.
#[derive(Args)]
#[command(after_help = "Another interval, window or distance moves the due dates of the policy's secrets; another \
grace period concerns later rotations only.")]
pub(crate) struct ChangeArguments {
    /// Another name; the id stays
    #[arg(long)]
    name: Option<String>,
    /// How often a value is replaced, such as 90d
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    #[command(flatten)]
    content: ContentArguments,
}

/// What has a default.
#[derive(Args)]
struct ContentArguments {
    /// How long a replaced version stays readable, such as 48h [default: 48h]
    #[arg(long, value_name = "DURATION")]
    grace_period: Option<String>,
    /// How long before the due date to warn, comma-separated, such as 7d,1d; empty for never
    #[arg(long, value_name = "DURATION,…")]
    warn_before: Option<String>,
    /// The server makes the new values; =false leaves them to others again
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    auto_generate: Option<bool>,
    /// Recipe of the values that the server makes (sp_…); none removes it
    #[arg(long, value_name = "ID", add = completion::secret_policies())]
    secret_policy: Option<String>,
    /// Webhook that is told (repeatable); none removes all
    #[arg(long = "webhook", value_name = "ID", add = completion::webhooks())]
    webhooks: Vec<String>,
    /// When the schedule may rotate, such as "sat,sun 02:00-04:00 Europe/Amsterdam"; days and zone may be left out, none
    /// removes it
    #[arg(long, value_name = "DAYS HOURS ZONE")]
    window: Option<String>,
    /// Least time to a rotation of another secret, such as app/db/green=24h; none removes it
    #[arg(long, value_name = "PATH=DURATION", add = completion::paths())]
    min_distance: Option<String>,
    /// End a grace period early once all consumers have read the new version
    #[arg(long, value_name = "BOOL")]
    finish_when_moved: Option<bool>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
}

// === impl CreateArguments ===

impl CreateArguments {
    /// The body of the request.
    pub(super) fn into_body(self) -> Result<Json, Failure> {
        self.content.into_body(Some(self.name), Some(self.interval))
    }
}

// === impl ChangeArguments ===

impl ChangeArguments {
    /// The body of the request.
    pub(super) fn into_body(self) -> Result<Json, Failure> {
        self.content.into_body(self.name, self.interval)
    }
}

// === impl ContentArguments ===

impl ContentArguments {
    fn into_body(self, name: Option<String>, interval: Option<String>) -> Result<Json, Failure> {
        let webhooks = match self.webhooks.as_slice() {
            [] => None,
            [only] if only == NONE => Some(Json::List(Vec::new())),
            _ => Some(Json::texts(self.webhooks)),
        };
        Ok(object([
            ("name", name.map(Json::text)),
            ("description", self.description.map(Json::text)),
            ("interval", interval.map(Json::text)),
            ("grace_period", self.grace_period.map(Json::text)),
            ("warn_before", self.warn_before.map(Json::text)),
            ("auto_generate", self.auto_generate.map(Json::Bool)),
            ("secret_policy_id", self.secret_policy.map(|id| if id == NONE { Json::Null } else { Json::text(id) })),
            ("window", self.window.as_deref().map(window).transpose()?),
            ("min_distance", self.min_distance.as_deref().map(distance).transpose()?),
            ("finish_when_moved", self.finish_when_moved.map(Json::Bool)),
            ("webhook_ids", webhooks),
        ]))
    }
}

/// `[DAYS] HH:MM-HH:MM [ZONE]`; which days, hours and zones there are is for the server to say.
fn window(text: &str) -> Result<Json, Failure> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let hours = |word: &str| word.split_once('-').filter(|(start, _)| start.contains(':')).is_some();
    let (days, hours, zone) = match words.as_slice() {
        [NONE] => return Ok(Json::Null),
        [only] if hours(only) => (None, *only, None),
        [first, zone] if hours(first) => (None, *first, Some(*zone)),
        [days, second] if hours(second) => (Some(*days), *second, None),
        [days, second, zone] if hours(second) => (Some(*days), *second, Some(*zone)),
        _ => {
            let message =
                "--window has the form \"sat,sun 02:00-04:00 Europe/Amsterdam\"; days and zone may be left out";
            return Err(Failure::usage(message));
        }
    };
    let (start, end) = hours.split_once('-').unwrap_or((hours, ""));
    // What is left out is as it is by default, whatever was said before.
    Ok(object([
        ("days", Some(days.map_or(Json::Null, |days| Json::texts(days.split(','))))),
        ("start", Some(Json::text(start))),
        ("end", Some(Json::text(end))),
        ("timezone", Some(zone.map_or(Json::Null, Json::text))),
    ]))
}

/// `PATH=DURATION`.
fn distance(text: &str) -> Result<Json, Failure> {
    if text == NONE {
        return Ok(Json::Null);
    }
    let form = |_| Failure::usage("--min-distance has the form app/db/green=24h");
    let (path, duration) = input::pair(text).map_err(form)?;
    Ok(object([("path", Some(Json::text(path))), ("duration", Some(Json::text(duration)))]))
}

/// Sends a request and prints the policy it answers with.
pub(super) async fn lines(session: &Session, call: Call) -> Result<(), Failure> {
    let answer = session.send(call).await?;
    session.output.answer(&answer, shown)
}

/// A policy as lines; window and distance in the form of their flags.
fn shown(policy: &Json) -> String {
    let mut policy = policy.clone();
    if let Some(text) = policy.member("window").and_then(window_text) {
        policy.set("window", Json::text(text));
    }
    if let Some(text) = policy.member("min_distance").and_then(distance_text) {
        policy.set("min_distance", Json::text(text));
    }
    table::lines(&policy)
}

fn window_text(window: &Json) -> Option<String> {
    let (start, end) = (window.member_text("start")?, window.member_text("end")?);
    Some(format!("{} {start}-{end} {}", table::cell(window.member("days")), window.member_text("timezone")?))
}

fn distance_text(distance: &Json) -> Option<String> {
    Some(format!("{}={}", distance.member_text("path")?, distance.member_text("duration")?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        window(text).ok().unwrap().compact().to_string()
    }

    #[test]
    fn a_window_may_leave_out_days_and_zone() {
        let whole = r#"{"days":["sat","sun"],"start":"02:00","end":"04:00","timezone":"Europe/Amsterdam"}"#;
        assert_eq!(read("sat,sun 02:00-04:00 Europe/Amsterdam"), whole);
        assert_eq!(read(" 22:00-04:00 "), r#"{"days":null,"start":"22:00","end":"04:00","timezone":null}"#);
        assert_eq!(read("sun 22:00-04:00"), r#"{"days":["sun"],"start":"22:00","end":"04:00","timezone":null}"#);
        // A zone may have a hyphen, and be taken for hours by nobody.
        let zone = "America/Port-au-Prince";
        assert_eq!(
            read(&format!("22:00-04:00 {zone}")),
            format!(r#"{{"days":null,"start":"22:00","end":"04:00","timezone":"{zone}"}}"#)
        );
        assert_eq!(read("none"), "null");
        for text in ["", "sun", "02:00", "sun sat 02:00-04:00", "02:00 - 04:00", "mon-fri", "a 02:00-04:00 b c"] {
            assert!(window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_given() {
        let text = "mon,sun 02:00-04:00 UTC";
        assert_eq!(window_text(&window(text).ok().unwrap()).unwrap(), text);
        let text = "app/db/green=24h";
        assert_eq!(distance_text(&distance(text).ok().unwrap()).unwrap(), text);
        assert!(distance("none").ok().unwrap() == Json::Null);
        assert!(distance("app/db/green").is_err());
        let policy = Json::parse(r#"{"id":"rot_a","window":null,"min_distance":null}"#).ok().unwrap();
        assert_eq!(shown(&policy), "id: rot_a\nwindow: -\nmin_distance: -");
    }
}
