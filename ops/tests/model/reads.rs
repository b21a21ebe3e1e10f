//! What the contract says about each request that changes nothing.

use serde_json::{Map, Value, json};

use crate::expect::{CALLER, DAY, Entry, Faults, Refusal, SECOND, Shown, days, time};
use crate::reference::{Reference, bad_path, narrowed, not_found, path, version_not_found, visible};
use crate::secret::{Secret, State};
use crate::steps::{Ask, Filter, KINDS, PATHS, PATTERNS, PREFIXES, TAGS, Verb};

/// The metadata view without usage.
pub fn metadata_view(path: &str, secret: &Secret) -> Value {
    json!({
        "path": path, "secret_type": secret.kind(), "current_version": secret.current(),
        "version_count": secret.valued(), "metadata": secret.metadata,
        "options": {"max_versions": secret.max_versions, "expires_in": secret.expires_in,
                    "notify_before": secret.notify_before},
        "created_at": time(secret.created), "updated_at": time(secret.updated),
        "expires_at": secret.ends().map(time), "rotation_policy": null, "secret_policy_id": null,
    })
}

/// Whether a value may be read now, and of which version.
fn select(path: &str, secret: Option<&Secret>, version: Option<u32>, ended: bool, now: i64) -> Result<u32, Refusal> {
    let secret = secret.filter(|secret| secret.deleted.is_none()).ok_or_else(|| not_found(path, secret))?;
    if secret.expired(now) && !ended {
        let details = json!({"path": path, "expires_at": secret.ends().map(time)});
        return Err(Refusal::new(410, "secret_expired").with(details));
    }
    let number = version.or(secret.current()).unwrap();
    let refuse = |reason| Err(version_not_found(path, Some(number), reason));
    let Some(found) = secret.version(number) else { return refuse("unknown") };
    match found.state {
        State::Deleted(_) => refuse("deleted"),
        State::Destroyed => refuse("destroyed"),
        State::Live if secret.current() == Some(number) || ended => Ok(number),
        State::Live if found.grace.is_some_and(|end| end <= now) => refuse("grace_period_ended"),
        State::Live => Ok(number),
    }
}

impl Reference {
    /// A request that changes nothing. `at` is the moment a read asks for.
    pub fn show(&mut self, ask: &Ask, at: Option<i64>, now: i64) -> Result<Shown, Refusal> {
        let name = path(ask.path);
        match &ask.verb {
            Verb::Read { version, include_expired, unless, .. } => {
                self.read(ask, *version, at, *include_expired, *unless, now)
            }
            Verb::Metadata => self.metadata(ask, now),
            Verb::Versions { destroyed, limit } => {
                let (secret, _) = self.settled(ask, name, now);
                let secret = secret
                    .as_ref()
                    .filter(|secret| secret.deleted.is_none())
                    .ok_or_else(|| not_found(name, secret.as_ref()))?;
                let rows =
                    (1..=secret.versions.len() as u32).rev().filter_map(|number| row(secret, number, *destroyed, now));
                let others = object(json!({ "path": name }));
                Ok(Shown::Rows { key: "versions", rows: rows.collect(), others, limit: limit.unwrap_or(50) })
            }
            Verb::Consumers { version, from } => self.consumers(ask, *version, *from, now),
            Verb::List { filter, limit } => self.list(ask, filter, limit.unwrap_or(50), now),
            Verb::Expiring { days, prefix, limit } => self.expiring(ask, *days, *prefix, limit.unwrap_or(50), now),
            Verb::Batch { paths, metadata, fail_fast, version } => {
                self.batch(ask, paths, *metadata, *fail_fast, *version, now)
            }
            Verb::BatchMetadata { paths, expand, fail_fast } => {
                self.batch_metadata(ask, paths, *expand, *fail_fast, now)
            }
            other => panic!("a change: {other:?}"),
        }
    }

    fn read(
        &mut self,
        ask: &Ask,
        version: Option<u32>,
        at: Option<i64>,
        ended: bool,
        unless: Option<u32>,
        now: i64,
    ) -> Result<Shown, Refusal> {
        let name = path(ask.path);
        let mut faults = Faults::default();
        if at.is_some_and(|at| at > now) {
            faults.field("query.at");
        }
        if at.is_some() && version.is_some() {
            faults.field("query.at");
        }
        faults.finish()?;
        let (present, _) = self.settled(ask, name, now);
        let mut shown = present.clone();
        let mut version = version;
        if let Some(at) = at {
            // Whether it may be read at all is judged as of now.
            match select(name, present.as_ref(), None, ended, now) {
                Err(refusal) if refusal.code != "version_not_found" => return Err(refusal),
                _ => {}
            }
            let past = self.lives[usize::from(ask.partner)].get(name).map_or(&[][..], |life| &life.past);
            shown = past.iter().rev().find(|(since, _)| *since <= at).map(|(_, state)| state.clone());
            let then = shown.as_ref().ok_or_else(|| version_not_found(name, None, "not_yet_created"))?;
            version = then.current().filter(|_| then.deleted.is_none());
            version.ok_or_else(|| version_not_found(name, None, "deleted"))?;
        }
        let number = select(name, present.as_ref(), version, ended, now)?;
        self.lives[usize::from(ask.partner)].get_mut(name).unwrap().reads.push((now, number));
        if unless == Some(number) {
            return Ok(Shown::Body { status: 304, body: None, tag: Some(number), version: Some(number), raw: None });
        }
        let secret = shown.unwrap();
        let found = secret.version(number).unwrap();
        let mut body = json!({
            "path": name, "secret_type": found.kind, "version": number,
            "data": serde_json::from_str::<Value>(&found.data).unwrap(), "metadata": secret.metadata,
            "created_at": time(secret.created), "updated_at": time(secret.updated),
        });
        for (field, moment) in [("expires_at", secret.ends()), ("as_of", at)] {
            if let Some(moment) = moment {
                body[field] = time(moment).into();
            }
        }
        let raw = Some(format!("\"data\":{}", found.data));
        Ok(Shown::Body { status: 200, body: Some(body), tag: Some(number), version: Some(number), raw })
    }

    fn metadata(&self, ask: &Ask, now: i64) -> Result<Shown, Refusal> {
        let name = path(ask.path);
        let (secret, _) = self.settled(ask, name, now);
        let Some(secret) = secret.as_ref().filter(|secret| secret.deleted.is_none()) else {
            return Err(not_found(name, secret.as_ref()));
        };
        let reads = &self.lives[usize::from(ask.partner)][name].reads;
        let mut body = metadata_view(name, secret);
        body["last_accessed_at"] = reads.last().map(|(at, _)| time(*at)).into();
        body["access_count_30d"] = reads.iter().filter(|(at, _)| *at >= now - 30 * DAY).count().into();
        Ok(Shown::Body { status: 200, body: Some(body), tag: None, version: None, raw: None })
    }

    fn consumers(&self, ask: &Ask, version: Option<u32>, from: Option<i64>, now: i64) -> Result<Shown, Refusal> {
        let name = path(ask.path);
        let (secret, _) = self.settled(ask, name, now);
        let secret = secret.ok_or_else(|| not_found(name, None))?;
        let from = now - from.unwrap_or(30) * DAY;
        let reads = self.lives[usize::from(ask.partner)][name].reads.iter();
        let reads: Vec<(i64, u32)> = reads
            .filter(|(at, number)| (from..now).contains(at) && version.is_none_or(|wanted| wanted == *number))
            .copied()
            .collect();
        let mut numbers: Vec<u32> = reads.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let of = |number: u32| reads.iter().filter(move |(_, other)| *other == number);
        let versions: Vec<Value> = numbers
            .iter()
            .rev()
            .map(|number| json!({"version": number, "read_count": of(*number).count(), "last_read_at": time(of(*number).next_back().unwrap().0)}))
            .collect();
        let rows = reads.last().map(|(at, number)| {
            json!({"identity_id": CALLER, "identity_type": "user",
                   "moved": secret.current().is_some_and(|current| numbers.contains(&current)), "last_version": number,
                   "last_read_at": time(*at), "read_count": reads.len(), "versions": versions})
        });
        let others = json!({"path": name, "current_version": secret.current(), "from": time(from), "to": time(now)});
        Ok(Shown::Rows { key: "consumers", rows: rows.into_iter().collect(), others: object(others), limit: 50 })
    }

    fn list(&self, ask: &Ask, filter: &Filter, limit: usize, now: i64) -> Result<Shown, Refusal> {
        let mut faults = Faults::default();
        if PREFIXES[filter.prefix].starts_with('/') {
            faults.special("invalid_path");
        }
        let kind = filter.kind.map(|index| KINDS[index]);
        if kind == Some("password") {
            faults.special("invalid_secret_type");
        }
        faults.finish()?;
        let mut rows = Vec::new();
        for name in self.lives[usize::from(ask.partner)].keys() {
            let (Some(secret), _) = self.settled(ask, name, now) else { continue };
            let tags = secret.metadata.get("tags").cloned().unwrap_or_else(|| json!([]));
            let tagged = |index: &usize| tags.as_array().unwrap().iter().any(|tag| tag == TAGS[*index]);
            let wanted = visible(ask, name)
                && name.starts_with(PREFIXES[filter.prefix])
                && filter.tags.iter().all(tagged)
                && kind.is_none_or(|kind| kind == secret.kind())
                && filter
                    .expires_before
                    .is_none_or(|ahead| secret.ends().is_some_and(|end| end < now + ahead * SECOND))
                && filter.updated_after.is_none_or(|ago| secret.updated > now - ago * SECOND)
                && (filter.expired || !secret.expired(now))
                && (filter.deleted || secret.deleted.is_none());
            if !wanted {
                continue;
            }
            let mut row = json!({"path": name, "secret_type": secret.kind(), "version": secret.current(),
                                 "updated_at": time(secret.updated), "expires_at": secret.ends().map(time), "tags": tags});
            if filter.metadata {
                row["metadata"] = secret.metadata.clone().into();
                row["created_at"] = time(secret.created).into();
                row["rotation_policy_id"] = Value::Null;
                row["secret_policy_id"] = Value::Null;
            }
            if let Some((at, until)) = secret.deleted {
                row["deleted_at"] = time(at).into();
                row["recoverable_until"] = time(until).into();
            }
            rows.push(row);
        }
        let others = object(json!({"total_count": rows.len()}));
        Ok(Shown::Rows { key: "secrets", rows, others, limit })
    }

    fn expiring(
        &self,
        ask: &Ask,
        within: Option<i64>,
        prefix: usize,
        limit: usize,
        now: i64,
    ) -> Result<Shown, Refusal> {
        if PREFIXES[prefix].starts_with('/') {
            return Err(Refusal::new(400, "invalid_path"));
        }
        let mut found = Vec::new();
        for name in self.lives[usize::from(ask.partner)].keys() {
            let (Some(secret), _) = self.settled(ask, name, now) else { continue };
            let Some(end) = secret.ends().filter(|_| secret.deleted.is_none()) else { continue };
            let near = (now..=now + within.unwrap_or(30) * DAY).contains(&end);
            if near && visible(ask, name) && name.starts_with(PREFIXES[prefix]) {
                found.push((end, name.clone()));
            }
        }
        found.sort();
        let row = |(end, name): &(i64, String)| json!({"path": name, "expires_at": time(*end), "days_remaining": days(*end, now)});
        Ok(Shown::Rows { key: "secrets", rows: found.iter().map(row).collect(), others: Map::new(), limit })
    }

    fn batch(
        &mut self,
        ask: &Ask,
        paths: &[usize],
        metadata: bool,
        fail_fast: bool,
        version: Option<u32>,
        now: i64,
    ) -> Result<Shown, Refusal> {
        let paths = asked(paths)?;
        let (mut secrets, mut errors, mut entries, mut reads) = (Map::new(), Map::new(), Vec::new(), Vec::new());
        for index in paths {
            let name = path(index);
            let (secret, _) = self.settled(ask, name, now);
            match allowed(ask, index).and_then(|()| select(name, secret.as_ref(), version, false, now)) {
                Ok(number) => {
                    let secret = secret.unwrap();
                    let found = secret.version(number).unwrap();
                    let mut row = json!({"data": serde_json::from_str::<Value>(&found.data).unwrap(), "version": number, "secret_type": found.kind});
                    if metadata {
                        row["metadata"] = secret.metadata.clone().into();
                    }
                    secrets.insert(name.into(), row);
                    reads.push((name, number));
                    entries.push(entry("read", index, Some(number), None));
                }
                Err(refusal) if fail_fast => return Err(first(name, refusal)),
                Err(refusal) => {
                    entries.push(entry("read", index, None, Some(refusal.code)));
                    errors.insert(name.into(), inner(&refusal));
                }
            }
        }
        for (name, number) in reads {
            self.lives[usize::from(ask.partner)].get_mut(name).unwrap().reads.push((now, number));
        }
        Ok(Shown::Batch { body: json!({"secrets": secrets, "errors": errors}), entries })
    }

    fn batch_metadata(
        &self,
        ask: &Ask,
        paths: &[usize],
        expand: bool,
        fail_fast: bool,
        now: i64,
    ) -> Result<Shown, Refusal> {
        let (mut found, mut errors, mut entries) = (Map::new(), Map::new(), Vec::new());
        for text in expanded(self, ask, &asked(paths)?, expand, now) {
            let index = PATHS.iter().position(|path| *path == text);
            let index = index.or_else(|| (0..).take(PATHS.len() + 5).find(|index| path(*index) == text));
            let result = match index {
                Some(index) => allowed(ask, index).and_then(|()| {
                    let (secret, _) = self.settled(ask, &text, now);
                    let there = secret.as_ref().filter(|secret| secret.deleted.is_none());
                    there.map(|secret| metadata_view(&text, secret)).ok_or_else(|| not_found(&text, secret.as_ref()))
                }),
                None if expand => {
                    Err(Refusal::new(400, "invalid_glob")
                        .with(json!({"pattern": text, "reason": "invalid_double_star"})))
                }
                None => {
                    Err(Refusal::new(400, "invalid_path").with(json!({"path": text, "reason": "invalid_character"})))
                }
            };
            let path = index.filter(|index| bad_path(*index).is_none()).map(|_| text.clone());
            let error = result.as_ref().err().map(|refusal| refusal.code.to_owned());
            match result {
                Ok(view) => _ = found.insert(text, view),
                Err(refusal) if fail_fast => return Err(first(&text, refusal)),
                Err(refusal) => _ = errors.insert(text, inner(&refusal)),
            }
            entries.push(Entry { action: "list".into(), path, version: None, error });
        }
        if entries.is_empty() {
            entries.push(Entry { action: "list".into(), path: None, version: None, error: None });
        }
        Ok(Shown::Batch { body: json!({"metadata": found, "errors": errors}), entries })
    }
}

/// What patterns stand for, in the given order, each once.
fn expanded(reference: &Reference, ask: &Ask, indexes: &[usize], expand: bool, now: i64) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        if !texts.iter().any(|other| other == text) {
            texts.push(text.to_owned());
        }
    };
    for index in indexes {
        let text = text(*index);
        if *index < 100 || !expand || text == "app/**b" {
            add(text);
            continue;
        }
        for name in reference.lives[usize::from(ask.partner)].keys() {
            let live = reference.settled(ask, name, now).0.is_some_and(|secret| secret.deleted.is_none());
            if live && visible(ask, name) && matches(text, name) {
                add(name);
            }
        }
    }
    texts
}

/// Which of the known paths each pattern stands for, by the table of the contract.
fn matches(pattern: &str, path: &str) -> bool {
    let meant: &[&str] = match pattern {
        "app/*" => &["app/db", "app/db-x"],
        "app/**" => &["app/db", "app/db/x", "app/db-x"],
        "**" => &PATHS,
        "app/d?" => &["app/db"],
        "app/db-*" => &["app/db-x"],
        "ap?s/**" => &["apps/1"],
        _ => &[],
    };
    meant.contains(&path)
}

/// The text of an index of a batch: a path, or a pattern.
pub fn text(index: usize) -> &'static str {
    if index < 100 { path(index) } else { PATTERNS[index - 100] }
}

fn asked(paths: &[usize]) -> Result<Vec<usize>, Refusal> {
    let mut kept: Vec<usize> = Vec::new();
    for index in paths {
        if !kept.contains(index) {
            kept.push(*index);
        }
    }
    let details = json!({"fields": ["paths"]});
    if kept.is_empty() { Err(Refusal::new(422, "validation_error").with(details)) } else { Ok(kept) }
}

fn allowed(ask: &Ask, index: usize) -> Result<(), Refusal> {
    match bad_path(index) {
        Some(refusal) => Err(refusal),
        None if visible(ask, path(index)) => Ok(()),
        None => Err(narrowed()),
    }
}

fn entry(action: &str, index: usize, version: Option<u32>, error: Option<&str>) -> Entry {
    let path = bad_path(index).is_none().then(|| path(index).to_owned());
    Entry { action: action.into(), path, version, error: error.map(str::to_owned) }
}

/// The failing path of a batch answers alone.
fn first(name: &str, mut refusal: Refusal) -> Refusal {
    if let Some(details) = &mut refusal.details {
        details["path"] = name.into();
    }
    refusal
}

fn inner(refusal: &Refusal) -> Value {
    json!({"code": refusal.code, "details": refusal.details})
}

fn row(secret: &Secret, number: u32, destroyed: bool, now: i64) -> Option<Value> {
    let version = secret.version(number)?;
    let is_current = secret.current() == Some(number);
    let state = match version.state {
        State::Destroyed if !destroyed => return None,
        State::Destroyed => "destroyed",
        State::Deleted(_) => "deleted",
        State::Live if is_current => "current",
        State::Live if version.grace.is_some_and(|end| now < end) => "grace",
        State::Live => "previous",
    };
    Some(json!({"version": number, "created_at": time(version.at), "created_by": CALLER, "is_current": is_current,
                "state": state, "grace_ends_at": version.grace.map(time)}))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
