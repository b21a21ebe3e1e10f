//! What the contract says about each change.

use serde_json::{Map, Value, json};

use crate::expect::{CALLER, Done, Event, Faults, Refusal, SECOND, seconds, time};
use crate::reads::metadata_view;
use crate::reference::{not_found, version_not_found};
use crate::secret::{Secret, State, Version, WINDOW};
use crate::steps::{self, Change, DURATIONS, End, GRACES, KINDS, NOTICES, When};

/// The value of a number, as text that must come back as it is.
pub fn data(number: u32) -> String {
    format!("{{\"n\":{number}.50,\"text\":\"é \\u00e9 \\\"{number}\\\"\",\"nested\":{{\"empty\":[]}}}}")
}

fn event(kind: &'static str, data: Value) -> Event {
    Event { kind, actor: CALLER, data }
}

fn updated(old: Option<u32>, new: u32, is_rotation: bool) -> Event {
    let data = json!({"old_version": old, "new_version": new, "updated_by": CALLER, "is_rotation": is_rotation});
    event("secret.updated", data)
}

fn soft_deleted(secret: &mut Secret, now: i64) -> Event {
    secret.deleted = Some((now, now + WINDOW));
    let data = json!({"version_count": secret.valued(), "deleted_by": CALLER, "permanent": false,
                      "recoverable_until": time(now + WINDOW)});
    event("secret.deleted", data)
}

fn live(path: &str, secret: Option<Secret>) -> Result<Secret, Refusal> {
    match secret {
        Some(secret) if secret.deleted.is_none() => Ok(secret),
        other => Err(not_found(path, other.as_ref())),
    }
}

fn condition(path: &str, secret: Option<&Secret>, when: &When) -> Result<(), Refusal> {
    let current = secret.and_then(Secret::current);
    let holds = match when {
        When::Match(number) => current == Some(*number),
        When::Absent => secret.is_none(),
        When::Always | When::Bad(_) => true,
    };
    let details = json!({"path": path, "current_version": current});
    if holds { Ok(()) } else { Err(Refusal::new(409, "version_conflict").with(details)) }
}

/// Values of `options`, check 9.
fn check_options(options: &Change, faults: &mut Faults, put: bool, partner: bool) {
    match options.max_versions {
        Some(Some(0)) => faults.field("options.max_versions"),
        Some(None) if put => faults.field("options.max_versions"),
        _ => {}
    }
    match options.end {
        End::In(index) if DURATIONS[index] == "0d" => faults.special("invalid_duration"),
        End::Both => faults.field("options.expires_at"),
        End::At(ahead) if ahead <= 0 => faults.field("options.expires_at"),
        _ => {}
    }
    if let Some(Some(index)) = options.notices
        && NOTICES[index] == "soon"
    {
        faults.special("invalid_duration");
    }
    if options.policy && partner {
        faults.field("options.rotation_policy_id");
    }
}

/// Applies options; whether anything changed.
fn apply_options(secret: &mut Secret, options: &Change, new_version: bool, now: i64) -> Result<bool, Refusal> {
    if options.policy {
        return Err(Refusal::new(404, "rotation_policy_not_found"));
    }
    let before = (secret.max_versions, secret.expires_in, secret.notify_before, secret.ends());
    if let Some(most) = options.max_versions {
        secret.max_versions = most.map_or(10, |most| most as usize);
    }
    if let Some(notices) = options.notices {
        secret.notify_before = notices.map(|index| NOTICES[index]);
    }
    let mut end = secret.ends();
    match options.end {
        End::Keep | End::Both => {}
        End::In(index) if secret.expires_in != Some(DURATIONS[index]) => {
            secret.expires_in = Some(DURATIONS[index]);
            end = Some(now + seconds(DURATIONS[index]) * SECOND);
        }
        End::In(_) => {}
        End::InNull if secret.expires_in.is_some() => (secret.expires_in, end) = (None, None),
        End::InNull => {}
        End::At(ahead) => (secret.expires_in, end) = (None, Some(now + ahead * SECOND)),
        End::AtNull => (secret.expires_in, end) = (None, None),
    }
    if let Some(after) = secret.expires_in.filter(|_| new_version) {
        end = Some(now + seconds(after) * SECOND);
    }
    secret.set_end(end, now);
    Ok(before != (secret.max_versions, secret.expires_in, secret.notify_before, secret.ends()))
}

/// A merge, one level; duplicates of tags dropped.
fn merge(into: &mut Map<String, Value>, patch: &Value) {
    for (key, value) in patch.as_object().unwrap() {
        let mut value = value.clone();
        if let Some(tags) = value.as_array_mut() {
            let mut seen = Vec::new();
            tags.retain(|tag| {
                !seen.contains(tag) && {
                    seen.push(tag.clone());
                    true
                }
            });
        }
        match value.is_null() {
            true => _ = into.remove(key),
            false => _ = into.insert(key.clone(), value),
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one request")]
pub fn write(
    path: &str,
    secret: Option<Secret>,
    number: u32,
    kind: Option<usize>,
    metadata: Option<usize>,
    options: &Change,
    when: &When,
    partner: bool,
    now: i64,
) -> Result<Done, Refusal> {
    let mut faults = Faults::default();
    if kind.is_some_and(|index| KINDS[index] == "password") {
        faults.special("invalid_secret_type");
    }
    check_options(options, &mut faults, true, partner);
    faults.finish()?;
    if let Some(deleted) = secret.as_ref().filter(|secret| secret.deleted.is_some()) {
        let details = not_found(path, Some(deleted)).details.unwrap();
        return Err(Refusal::new(409, "secret_exists").with(details));
    }
    condition(path, secret.as_ref(), when)?;
    let previous = secret.as_ref().and_then(Secret::current);
    let created = secret.is_none();
    let mut secret = secret.unwrap_or_else(|| Secret {
        versions: Vec::new(),
        metadata: Map::new(),
        max_versions: 10,
        expires_in: None,
        notify_before: Some("30d,7d,1d"),
        end: None,
        created: now,
        updated: now,
        deleted: None,
    });
    apply_options(&mut secret, options, true, now)?;
    if let Some(index) = metadata {
        secret.metadata.clear();
        merge(&mut secret.metadata, &steps::metadata(index));
    }
    let kind = kind.map_or_else(|| secret.kind(), |index| KINDS[index]);
    let version = add(&mut secret, kind, number, now);
    let end = secret.ends().map(time);
    let mut body = if created {
        json!({"path": path, "secret_type": kind, "version": 1, "created": true, "created_at": time(now)})
    } else {
        json!({"path": path, "version": version, "created": false, "previous_version": previous, "updated_at": time(now)})
    };
    if let Some(end) = &end {
        body["expires_at"] = end.as_str().into();
    }
    let mut events = if created {
        let tags = secret.metadata.get("tags").cloned().unwrap_or_else(|| json!([]));
        let data = json!({"version": 1, "secret_type": kind, "created_by": CALLER, "tags": tags, "expires_at": end});
        vec![event("secret.created", data)]
    } else {
        vec![updated(previous, version, false)]
    };
    events.extend(secret.prune(now, CALLER));
    let status = if created { 201 } else { 200 };
    Ok(Done { status, body: Some(body), tag: Some(version), version: Some(version), events, after: Some(secret) })
}

fn add(secret: &mut Secret, kind: &'static str, number: u32, now: i64) -> u32 {
    secret.versions.push(Version { kind, data: data(number), at: now, state: State::Live, grace: None });
    secret.updated = now;
    secret.versions.len() as u32
}

pub fn patch(
    path: &str,
    secret: Option<Secret>,
    metadata: Option<usize>,
    options: &Change,
    when: &When,
    partner: bool,
    now: i64,
) -> Result<Done, Refusal> {
    let mut faults = Faults::default();
    check_options(options, &mut faults, false, partner);
    faults.finish()?;
    let mut secret = live(path, secret)?;
    if !matches!(when, When::Absent) {
        condition(path, Some(&secret), when)?;
    }
    let current = secret.current();
    let mut changed = Vec::new();
    let before = secret.metadata.clone();
    match metadata.map(steps::metadata) {
        Some(Value::Null) => secret.metadata.clear(),
        Some(patch) => merge(&mut secret.metadata, &patch),
        None => {}
    }
    if secret.metadata != before {
        changed.push("metadata");
    }
    if apply_options(&mut secret, options, false, now)? {
        changed.push("options");
    }
    let mut events = Vec::new();
    if !changed.is_empty() {
        secret.updated = now;
        let data = json!({"version": current, "changed": changed, "updated_by": CALLER});
        events.push(event("secret.metadata_updated", data));
        events.extend(secret.prune(now, CALLER));
    }
    let body = Some(metadata_view(path, &secret));
    Ok(Done { status: 200, body, tag: current, version: current, events, after: Some(secret) })
}

pub fn rotate(
    path: &str,
    secret: Option<Secret>,
    number: Option<u32>,
    grace: Option<usize>,
    _reason: bool,
    when: &When,
    now: i64,
) -> Result<Done, Refusal> {
    let mut faults = Faults::default();
    match grace.map(|index| GRACES[index]) {
        Some("366d") => faults.field("grace_period"),
        Some("long") => faults.special("invalid_duration"),
        _ => {}
    }
    faults.finish()?;
    let mut secret = live(path, secret)?;
    let Some(number) = number else {
        return Err(Refusal::new(422, "validation_error").with(json!({"fields": ["new_value"]})));
    };
    if !matches!(when, When::Absent) {
        condition(path, Some(&secret), when)?;
    }
    let previous = secret.current().unwrap();
    let ends = now + seconds(grace.map_or("48h", |index| GRACES[index])) * SECOND;
    apply_options(&mut secret, &Change::default(), true, now)?;
    secret.version_mut(previous).grace = Some(ends);
    let kind = secret.kind();
    let version = add(&mut secret, kind, number, now);
    let rotated = json!({"old_version": previous, "new_version": version, "rotation_policy_id": null,
                         "rotation_policy_name": null, "grace_period_ends": time(ends), "auto_generated": false});
    let mut events = vec![updated(Some(previous), version, true), event("secret.rotated", rotated)];
    events.extend(secret.prune(now, CALLER));
    let body = json!({"path": path, "version": version, "previous_version": previous, "rotated_at": time(now),
                      "grace_period_ends": time(ends), "rotation_policy_id": null});
    Ok(Done { status: 200, body: Some(body), tag: Some(version), version: Some(version), events, after: Some(secret) })
}

pub fn delete(
    path: &str,
    secret: Option<Secret>,
    version: Option<u32>,
    permanent: bool,
    when: &When,
    now: i64,
) -> Result<Done, Refusal> {
    let mut secret = match secret {
        Some(secret) if permanent => secret,
        other => live(path, other)?,
    };
    if !matches!(when, When::Absent) {
        condition(path, Some(&secret), when)?;
    }
    let until = now + WINDOW;
    let gone = |count: usize| {
        event("secret.deleted", json!({"version_count": count, "deleted_by": CALLER, "permanent": true}))
    };
    let (body, events, after) = match (version, permanent) {
        (None, true) => (None, vec![gone(secret.valued())], None),
        (None, false) => {
            let events = vec![soft_deleted(&mut secret, now)];
            (
                Some(json!({"path": path, "deleted_at": time(now), "recoverable_until": time(until)})),
                events,
                Some(secret),
            )
        }
        (Some(number), _) => {
            let state = secret.version(number).map(|found| found.state);
            let reason = match state {
                None => Some("unknown"),
                Some(State::Destroyed) => Some("destroyed"),
                Some(State::Deleted(_)) if !permanent => Some("deleted"),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                return Err(version_not_found(path, Some(number), reason));
            }
            let before = secret.current();
            let mut events = Vec::new();
            if permanent {
                secret.version_mut(number).state = State::Destroyed;
                let data = json!({"version": number, "reason": "requested", "destroyed_by": CALLER});
                events.push(event("secret.version_destroyed", data));
            } else {
                secret.version_mut(number).state = State::Deleted(until);
                let data = json!({"version": number, "changed": ["versions"], "updated_by": CALLER});
                events.push(event("secret.metadata_updated", data));
            }
            let current = secret.current();
            let mut after = Some(secret);
            if let Some(secret) = &mut after {
                match current {
                    _ if secret.valued() == 0 => events.push(gone(0)),
                    _ if secret.deleted.is_some() => {}
                    None => events.push(soft_deleted(secret, now)),
                    Some(new) if before != current => events.push(updated(before, new, false)),
                    Some(_) => {}
                }
            }
            let after = after.filter(|secret| secret.valued() > 0);
            let body = json!({"path": path, "version": number, "deleted_at": time(now), "recoverable_until": time(until),
                              "current_version": current, "secret_deleted": current.is_none()});
            ((!permanent).then_some(body), events, after)
        }
    };
    let status = if permanent { 204 } else { 200 };
    Ok(Done { status, body, tag: None, version, events, after })
}

pub fn restore(path: &str, secret: Option<Secret>, version: Option<u32>, now: i64) -> Result<Done, Refusal> {
    let Some(mut secret) = secret else { return Err(not_found(path, None)) };
    let before = secret.current();
    let deleted = |secret: &Secret, number: u32| matches!(secret.version(number).unwrap().state, State::Deleted(_));
    let mut events = Vec::new();
    let mut restored = false;
    match version {
        None if secret.deleted.is_some() => {
            restored = true;
            if before.is_none() {
                let highest = (1..=secret.versions.len() as u32).rev().find(|number| deleted(&secret, *number));
                secret.version_mut(highest.unwrap()).state = State::Live;
            }
        }
        None => {}
        Some(number) => {
            match secret.version(number).map(|found| found.state) {
                None => return Err(version_not_found(path, version, "unknown")),
                Some(State::Destroyed) => return Err(version_not_found(path, version, "destroyed")),
                // Deleted as a whole: it comes back as a whole.
                Some(_) if secret.deleted.is_some() && before.is_some() => return Err(not_found(path, Some(&secret))),
                Some(State::Live) => {}
                Some(State::Deleted(_)) => {
                    restored = true;
                    secret.version_mut(number).state = State::Live;
                }
            }
        }
    }
    let current = secret.current();
    if restored {
        let shown = if secret.deleted.is_some() { current } else { version };
        events.push(event("secret.restored", json!({"version": shown, "restored_by": CALLER})));
        if secret.deleted.is_none() && before != current {
            events.push(updated(before, current.unwrap(), false));
        }
        secret.deleted = None;
        // A grace period may have ended while it was deleted.
        events.extend(secret.prune(now, CALLER));
    }
    let at = restored.then(|| time(now));
    let body = json!({"path": path, "version": current, "restored": restored, "restored_at": at});
    let told = version.or(current);
    Ok(Done { status: 200, body: Some(body), tag: None, version: told, events, after: Some(secret) })
}
