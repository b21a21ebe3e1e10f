//! What a secret policy says, read from a body.

use std::sync::Arc;

use scaivault_domain::Rejection;
use scaivault_domain::secret_policy::field::{self, GivenField};
use scaivault_domain::secret_policy::{Content, Field, MAX_DESCRIPTION, MAX_NAME, PolicyType};
use scaivault_domain::slug;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};
use crate::routes::issuers::input::name;

/// Fields of a policy, each as far as it was given; inner `None` is `null`, which restores the default.
pub(super) struct Given {
    name: Option<Arc<str>>,
    description: Option<Option<String>>,
    policy_type: Option<Option<PolicyType>>,
    fields: Option<Vec<Field>>,
    is_active: Option<Option<bool>>,
}

/// Reads the body; with `whole`, what has no default must be in it.
pub(super) fn given(call: &mut Call, whole: bool) -> Result<Given, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    for field in ["name", "fields"].into_iter().filter(|field| whole && !fields.has(field)) {
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
    let given = Given {
        name,
        description,
        policy_type: policy_type(&mut fields, &mut faults),
        fields: recipe(&mut fields, &mut faults),
        is_active: fields.boolean("is_active", &mut faults),
    };
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}

#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
fn policy_type(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<PolicyType>> {
    let Some(word) = fields.text("policy_type", faults)? else { return Some(None) };
    let policy_type = PolicyType::parse(&word);
    if policy_type.is_none() {
        faults.field("policy_type", format!("must be one of {}", PolicyType::ALL.map(PolicyType::as_str).join(", ")));
    }
    policy_type.map(Some)
}

fn recipe(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Vec<Field>> {
    let rows = fields.objects("fields", faults);
    let rows = not_null(rows, "fields", faults)?;
    let rows: Vec<GivenField> = rows.into_iter().map(|row| given_field(row, faults)).collect();
    let mut told = Vec::new();
    let read = field::read(&rows, &mut told);
    told.into_iter().for_each(|(field, rule)| faults.field(field, rule));
    Some(read)
}

fn given_field(mut row: Fields<'_>, faults: &mut Faults) -> GivenField {
    for field in ["name", "generator"].into_iter().filter(|field| !row.has(field)) {
        faults.field(row.name(field), "is required");
    }
    let name = row.text("name", faults);
    let name = not_null(name, &row.name("name"), faults);
    let generator = row.text("generator", faults);
    let generator = not_null(generator, &row.name("generator"), faults);
    let config = row.raw("config").map(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()));
    let config = config.unwrap_or_else(|| Ok(Map::new())).unwrap_or_else(|_| {
        faults.field(row.name("config"), "must be an object");
        Map::new()
    });
    row.finish(faults);
    GivenField { name, generator, config }
}

impl Given {
    /// A policy that says just this.
    pub(super) fn alone(&self) -> Content {
        let nothing = Content {
            name: "".into(),
            description: "".into(),
            policy_type: PolicyType::Custom,
            fields: Vec::new(),
            is_active: true,
        };
        self.over(&nothing)
    }

    /// What was said before, with what is given in its place.
    pub(super) fn over(&self, before: &Content) -> Content {
        let Self { name, description, policy_type, fields, is_active } = self;
        Content {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            description: match description {
                None => before.description.clone(),
                Some(given) => given.as_deref().unwrap_or_default().into(),
            },
            policy_type: policy_type.map_or(before.policy_type, |given| given.unwrap_or(PolicyType::Custom)),
            fields: fields.clone().unwrap_or_else(|| before.fields.clone()),
            is_active: is_active.map_or(before.is_active, |given| given.unwrap_or(true)),
        }
    }
}
