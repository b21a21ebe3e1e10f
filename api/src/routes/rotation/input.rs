//! What a rotation policy says, read from a body.

use std::sync::Arc;

use scaivault_domain::id::WebhookId;
use scaivault_domain::policy::TimeWindow;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::rotation::{
    Content, DEFAULT_GRACE, GRACE_SECONDS, INTERVAL_SECONDS, MAX_DESCRIPTION, MAX_NAME, MAX_WEBHOOKS, MinDistance,
    Warnings,
};
use scaivault_domain::secret::not_found;
use scaivault_domain::secret_policy::{self, SecretPolicyId};
use scaivault_domain::{DurationText, Owner, Rejection, SecretPath, Timestamp, slug, webhook};
use scaivault_projections::View;

use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};
use crate::routes::issuers::input::name;

/// Fields of a policy, each as far as it was given; inner `None` is `null`, which restores the default.
pub(super) struct Given {
    name: Option<Arc<str>>,
    description: Option<Option<String>>,
    interval: Option<DurationText>,
    grace_period: Option<Option<DurationText>>,
    warn_before: Option<Warnings>,
    auto_generate: Option<Option<bool>>,
    secret_policy_id: Option<Option<String>>,
    window: Option<Option<GivenWindow>>,
    min_distance: Option<Option<GivenDistance>>,
    finish_when_moved: Option<Option<bool>>,
    webhook_ids: Option<Option<Vec<String>>>,
    is_active: Option<Option<bool>>,
}

/// Keys of a window, each as far as it was given.
struct GivenWindow {
    days: Option<Option<Vec<String>>>,
    start: Option<String>,
    end: Option<String>,
    timezone: Option<Option<String>>,
}

/// Keys of a distance, each as far as it was given.
struct GivenDistance {
    path: Option<SecretPath>,
    duration: Option<DurationText>,
}

/// Reads the body; with `whole`, what has no default must be in it, and a policy is made active.
pub(super) fn given(call: &mut Call, whole: bool) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    for field in ["name", "interval"].into_iter().filter(|field| whole && !fields.has(field)) {
        faults.field(field, "is required");
    }
    let name = name(&mut fields, MAX_NAME, &mut faults);
    if name.as_deref().is_some_and(|name| !name.is_empty() && slug::slug(name).is_none()) {
        faults.field("name", "must have at least one of the letters a-z or the digits 0-9");
    }
    let description = fields.text("description", &mut faults);
    if description.iter().flatten().any(|text| text.chars().count() > MAX_DESCRIPTION) {
        faults.field("description", "may have at most 1000 characters");
    }
    let interval = fields.duration("interval", &mut faults);
    let interval = not_null(interval, "interval", &mut faults);
    within(interval.as_ref(), INTERVAL_SECONDS, "interval", "must be 10s to 3650d", &mut faults);
    let grace_period = fields.duration("grace_period", &mut faults);
    within(grace_period.iter().flatten().next(), GRACE_SECONDS, "grace_period", "must be 1s to 365d", &mut faults);
    let warn_before = fields.text("warn_before", &mut faults);
    let warn_before = warn_before.map(|text| Warnings::parse(text.as_deref().unwrap_or_default()));
    let given = Given {
        name,
        description,
        interval,
        grace_period,
        warn_before: warn_before.and_then(|warnings| faults.take(warnings)),
        auto_generate: fields.boolean("auto_generate", &mut faults),
        secret_policy_id: fields.text("secret_policy_id", &mut faults),
        window: window(&mut fields, &mut faults),
        min_distance: min_distance(&mut fields, &mut faults),
        finish_when_moved: fields.boolean("finish_when_moved", &mut faults),
        webhook_ids: fields.texts("webhook_ids", &mut faults),
        is_active: if whole { None } else { fields.boolean("is_active", &mut faults) },
    };
    let longest = given.warn_before.as_ref().map_or(0, Warnings::longest);
    if given.interval.as_ref().is_some_and(|interval| longest >= interval.seconds()) {
        faults.field("warn_before", "must be shorter than interval, each of them");
    }
    if given.webhook_ids.iter().flatten().any(|ids| ids.len() > MAX_WEBHOOKS) {
        faults.field("webhook_ids", "may have at most 20 ids");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}

fn within(
    duration: Option<&DurationText>,
    bounds: std::ops::RangeInclusive<i64>,
    field: &str,
    rule: &str,
    faults: &mut Faults,
) {
    if duration.is_some_and(|duration| !bounds.contains(&duration.seconds())) {
        faults.field(field, rule);
    }
}

#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
fn window(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<GivenWindow>> {
    let Some(mut given) = fields.object("window", faults)? else { return Some(None) };
    let days = given.texts("days", faults);
    let start = given.text("start", faults);
    let end = given.text("end", faults);
    let window = GivenWindow {
        days,
        start: not_null(start, "window.start", faults),
        end: not_null(end, "window.end", faults),
        timezone: given.text("timezone", faults),
    };
    given.finish(faults);
    Some(Some(window))
}

#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
fn min_distance(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<GivenDistance>> {
    let Some(mut given) = fields.object("min_distance", faults)? else { return Some(None) };
    let path = given.text("path", faults);
    let path = not_null(path, "min_distance.path", faults).and_then(|path| faults.take(SecretPath::parse(&path)));
    let duration = given.duration("duration", faults);
    let duration = not_null(duration, "min_distance.duration", faults);
    within(duration.as_ref(), GRACE_SECONDS, "min_distance.duration", "must be 1s to 365d", faults);
    given.finish(faults);
    Some(Some(GivenDistance { path, duration }))
}

impl GivenWindow {
    /// Laid over what was said before, key by key.
    fn over(&self, before: Option<&TimeWindow>) -> Result<TimeWindow, Rejection> {
        let before = before.map(TimeWindow::text);
        let start = self.start.clone().or_else(|| before.map(|before| before.start.clone()));
        let end = self.end.clone().or_else(|| before.map(|before| before.end.clone()));
        let mut faults = Faults::default();
        for (key, _) in [("start", &start), ("end", &end)].into_iter().filter(|(_, given)| given.is_none()) {
            faults.field(format!("window.{key}"), "is required");
        }
        let is_whole = start.is_some() && end.is_some();
        let text = WindowText {
            days: self.days.clone().unwrap_or_else(|| before.and_then(|before| before.days.clone())),
            start: start.unwrap_or_default(),
            end: end.unwrap_or_default(),
            timezone: self.timezone.clone().unwrap_or_else(|| before.and_then(|before| before.timezone.clone())),
        };
        for (key, fault) in text.faults().into_iter().filter(|(key, _)| is_whole || !matches!(*key, "start" | "end")) {
            faults.field(format!("window.{key}"), fault.sentence());
        }
        faults.finish()?;
        TimeWindow::parse(text).map_err(|fault| Rejection::field("window", fault.sentence()))
    }
}

impl GivenDistance {
    /// Laid over what was said before, key by key.
    fn over(&self, before: Option<&MinDistance>, interval: &DurationText) -> Result<MinDistance, Rejection> {
        let path = self.path.clone().or_else(|| before.map(|before| before.path.clone()));
        let duration = self.duration.clone().or_else(|| before.map(|before| before.duration.clone()));
        let mut faults = Faults::default();
        for (key, is_there) in [("path", path.is_some()), ("duration", duration.is_some())] {
            if !is_there {
                faults.field(format!("min_distance.{key}"), "is required");
            }
        }
        if duration.as_ref().is_some_and(|duration| duration.seconds() >= interval.seconds()) {
            faults.field("min_distance.duration", "must be shorter than interval");
        }
        faults.finish()?;
        let required = || Rejection::field("min_distance", "must have path and duration");
        path.zip(duration).map(|(path, duration)| MinDistance { path, duration }).ok_or_else(required)
    }
}

impl Given {
    /// A policy that says just this.
    pub(super) fn alone(&self, view: &View, owner: &Owner, now: Timestamp) -> Result<Content, Rejection> {
        let required = || Rejection::field("interval", "is required");
        let nothing = Content {
            name: "".into(),
            description: "".into(),
            interval: self.interval.clone().ok_or_else(required)?,
            grace_period: default_grace()?,
            warn_before: Warnings::default(),
            auto_generate: false,
            secret_policy: None,
            window: None,
            min_distance: None,
            finish_when_moved: false,
            webhook_ids: Vec::new(),
        };
        self.over(&nothing, view, owner, now)
    }

    /// What was said before, with what is given in its place; what it names must be there.
    pub(super) fn over(
        &self,
        before: &Content,
        view: &View,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Content, Rejection> {
        let mut content = before.clone();
        if let Some(name) = &self.name {
            content.name = name.clone();
        }
        if let Some(description) = &self.description {
            content.description = description.as_deref().unwrap_or_default().into();
        }
        if let Some(interval) = &self.interval {
            content.interval = interval.clone();
        }
        if let Some(grace_period) = &self.grace_period {
            content.grace_period = grace_period.clone().map_or_else(default_grace, Ok)?;
        }
        if let Some(warnings) = &self.warn_before {
            content.warn_before = warnings.clone();
        }
        if let Some(auto_generate) = self.auto_generate {
            content.auto_generate = auto_generate.unwrap_or(false);
        }
        // One that is gone is not held against who changes something else.
        let recipes = view.secret_policies.of(owner);
        content.secret_policy = content.secret_policy.filter(|reference| recipes.referred(reference).is_some());
        if let Some(id) = &self.secret_policy_id {
            // Whether it fits comes before whether it is there.
            if id.is_some() && !content.auto_generate {
                return Err(Rejection::field("secret_policy_id", "goes with auto_generate: true alone"));
            }
            let found = |id: &String| SecretPolicyId::parse(id).and_then(|id| recipes.get(&id).cloned());
            let found = id.as_ref().map(|id| found(id).ok_or_else(secret_policy::unknown)).transpose()?;
            content.secret_policy = found.map(|policy| policy.reference());
        }
        if let Some(window) = &self.window {
            content.window = window.as_ref().map(|window| window.over(before.window.as_ref())).transpose()?;
        }
        if let Some(distance) = &self.min_distance {
            let catalogue = view.secrets(owner);
            let distance = distance
                .as_ref()
                .map(|distance| distance.over(before.min_distance.as_ref(), &content.interval))
                .transpose()?;
            if let Some(MinDistance { path, .. }) = &distance {
                let there = catalogue.settled(path, now).filter(|settled| settled.secret.deleted.is_none());
                there.ok_or_else(|| not_found(path, None))?;
            }
            content.min_distance = distance;
        }
        if let Some(finish) = self.finish_when_moved {
            content.finish_when_moved = finish.unwrap_or(false);
        }
        // Those that are gone are not held against who changes something else.
        let webhooks = view.webhooks.of(owner);
        let is_there = |id: &str| WebhookId::parse(id).is_some_and(|id| webhooks.get(&id).is_some());
        content.webhook_ids.retain(|id| is_there(id));
        if let Some(ids) = &self.webhook_ids {
            let mut named: Vec<Arc<str>> = Vec::new();
            for id in ids.iter().flatten() {
                if !is_there(id) {
                    let id: String = id.chars().take(64).collect();
                    return Err(webhook::decide::unknown().detail("webhook_id", id));
                }
                if !named.iter().any(|known| **known == **id) {
                    named.push(id.as_str().into());
                }
            }
            content.webhook_ids = named;
        }
        Ok(content)
    }

    /// Whether the policy is active then.
    pub(super) fn is_active(&self, before: bool) -> bool {
        self.is_active.map_or(before, |given| given.unwrap_or(true))
    }
}

fn default_grace() -> Result<DurationText, Rejection> {
    DurationText::parse(DEFAULT_GRACE).ok_or_else(|| Rejection::field("grace_period", "is required"))
}
