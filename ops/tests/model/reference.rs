//! The reference model: the secrets of a tenant and of its partner, without a log.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::expect::{DAY, Done, Entry, Event, Refusal, SWEEPER, time};
use crate::secret::Secret;
use crate::steps::{Ask, BAD_PATHS, BAD_TAGS, BROKEN, PATHS, Verb, When};

/// A secret with its past: from its first version to its hard deletion.
pub struct Life {
    pub state: Secret,
    /// What it was from when on.
    pub past: Vec<(i64, Secret)>,
    /// Value reads: when, and of which version.
    pub reads: Vec<(i64, u32)>,
}

/// Everything, of the tenant and of the partner.
#[derive(Default)]
pub struct Reference {
    pub lives: [BTreeMap<String, Life>; 2],
}

/// The text of a path index.
pub fn path(index: usize) -> &'static str {
    PATHS.get(index).copied().unwrap_or_else(|| BAD_PATHS[index - PATHS.len()].0)
}

/// `invalid_path`, if it is none.
pub fn bad_path(index: usize) -> Option<Refusal> {
    let (path, reason) = BAD_PATHS.get(index.checked_sub(PATHS.len())?)?;
    Some(Refusal::new(400, "invalid_path").with(json!({"path": path, "reason": reason})))
}

/// What the narrowed token may touch.
pub fn visible(ask: &Ask, path: &str) -> bool {
    !ask.narrow || (!ask.partner && path.starts_with("app/"))
}

/// `403` of a narrowed token.
pub fn narrowed() -> Refusal {
    Refusal::new(403, "access_denied").with(json!({"reason": "token_path_restriction"}))
}

/// `404` of a secret that is not there, or deleted.
pub fn not_found(path: &str, secret: Option<&Secret>) -> Refusal {
    let mut details = json!({ "path": path });
    if let Some((at, until)) = secret.and_then(|secret| secret.deleted) {
        details["deleted_at"] = time(at).into();
        details["recoverable_until"] = time(until).into();
    }
    Refusal::new(404, "secret_not_found").with(details)
}

/// `404` of a version.
pub fn version_not_found(path: &str, version: Option<u32>, reason: &str) -> Refusal {
    Refusal::new(404, "version_not_found").with(json!({"path": path, "version": version, "reason": reason}))
}

/// The audit action of a request.
pub fn action(verb: &Verb) -> &'static str {
    match verb {
        Verb::Read { .. } | Verb::Batch { .. } => "read",
        Verb::Write { .. } | Verb::Broken(_) => "write",
        Verb::Patch { .. } => "metadata_update",
        Verb::Rotate { .. } => "rotate",
        Verb::Delete { .. } => "delete",
        Verb::Restore { .. } => "restore",
        _ => "list",
    }
}

/// Whether a request concerns the one secret of its path.
pub fn has_path(verb: &Verb) -> bool {
    !matches!(verb, Verb::List { .. } | Verb::Expiring { .. } | Verb::Batch { .. } | Verb::BatchMetadata { .. })
}

impl Reference {
    /// The secret at `now`, whatever was swept, and the events that are due for it.
    pub fn settled(&self, ask: &Ask, path: &str, now: i64) -> (Option<Secret>, Vec<Event>) {
        let Some(life) = self.lives[usize::from(ask.partner)].get(path) else { return (None, Vec::new()) };
        let (mut secret, mut events) = life.state.settle(now);
        if let Some(secret) = &mut secret {
            events.extend(secret.notices(now));
        }
        (secret, events)
    }

    /// Checks 7 and 8: conditions, body, path, narrowing.
    pub fn early(&self, ask: &Ask) -> Result<(), Refusal> {
        if let Verb::Write { when, .. }
        | Verb::Patch { when, .. }
        | Verb::Rotate { when, .. }
        | Verb::Delete { when, .. } = &ask.verb
            && let When::Bad(index) = when
        {
            assert!(!BAD_TAGS[*index].is_empty());
            return Err(Refusal::new(400, "invalid_request").early());
        }
        if let Verb::Broken(index) = ask.verb
            && BROKEN[index].2 == "invalid_request"
        {
            return Err(Refusal::new(400, "invalid_request").early());
        }
        if !has_path(&ask.verb) {
            return Ok(());
        }
        if let Some(refusal) = bad_path(ask.path) {
            return Err(refusal.early());
        }
        if visible(ask, path(ask.path)) { Ok(()) } else { Err(narrowed().early()) }
    }

    /// Moments that matter to a secret, with whose it is and its path.
    pub fn moments(&self) -> Vec<(i64, bool, usize)> {
        let mut moments = Vec::new();
        for (partner, lives) in [false, true].into_iter().zip(&self.lives) {
            for (name, life) in lives {
                let index = PATHS.iter().position(|path| path == name).unwrap();
                let counted = life.reads.iter().map(|(at, _)| at + 30 * DAY);
                moments.extend(counted.chain(life.state.moments()).map(|at| (at, partner, index)));
            }
        }
        moments
    }

    /// What a change leads to.
    pub fn decide(&self, ask: &Ask, now: i64) -> Result<Done, Refusal> {
        let name = path(ask.path);
        let (secret, _) = self.settled(ask, name, now);
        let place = ask.partner;
        match &ask.verb {
            Verb::Write { data, kind, metadata, options, when } => {
                crate::writes::write(name, secret, *data, *kind, *metadata, options, when, place, now)
            }
            Verb::Patch { metadata, options, when } => {
                crate::writes::patch(name, secret, *metadata, options, when, place, now)
            }
            Verb::Rotate { data, grace, reason, when } => {
                crate::writes::rotate(name, secret, *data, *grace, *reason, when, now)
            }
            Verb::Delete { version, permanent, when } => {
                crate::writes::delete(name, secret, *version, *permanent, when, now)
            }
            Verb::Restore { version } => crate::writes::restore(name, secret, *version, now),
            Verb::Broken(index) => {
                let (_, status, code, fields) = BROKEN[*index];
                Err(Refusal::new(status, code).with(json!({ "fields": fields })))
            }
            other => panic!("no change: {other:?}"),
        }
    }

    /// Makes what was due and decided the state; returns the events.
    pub fn commit(&mut self, ask: &Ask, done: &mut Done, now: i64) -> Vec<Event> {
        let name = path(ask.path);
        let (settled, mut events) = self.settled(ask, name, now);
        let lives = &mut self.lives[usize::from(ask.partner)];
        if settled.is_none() {
            lives.remove(name);
        }
        events.append(&mut done.events);
        put(lives, name, done.after.take(), now);
        events
    }

    /// The sweeper: events of each path, and the entries.
    pub fn sweep(&mut self, now: i64) -> Vec<(bool, String, Vec<Event>)> {
        let mut swept = Vec::new();
        for (partner, lives) in [false, true].into_iter().zip(&mut self.lives) {
            for name in lives.keys().cloned().collect::<Vec<_>>() {
                let (mut state, mut events) = lives[&name].state.settle(now);
                if let Some(secret) = &mut state {
                    events.extend(secret.notices(now));
                }
                if !events.is_empty() {
                    put(lives, &name, state, now);
                    swept.push((partner, name, events));
                }
            }
        }
        swept
    }
}

fn put(lives: &mut BTreeMap<String, Life>, name: &str, state: Option<Secret>, now: i64) {
    let Some(state) = state else {
        lives.remove(name);
        return;
    };
    match lives.get_mut(name) {
        Some(life) => {
            life.past.push((now, state.clone()));
            life.state = state;
        }
        None => {
            let life = Life { past: vec![(now, state.clone())], state, reads: Vec::new() };
            lives.insert(name.to_owned(), life);
        }
    }
}

/// The entry of a piece of sweeping.
pub fn swept_entry(path: &str, event: &Event) -> Entry {
    assert_eq!(event.actor, SWEEPER);
    let version = event.data.get("version").and_then(Value::as_u64).map(|number| number as u32);
    let action = if matches!(event.kind, "secret.version_destroyed" | "secret.deleted") { "delete" } else { "write" };
    Entry { action: action.into(), path: Some(path.to_owned()), version, error: None }
}
