//! Requests as they go over the wire.

use serde_json::{Value, json};

use crate::expect::{SECOND, time};
use crate::reads::text;
use crate::reference::path;
use crate::steps::{
    self, Ask, BAD_TAGS, BROKEN, Change, DURATIONS, End, Filter, GRACES, KINDS, NOTICES, PREFIXES, TAGS, Verb, When,
};
use crate::writes::data;

/// Verb, path with query, headers, body.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    pub uri: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
}

impl Request {
    fn new(method: &'static str, uri: String) -> Self {
        Self { method, uri, headers: Vec::new(), body: None }
    }

    fn query(mut self, name: &str, value: Option<impl std::fmt::Display>) -> Self {
        if let Some(value) = value {
            let separator = if self.uri.contains('?') { '&' } else { '?' };
            self.uri += &format!("{separator}{name}={value}");
        }
        self
    }

    fn flag(self, name: &str, set: bool) -> Self {
        self.query(name, set.then_some("true"))
    }

    fn header(mut self, name: &'static str, value: Option<String>) -> Self {
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    fn when(self, when: &When) -> Self {
        match when {
            When::Always => self,
            When::Match(number) => self.header("if-match", Some(format!("\"{number}\""))),
            When::Absent if self.method == "PUT" => self.header("if-none-match", Some("*".into())),
            When::Absent => self,
            When::Bad(index) => self.header("if-match", Some(BAD_TAGS[*index].into())),
        }
    }

    fn json(self, body: &Value) -> Self {
        Self { body: Some(body.to_string()), ..self }
    }

    /// A further page.
    pub fn after(&self, cursor: &str) -> Self {
        self.clone().query("cursor", Some(cursor))
    }
}

/// The request of a step; `at` is the moment a read asks for.
pub fn of(ask: &Ask, at: Option<i64>, now: i64) -> Request {
    let root = if ask.partner { "/v1/partner/secrets" } else { "/v1/secrets" };
    let here = format!("{root}/{}", path(ask.path));
    match &ask.verb {
        Verb::Read { version, include_expired, unless, .. } => Request::new("GET", here)
            .query("version", *version)
            .query("at", at.map(time))
            .flag("include_expired", *include_expired)
            .header("if-none-match", unless.map(|number| format!("\"{number}\""))),
        Verb::Write { data: number, kind, metadata, options, when } => {
            let mut body = options_of(options, now);
            if let Some(index) = kind {
                body["secret_type"] = KINDS[*index].into();
            }
            if let Some(index) = metadata {
                body["metadata"] = steps::metadata(*index);
            }
            Request { body: Some(with_value("data", *number, &body)), ..Request::new("PUT", here).when(when) }
        }
        Verb::Patch { metadata, options, when } => {
            let mut body = options_of(options, now);
            if let Some(index) = metadata {
                body["metadata"] = steps::metadata(*index);
            }
            Request::new("PATCH", here).when(when).json(&body)
        }
        Verb::Rotate { data: number, grace, reason, when } => {
            let mut body = json!({});
            if let Some(index) = grace {
                body["grace_period"] = GRACES[*index].into();
            }
            if *reason {
                body["reason"] = "leaked".into();
            }
            let body = number.map_or_else(|| body.to_string(), |number| with_value("new_value", number, &body));
            Request { body: Some(body), ..Request::new("POST", here + "/rotate").when(when) }
        }
        Verb::Delete { version, permanent, when } => {
            Request::new("DELETE", here).query("version", *version).flag("permanent", *permanent).when(when)
        }
        Verb::Restore { version } => Request::new("POST", here + "/restore").query("version", *version),
        Verb::Metadata => Request::new("GET", format!("{root}/metadata/{}", path(ask.path))),
        Verb::Versions { destroyed, limit } => {
            Request::new("GET", here + "/versions").flag("include_destroyed", *destroyed).query("limit", *limit)
        }
        Verb::Consumers { version, from } => {
            let from = from.map(|days| time(now - days * crate::expect::DAY));
            Request::new("GET", here + "/consumers").query("version", *version).query("from", from)
        }
        Verb::List { filter, limit } => listing(Request::new("GET", root.into()), filter, now).query("limit", *limit),
        Verb::Expiring { days, prefix, limit } => Request::new("GET", format!("{root}/expiring"))
            .query("days", *days)
            .query("prefix", (*prefix > 0).then_some(PREFIXES[*prefix]))
            .query("limit", *limit),
        Verb::Batch { paths, metadata, fail_fast, version } => {
            let mut options = json!({"include_metadata": metadata, "fail_fast": fail_fast});
            if let Some(version) = version {
                options["version"] = (*version).into();
            }
            Request::new("POST", format!("{root}/batch")).json(&json!({"paths": texts(paths), "options": options}))
        }
        Verb::BatchMetadata { paths, expand, fail_fast } => {
            let options = json!({"expand_wildcards": expand, "fail_fast": fail_fast});
            Request::new("POST", format!("{root}/batch/metadata"))
                .json(&json!({"paths": texts(paths), "options": options}))
        }
        Verb::Broken(index) => Request { body: Some(BROKEN[*index].0.into()), ..Request::new("PUT", here) },
    }
}

/// A value goes as text, so that it is known to come back as it was.
fn with_value(field: &str, number: u32, others: &Value) -> String {
    let rest = others.to_string().replacen('{', "", 1);
    let comma = if rest == "}" { "" } else { "," };
    format!("{{ \"{field}\" : {}{comma}{rest}", data(number))
}

fn texts(paths: &[usize]) -> Vec<&'static str> {
    paths.iter().map(|index| text(*index)).collect()
}

fn listing(request: Request, filter: &Filter, now: i64) -> Request {
    let tags = filter.tags.iter().fold(request, |request, tag| request.query("tag", Some(TAGS[*tag])));
    tags.query("prefix", (filter.prefix > 0).then_some(PREFIXES[filter.prefix]))
        .query("secret_type", filter.kind.map(|index| KINDS[index]))
        .query("expires_before", filter.expires_before.map(|ahead| time(now + ahead * SECOND)))
        .query("updated_after", filter.updated_after.map(|ago| time(now - ago * SECOND)))
        .flag("include_expired", filter.expired)
        .flag("include_deleted", filter.deleted)
        .flag("include_metadata", filter.metadata)
}

/// A body with the options that are changed.
fn options_of(options: &Change, now: i64) -> Value {
    let mut given = json!({});
    if let Some(most) = options.max_versions {
        given["max_versions"] = most.into();
    }
    match options.end {
        End::Keep => {}
        End::In(index) => given["expires_in"] = DURATIONS[index].into(),
        End::InNull => given["expires_in"] = Value::Null,
        End::At(ahead) => given["expires_at"] = time(now + ahead * SECOND).into(),
        End::AtNull => given["expires_at"] = Value::Null,
        End::Both => {
            given["expires_in"] = "1h".into();
            given["expires_at"] = time(now + SECOND).into();
        }
    }
    if let Some(notices) = options.notices {
        given["notify_before"] = notices.map(|index| NOTICES[index]).into();
    }
    if options.policy {
        given["rotation_policy_id"] = "rot_quarterly".into();
    }
    if given.as_object().unwrap().is_empty() { json!({}) } else { json!({ "options": given }) }
}
