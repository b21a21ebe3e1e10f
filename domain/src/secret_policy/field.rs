//! The fields of a policy: what is made under which name.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::generator::{Generator, NAMES};
use super::reading::{Faults, Reading};
use super::{MAX_FIELDS, MAX_KEY_PAIRS};

/// Longest name of an output.
const MAX_NAME: usize = 64;
/// What a name must be.
pub(super) const NAME_RULE: &str =
    "must start with a letter or _ and have at most 64 characters of A-Z, a-z, 0-9, '_', '.' and '-'";

/// One field. Serialises as policies show it, with all defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The key of what it makes.
    pub name: Arc<str>,
    /// How.
    #[serde(flatten)]
    pub generator: Generator,
}

/// A field as a request gives it; what has another type is absent, and told by whoever read it.
#[derive(Clone, Debug, Default)]
pub struct GivenField {
    /// `name`.
    pub name: Option<String>,
    /// `generator`.
    pub generator: Option<String>,
    /// `config`.
    pub config: Map<String, Value>,
}

impl Field {
    /// The keys of all it makes.
    pub fn outputs(&self) -> impl Iterator<Item = &Arc<str>> {
        std::iter::once(&self.name).chain(self.generator.second_name())
    }

    fn read(given: &GivenField, index: usize, faults: &mut Faults) -> Option<Self> {
        let name = given.name.as_deref();
        if name.is_some_and(|name| !is_name(name)) {
            faults.push((format!("fields[{index}].name"), NAME_RULE.into()));
        }
        let generator = given.generator.as_deref()?;
        let mut config = Reading::new(&given.config, format!("fields[{index}].config"), faults);
        let Some(generator) = Generator::read(generator, name.unwrap_or_default(), &mut config) else {
            faults.push((format!("fields[{index}].generator"), format!("must be one of {}", NAMES.join(", "))));
            return None;
        };
        config.finish();
        Some(Self { name: name?.into(), generator })
    }
}

/// Reads the fields of a policy.
pub fn read(given: &[GivenField], faults: &mut Faults) -> Vec<Field> {
    if !(1..=MAX_FIELDS).contains(&given.len()) {
        faults.push(("fields".into(), "must have 1 to 20 entries".into()));
        return Vec::new();
    }
    let mut fields = Vec::with_capacity(given.len());
    let mut taken: BTreeSet<Arc<str>> = BTreeSet::new();
    for (index, given) in given.iter().enumerate() {
        let Some(field) = Field::read(given, index, faults) else { continue };
        let mut is_clashing = false;
        for output in field.outputs() {
            is_clashing |= !taken.insert(output.clone());
        }
        if is_clashing {
            let rule = "makes a key that this policy makes already; choose another name, public_name or hash_name";
            faults.push((format!("fields[{index}].name"), rule.into()));
        }
        fields.push(field);
    }
    if fields.iter().filter(|field| field.generator.is_key_pair()).count() > MAX_KEY_PAIRS {
        faults.push(("fields".into(), "may have at most 4 key pairs".into()));
    }
    fields
}

/// `[A-Za-z_][A-Za-z0-9_.-]{0,63}`.
pub(super) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}
