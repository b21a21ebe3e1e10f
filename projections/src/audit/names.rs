//! The texts of a segment, each once.

use std::collections::HashMap;
use std::sync::Arc;

/// Number of a text in its segment; 0 is no text.
pub(super) type Name = u16;

/// The texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Name>,
}

impl Names {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of a text, which is entered if it is new. There must be room for it.
    pub(super) fn enter(&mut self, text: Option<&str>) -> Name {
        let Some(text) = text else { return 0 };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        let number = Name::try_from(self.texts.len()).unwrap_or(0);
        self.numbers.insert(text, number);
        number
    }

    /// The number of a text, if it is here.
    pub(super) fn number(&self, text: &str) -> Option<Name> {
        self.numbers.get(text).copied()
    }

    /// The text of a number.
    pub(super) fn text(&self, name: Name) -> Option<&Arc<str>> {
        self.texts.get(usize::from(name).checked_sub(1)?)
    }

    /// All texts, in the order of their numbers from 1 on.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.texts.iter()
    }
}
