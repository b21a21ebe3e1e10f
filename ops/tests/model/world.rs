//! The real thing beside the reference model: each step is done to both, and what came of it compared.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use scaivault_commands::bootstrap::Bootstrap;
use scaivault_domain::publication::publish;
use scaivault_domain::token::TokenKind;
use scaivault_domain::{IdentityId, PartnerId, TenantId};
use scaivault_eventstore::Position;
use scaivault_eventstore::log::Backend;
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_projections::decode::{Decoded, decode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::expect::{CALLER, DAY, Entry, Event, Refusal, SECOND, SWEEPER, Shown, time};
use crate::node::{Node, TestClock};
use crate::reference::{self, Reference, swept_entry};
use crate::request::{self, Request};
use crate::steps::{Ask, Filter, PATHS, Step, Verb};

const ROOT_TOKEN: &str = "dev-root-token";
/// How long an idempotency key is remembered.
const KEPT: i64 = DAY;

/// An answer as it came.
struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// What makes a request the same again: the power of its token, method, target and body.
type Same = (bool, String, String, Option<String>);

/// An outcome under an idempotency key.
struct Kept {
    request: Same,
    status: u16,
    body: String,
    etag: Option<String>,
    error: Option<String>,
    until: i64,
}

/// What the log has told since it was last asked.
#[derive(Default)]
struct Told {
    events: Vec<Value>,
    entries: Vec<Entry>,
}

/// Both.
pub struct World {
    backend: Arc<dyn Backend>,
    root: EphemeralRoot,
    clock: Arc<TestClock>,
    node: Option<Node>,
    reference: Reference,
    kept: HashMap<(bool, u8), Kept>,
    /// Moments of past requests.
    moments: Vec<i64>,
    narrow_token: (String, i64),
    /// The clock stands where the next step is to happen.
    at_moment: bool,
    position: Position,
    last_event: String,
    requests: u32,
}

impl World {
    /// On an empty store.
    pub async fn open(backend: Arc<dyn Backend>) -> Self {
        let clock = Arc::new(TestClock::default());
        clock.advance(1_776_952_800 * SECOND);
        let root = EphemeralRoot::new().unwrap();
        let node = Node::start(backend.clone(), &root, clock.clone()).await;
        let bootstrap = Bootstrap {
            partner: (PartnerId::parse("ptn_dev").unwrap(), "dev".into(), "dev".into()),
            tenant: (TenantId::parse("tnt_dev").unwrap(), "dev".into(), "dev".into()),
            admin: IdentityId::user("root@dev"),
        };
        assert!(node.engine.bootstrap(&bootstrap).await.unwrap());
        node.engine.issue_operator_token(&bootstrap, TokenKind::DevRoot, ROOT_TOKEN, None).await.unwrap();
        let mut world = Self {
            backend,
            root,
            clock,
            node: Some(node),
            reference: Reference::default(),
            kept: HashMap::new(),
            moments: Vec::new(),
            narrow_token: (String::new(), 0),
            at_moment: false,
            position: Position::START,
            last_event: String::new(),
            requests: 0,
        };
        let body = json!({"name": "narrow", "scopes": ["admin"], "allowed_paths": ["app/**"], "expires_in": "365d"});
        let request = Request {
            method: "POST",
            uri: "/v1/auth/tokens".into(),
            headers: Vec::new(),
            body: Some(body.to_string()),
        };
        let made = world.send(&request, ROOT_TOKEN).await;
        assert_eq!(made.status, 201, "{}", made.body);
        world.narrow_token = (made.json()["token"].as_str().unwrap().into(), world.clock.micros() + 365 * DAY);
        world.told().await;
        world
    }

    /// Closes the store.
    pub async fn close(mut self) {
        self.node.take().unwrap().stop().await;
        self.backend.close().await;
    }

    /// One step, compared.
    pub async fn step(&mut self, step: Step) {
        // No two steps at one moment.
        if !std::mem::take(&mut self.at_moment) {
            self.clock.advance(1_700);
        }
        match step {
            Step::Until { which, before } => self.until(which, before).await,
            Step::Wait(micros) => self.clock.advance(micros),
            Step::Restart => {
                self.node.take().unwrap().stop().await;
                self.node = Some(Node::start(self.backend.clone(), &self.root, self.clock.clone()).await);
            }
            Step::Sweep => self.sweep().await,
            Step::Ask(ask) => {
                self.moments.push(self.clock.micros());
                self.ask(&ask).await;
            }
        }
    }

    /// Moves the clock to an end, and looks at the secret it concerns from all sides.
    async fn until(&mut self, which: usize, before: bool) {
        let now = self.clock.micros();
        let mut moments = self.reference.moments();
        moments.extend(self.kept.values().map(|kept| (kept.until, false, 0)));
        moments.push((self.narrow_token.1, false, 0));
        moments.retain(|(moment, ..)| *moment > now + 1);
        moments.sort_unstable();
        let Some((moment, partner, path)) = moments.get(which.min(moments.len().saturating_sub(1))).copied() else {
            return;
        };
        self.clock.advance(moment - now - i64::from(before));
        self.at_moment = true;
        let numbered = (1..=4).map(Some).chain([None]);
        let reads = numbered.map(|version| Verb::Read { version, at: None, include_expired: false, unless: None });
        let listed = Filter { deleted: true, ..Filter::default() };
        let views = [
            Verb::Metadata,
            Verb::Versions { destroyed: true, limit: None },
            Verb::List { filter: listed, limit: None },
            Verb::List { filter: Filter { expires_before: Some(0), expired: true, ..Filter::default() }, limit: None },
            Verb::Expiring { days: None, prefix: 0, limit: None },
        ];
        for verb in views.into_iter().chain(reads) {
            self.ask(&Ask { partner, path, narrow: false, key: None, verb }).await;
        }
    }

    async fn sweep(&mut self) {
        self.node.as_ref().unwrap().engine.sweep_once().await.unwrap();
        let now = self.clock.micros();
        let (mut events, mut entries) = (Vec::new(), Vec::new());
        for (partner, path, swept) in self.reference.sweep(now) {
            entries.extend(swept.iter().map(|event| swept_entry(&path, event)));
            events.extend(envelopes(swept, partner, &path, now, ""));
        }
        let mut told = self.told().await;
        // Which secret is swept first is nobody's business; within one the order stays.
        told.events.sort_by_key(place);
        events.sort_by_key(place);
        told.entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(told.events, events);
        assert_eq!(told.entries, entries);
    }

    async fn ask(&mut self, ask: &Ask) {
        let now = self.clock.micros();
        let at = match &ask.verb {
            Verb::Read { at: Some(steps), .. } if *steps < 0 => {
                let index = self.moments.len().checked_sub(steps.unsigned_abs() as usize);
                Some(index.map_or(now - DAY, |index| self.moments[index]))
            }
            Verb::Read { at: Some(ahead), .. } => Some(now + ahead * SECOND),
            _ => None,
        };
        let mut request = request::of(ask, at, now);
        let key = ask.key.filter(|_| !matches!(request.method, "GET"));
        request.headers.extend(key.map(|key| ("idempotency-key", format!("key {key}"))));
        if ask.narrow && now >= self.narrow_token.1 {
            return self.unauthenticated(ask, &request).await;
        }
        let changes =
            !matches!(request.method, "GET") && !matches!(ask.verb, Verb::Batch { .. } | Verb::BatchMetadata { .. });
        match (self.reference.early(ask), changes) {
            (Err(refusal), _) => self.refused(ask, &request, &refusal, None).await,
            (Ok(()), true) => self.change(ask, &request, key, now).await,
            (Ok(()), false) => match self.reference.show(ask, at, now) {
                Err(refusal) => self.refused(ask, &request, &refusal, None).await,
                Ok(shown) => self.shown(ask, &request, shown).await,
            },
        }
    }

    async fn change(&mut self, ask: &Ask, request: &Request, key: Option<u8>, now: i64) {
        let id = key.map(|key| (ask.partner, key));
        let same = (ask.narrow, request.method.to_owned(), request.uri.clone(), request.body.clone());
        if let Some(kept) = id.and_then(|id| self.kept.get(&id)).filter(|kept| now < kept.until) {
            if kept.request != same {
                let refusal = Refusal::new(422, "idempotency_key_reuse");
                return self.refused(ask, request, &refusal, None).await;
            }
            let expected = (kept.status, kept.body.clone(), kept.etag.clone(), kept.error.clone());
            let answer = self.answer(ask, request).await;
            assert_eq!(
                (answer.status, &answer.body, answer.header("etag")),
                (expected.0, &expected.1, expected.2.as_deref())
            );
            assert_eq!(answer.header("idempotency-replayed"), Some("true"));
            return self.recorded(ask, Vec::new(), vec![entry(ask, None, expected.3)]).await;
        }
        let (answer, error) = match self.reference.decide(ask, now) {
            Err(refusal) => {
                self.refused(ask, request, &refusal, id).await;
                return;
            }
            Ok(mut done) => {
                let events = self.reference.commit(ask, &mut done, now);
                let answer = self.answer(ask, request).await;
                let body = if answer.body.is_empty() { None } else { Some(answer.json()) };
                assert_eq!((answer.status, &body), (done.status, &done.body), "{request:?}");
                assert_eq!(answer.header("etag"), done.tag.map(|tag| format!("\"{tag}\"")).as_deref());
                assert_eq!(answer.header("idempotency-replayed"), None);
                assert!(answer.header("x-scaivault-position").is_some());
                let events = envelopes(events, ask.partner, reference::path(ask.path), now, &self.request_id());
                self.recorded(ask, events, vec![entry(ask, done.version, None)]).await;
                (answer, None)
            }
        };
        self.keep(id, same, &answer, error, now);
    }

    fn keep(&mut self, id: Option<(bool, u8)>, request: Same, answer: &Answer, error: Option<String>, now: i64) {
        let Some(id) = id else { return };
        let etag = answer.header("etag").map(str::to_owned);
        let (status, body) = (answer.status, answer.body.clone());
        self.kept.insert(id, Kept { request, status, body, etag, error, until: now + KEPT });
    }

    async fn shown(&mut self, ask: &Ask, request: &Request, shown: Shown) {
        match shown {
            Shown::Body { status, body, tag, version, raw } => {
                let answer = self.answer(ask, request).await;
                let found = if answer.body.is_empty() { None } else { Some(answer.json()) };
                assert_eq!((answer.status, &found), (status, &body), "{request:?}");
                assert!(answer.body.contains(&raw.unwrap_or_default()), "{} in {}", "the value", answer.body);
                assert_eq!(answer.header("etag"), tag.map(|tag| format!("\"{tag}\"")).as_deref());
                self.recorded(ask, Vec::new(), vec![entry(ask, version, None)]).await;
            }
            Shown::Rows { key, rows, others, limit } => {
                let pages: Vec<&[Value]> = if rows.is_empty() { vec![&[]] } else { rows.chunks(limit).collect() };
                let mut page = request.clone();
                for (index, expected) in pages.iter().enumerate() {
                    let answer = self.answer(ask, &page).await;
                    let mut found = answer.json();
                    let cursor = found["cursor"].as_str().map(str::to_owned);
                    found.as_object_mut().unwrap().shift_remove("cursor").unwrap();
                    let more = index + 1 < pages.len();
                    let mut body = others.clone();
                    body.insert(key.into(), expected.to_vec().into());
                    body.insert("has_more".into(), more.into());
                    assert_eq!((answer.status, found), (200, Value::from(body)), "{page:?}");
                    assert_eq!(cursor.is_some(), more);
                    self.recorded(ask, Vec::new(), vec![entry(ask, None, None)]).await;
                    if let Some(cursor) = cursor {
                        self.foreign_cursor(ask, &cursor).await;
                        page = request.after(&cursor);
                    }
                }
            }
            Shown::Batch { body, entries } => {
                let answer = self.answer(ask, request).await;
                let mut found = answer.json();
                for error in found["errors"].as_object_mut().unwrap().values_mut() {
                    error.as_object_mut().unwrap().shift_remove("message").unwrap();
                }
                assert_eq!((answer.status, found), (200, body), "{request:?}");
                self.recorded(ask, Vec::new(), entries).await;
            }
        }
    }

    /// A cursor serves the query it was made for and no other.
    async fn foreign_cursor(&mut self, ask: &Ask, cursor: &str) {
        let place = if ask.partner { "partner/" } else { "" };
        let uri = format!("/v1/{place}secrets?prefix=other&cursor={cursor}");
        let request = Request { method: "GET", uri, headers: Vec::new(), body: None };
        let list = Ask { verb: Verb::Expiring { days: None, prefix: 0, limit: None }, ..ask.clone() };
        self.refused(&list, &request, &Refusal::new(400, "invalid_cursor"), None).await;
    }

    async fn unauthenticated(&mut self, ask: &Ask, request: &Request) {
        let token = self.narrow_token.0.clone();
        let answer = self.send(request, &token).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"]["details"]["reason"], "expired");
        let told = self.told().await;
        let expected = entry(ask, None, Some("authentication_required".into()));
        // Bodies are not looked at.
        let path = expected.path.filter(|_| !matches!(ask.verb, Verb::Batch { .. } | Verb::BatchMetadata { .. }));
        assert_eq!(told.entries, [Entry { action: "auth_failure".into(), path, ..expected }]);
        assert_eq!(told.events, [] as [Value; 0]);
    }

    async fn refused(&mut self, ask: &Ask, request: &Request, refusal: &Refusal, id: Option<(bool, u8)>) {
        let now = self.clock.micros();
        let answer = self.answer(ask, request).await;
        let body = answer.json();
        let error = &body["error"];
        assert_eq!((answer.status, error["code"].as_str()), (refusal.status, Some(refusal.code)), "{request:?} {body}");
        assert_eq!(error["request_id"], self.request_id());
        assert!(!error["message"].as_str().unwrap().is_empty());
        if let Some(expected) = &refusal.details {
            let mut details = error["details"].clone();
            if let Some(fields) = details.get_mut("fields").and_then(Value::as_array_mut) {
                fields.iter_mut().for_each(|field| *field = field["field"].take());
                fields.sort_by_key(Value::to_string);
                fields.dedup();
            }
            let mut expected = expected.clone();
            if let Some(fields) = expected.get_mut("fields").and_then(Value::as_array_mut) {
                fields.dedup();
            }
            assert_eq!(details, expected, "{request:?}");
        }
        let mut entry = entry(ask, None, Some(refusal.code.into()));
        if matches!(ask.verb, Verb::Batch { .. } | Verb::BatchMetadata { .. }) {
            let named = refusal.details.as_ref().and_then(|details| details["path"].as_str());
            entry.path = named.filter(|path| PATHS.contains(path)).map(str::to_owned);
        }
        self.recorded(ask, Vec::new(), vec![entry]).await;
        if !refusal.early && matches!(refusal.status, 400 | 404 | 409 | 410 | 422) {
            let same = (ask.narrow, request.method.to_owned(), request.uri.clone(), request.body.clone());
            self.keep(id, same, &answer, Some(refusal.code.into()), now);
        }
    }

    /// Exactly these events and entries came into the log.
    async fn recorded(&mut self, ask: &Ask, events: Vec<Value>, entries: Vec<Entry>) {
        let told = self.told().await;
        assert_eq!(told.events, events, "{ask:?}");
        // What the clock had brought about went in with the change, each with an entry of its own.
        let destroys = |event: &Value| {
            event["event_type"] == "secret.version_destroyed" || event["event_type"] == "secret.deleted"
        };
        let swept = events.iter().filter(|event| event["identity_id"] == SWEEPER).map(|event| Entry {
            action: if destroys(event) { "delete" } else { "write" }.into(),
            path: event["path"].as_str().map(str::to_owned),
            version: event["data"]["version"].as_u64().map(|number| number as u32),
            error: None,
        });
        assert_eq!(told.entries, swept.chain(entries).collect::<Vec<_>>(), "{ask:?}");
    }

    fn request_id(&self) -> String {
        format!("req-{}", self.requests)
    }

    async fn answer(&mut self, ask: &Ask, request: &Request) -> Answer {
        let token = if ask.narrow { self.narrow_token.0.clone() } else { ROOT_TOKEN.to_owned() };
        self.send(request, &token).await
    }

    async fn send(&mut self, request: &Request, token: &str) -> Answer {
        self.requests += 1;
        let mut built = axum::http::Request::builder()
            .method(request.method)
            .uri(&request.uri)
            .header("authorization", format!("Bearer {token}"))
            .header("x-request-id", self.request_id());
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let body = match &request.body {
            Some(body) => {
                built = built.header("content-type", "application/json");
                Body::from(body.clone())
            }
            None => Body::empty(),
        };
        let service = self.node.as_ref().unwrap().service.clone();
        let response = service.oneshot(built.body(body).unwrap()).await.unwrap();
        assert_eq!(response.headers()["x-request-id"], self.request_id().as_str());
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(body).unwrap() }
    }

    /// Reads on in the log itself.
    async fn told(&mut self) -> Told {
        let sealer = self.node.as_ref().unwrap().sealer.clone();
        let partner = PartnerId::parse("ptn_dev").unwrap();
        let mut told = Told::default();
        for record in self.backend.read(self.position, 1_000).await.unwrap() {
            self.position = record.position;
            match decode(&sealer, &record).unwrap() {
                Decoded::Event { owner, recorded, .. } => {
                    for published in publish(&recorded, &owner, Some(&partner)) {
                        let mut envelope = published.envelope();
                        let id = envelope.as_object_mut().unwrap().shift_remove("event_id").unwrap();
                        let id = id.as_str().unwrap().to_owned();
                        assert!(id > self.last_event, "{id} after {}", self.last_event);
                        self.last_event = id;
                        if envelope["identity_id"] == SWEEPER {
                            assert!(envelope.as_object_mut().unwrap().shift_remove("request_id").is_some());
                        }
                        told.events.push(envelope);
                    }
                }
                Decoded::Erased | Decoded::ErasedEntries { .. } => {
                    panic!("nothing is erased here: {}", record.position)
                }
                Decoded::Access { block, .. } => {
                    told.entries.extend(block.entries().map(|(text, _)| parsed(text)));
                }
            }
        }
        told
    }
}

fn parsed(entry: &str) -> Entry {
    let entry: Value = serde_json::from_str(entry).unwrap();
    let error = entry["error_code"].as_str().map(str::to_owned);
    assert_eq!(entry["success"], error.is_none());
    // Which version a refused or repeated request meant is not compared.
    let shown = error.is_none() && entry["extra_data"].get("replayed").is_none();
    Entry {
        action: entry["action"].as_str().unwrap().into(),
        path: entry["secret_path"].as_str().map(str::to_owned),
        version: entry["secret_version"].as_u64().map(|number| number as u32).filter(|_| shown),
        error,
    }
}

fn entry(ask: &Ask, version: Option<u32>, error: Option<String>) -> Entry {
    let path = reference::has_path(&ask.verb) && reference::bad_path(ask.path).is_none();
    let path = path.then(|| reference::path(ask.path).to_owned());
    Entry { action: reference::action(&ask.verb).into(), path, version, error }
}

fn envelopes(events: Vec<Event>, partner: bool, path: &str, now: i64, request_id: &str) -> Vec<Value> {
    let tenant = if partner { Value::Null } else { "tnt_dev".into() };
    let envelope = |event: Event| {
        let mut envelope = json!({
            "event_type": event.kind, "timestamp": time(now), "tenant_id": tenant, "partner_id": "ptn_dev",
            "identity_id": event.actor, "path": path, "data": event.data,
        });
        if event.actor == CALLER {
            envelope["request_id"] = request_id.into();
        }
        envelope
    };
    events.into_iter().map(envelope).collect()
}

/// Whose, and where.
fn place(envelope: &Value) -> (bool, String) {
    (envelope["tenant_id"].is_null(), envelope["path"].to_string())
}
