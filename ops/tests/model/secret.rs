//! A secret as the contract describes it, and what the clock does to it.

use serde_json::{Map, Value, json};

use crate::expect::{Event, SECOND, SWEEPER, days, seconds, time};

/// How long something deleted can be restored.
pub const WINDOW: i64 = 30 * 86_400 * SECOND;

/// One secret.
#[derive(Clone, Debug)]
pub struct Secret {
    pub versions: Vec<Version>,
    pub metadata: Map<String, Value>,
    pub max_versions: usize,
    pub expires_in: Option<&'static str>,
    pub notify_before: Option<&'static str>,
    pub end: Option<End>,
    pub created: i64,
    pub updated: i64,
    /// When, and until when it can be restored.
    pub deleted: Option<(i64, i64)>,
}

/// One version; its number is its place.
#[derive(Clone, Debug)]
pub struct Version {
    pub kind: &'static str,
    pub data: String,
    pub at: i64,
    pub state: State,
    pub grace: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Live,
    /// Restorable until then.
    Deleted(i64),
    Destroyed,
}

/// An expiry date, and what was said about it.
#[derive(Clone, Debug)]
pub struct End {
    pub at: i64,
    set: i64,
    announced: Vec<String>,
    told: bool,
}

impl Secret {
    /// Number of the highest live version.
    pub fn current(&self) -> Option<u32> {
        self.versions.iter().rposition(|version| version.state == State::Live).map(|index| index as u32 + 1)
    }

    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get(number as usize - 1)
    }

    pub fn version_mut(&mut self, number: u32) -> &mut Version {
        &mut self.versions[number as usize - 1]
    }

    /// How many versions have a value.
    pub fn valued(&self) -> usize {
        self.versions.iter().filter(|version| version.state != State::Destroyed).count()
    }

    pub fn kind(&self) -> &'static str {
        let shown = self.current().and_then(|number| self.version(number)).or(self.versions.last());
        shown.map_or("kv", |version| version.kind)
    }

    pub fn ends(&self) -> Option<i64> {
        self.end.as_ref().map(|end| end.at)
    }

    pub fn expired(&self, now: i64) -> bool {
        self.ends().is_some_and(|end| end <= now)
    }

    pub fn set_end(&mut self, at: Option<i64>, now: i64) {
        if self.ends() != at {
            self.end = at.map(|at| End { at, set: now, announced: Vec::new(), told: false });
        }
    }

    fn destroy(&mut self, number: u32, reason: &str, actor: &'static str) -> Event {
        self.version_mut(number).state = State::Destroyed;
        let data = json!({"version": number, "reason": reason, "destroyed_by": actor});
        Event { kind: "secret.version_destroyed", actor, data }
    }

    /// The state at `now`, and the events that lead there. `None`: gone.
    pub fn settle(&self, now: i64) -> (Option<Self>, Vec<Event>) {
        let gone = json!({"version_count": self.valued(), "deleted_by": SWEEPER, "permanent": true});
        let gone = Event { kind: "secret.deleted", actor: SWEEPER, data: gone };
        if self.deleted.is_some_and(|(_, until)| until <= now) {
            return (None, vec![gone]);
        }
        let mut secret = self.clone();
        let mut events = Vec::new();
        for number in 1..=self.versions.len() as u32 {
            if matches!(secret.version_mut(number).state, State::Deleted(until) if until <= now) {
                events.push(secret.destroy(number, "recovery_ended", SWEEPER));
            }
        }
        if secret.valued() == 0 {
            return (None, vec![gone]);
        }
        if secret.deleted.is_none() {
            events.extend(secret.prune(now, SWEEPER));
        }
        (Some(secret), events)
    }

    /// Destroys the oldest versions beyond `max_versions`; those in a grace period are kept besides.
    pub fn prune(&mut self, now: i64, actor: &'static str) -> Vec<Event> {
        let current = self.current();
        let counted =
            |version: &Version| version.state != State::Destroyed && version.grace.is_none_or(|end| end <= now);
        let excess = self.versions.iter().filter(|version| counted(version)).count().saturating_sub(self.max_versions);
        let numbered = (1_u32..).zip(&self.versions);
        let oldest = numbered.filter(|(number, version)| counted(version) && Some(*number) != current);
        let oldest: Vec<u32> = oldest.map(|(number, _)| number).take(excess).collect();
        oldest.into_iter().map(|number| self.destroy(number, "aged_out", actor)).collect()
    }

    /// Moments at which the clock brings something about.
    pub fn moments(&self) -> Vec<i64> {
        let windows = self.versions.iter().filter_map(|version| match version.state {
            State::Deleted(until) => Some(until),
            State::Live | State::Destroyed => None,
        });
        let graces = self.versions.iter().filter_map(|version| version.grace);
        let notices = self.notify_before.unwrap_or("0s").split(',').map(seconds);
        let ends =
            self.ends().into_iter().flat_map(|end| notices.clone().map(move |ahead| end - ahead * SECOND).chain([end]));
        windows.chain(graces).chain(self.deleted.map(|(_, until)| until)).chain(ends).collect()
    }

    /// What has to be said about the expiry by now.
    pub fn notices(&mut self, now: i64) -> Vec<Event> {
        let thresholds: Vec<&str> = self.notify_before.unwrap_or_default().split(',').map(str::trim).collect();
        let Some(end) = self.end.as_mut().filter(|end| !end.told && self.deleted.is_none()) else { return Vec::new() };
        let moment = |threshold: &str| end.at - seconds(threshold) * SECOND;
        let mut due: Vec<&str> = thresholds
            .into_iter()
            .filter(|text| !text.is_empty())
            .filter(|text| {
                (end.set + 1..=now).contains(&moment(text)) && !end.announced.iter().any(|held| held == text)
            })
            .collect();
        due.sort_by_key(|text| moment(text));
        due.dedup();
        end.announced.extend(due.iter().map(|text| (*text).to_owned()));
        let announce = |text: &str| Event {
            kind: "secret.expiring",
            actor: SWEEPER,
            data: json!({"expires_at": time(end.at), "days_remaining": days(end.at, now), "threshold": text}),
        };
        let mut events: Vec<Event> = due.into_iter().map(announce).collect();
        if end.at <= now {
            end.told = true;
            let data = json!({"expires_at": time(end.at)});
            events.push(Event { kind: "secret.expired", actor: SWEEPER, data });
        }
        events
    }
}
