//! The user's own metadata keys, held compactly: there may be millions of secrets with a few each.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::metadata::OwnValue;

/// Own keys and their values, ordered by key. Serialises as a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnKeys(Box<[(Arc<str>, OwnValue)]>);

impl OwnKeys {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &OwnValue)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The same with other keys that equal these, such as ones that are shared.
    #[must_use]
    pub fn with_keys(&self, mut other: impl FnMut(&Arc<str>) -> Arc<str>) -> Self {
        Self(self.iter().map(|(key, value)| (other(key), value.clone())).collect())
    }
}

impl From<BTreeMap<Arc<str>, OwnValue>> for OwnKeys {
    fn from(map: BTreeMap<Arc<str>, OwnValue>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl FromIterator<(Arc<str>, OwnValue)> for OwnKeys {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, OwnValue)>>(pairs: I) -> Self {
        BTreeMap::from_iter(pairs).into()
    }
}

impl Serialize for OwnKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for OwnKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}
