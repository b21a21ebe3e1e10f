//! The texts of a segment, each once.

use std::collections::HashMap;

/// Number of a text in its segment; 0 is no text.
pub(super) type Name = u16;

/// The texts, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// Their numbers, while texts are entered: one that is only read finds them by looking.
    numbers: Option<HashMap<Box<str>, Name>>,
}

impl Names {
    /// As they were: `text` cut at `ends`. `None` if it cannot be.
    pub(super) fn of(text: String, ends: Vec<u32>) -> Option<Self> {
        let is_sound = ends.is_sorted()
            && ends.len() <= usize::from(Name::MAX)
            && ends.last().map_or(0, |end| *end as usize) == text.len()
            && ends.iter().all(|end| text.is_char_boundary(*end as usize));
        is_sound.then_some(Self { text, ends, numbers: None })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> &str {
        &self.text
    }

    /// Where each ends in [`Self::bytes`].
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The number of a text, which is entered if it is new. There must be room for it.
    pub(super) fn enter(&mut self, text: Option<&str>) -> Name {
        let Some(text) = text else { return 0 };
        if self.numbers.is_none() {
            self.numbers = Some(self.texts().map(Box::from).zip(1..).collect());
        }
        let Some(numbers) = &mut self.numbers else { return 0 };
        if let Some(number) = numbers.get(text) {
            return *number;
        }
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let number = Name::try_from(self.ends.len()).unwrap_or(0);
        numbers.insert(text.into(), number);
        number
    }

    /// The number of a text, if it is here.
    pub(super) fn number(&self, text: &str) -> Option<Name> {
        match &self.numbers {
            Some(numbers) => numbers.get(text).copied(),
            None => self.texts().zip(1..).find(|(other, _)| *other == text).map(|(_, number)| number),
        }
    }

    /// The text of a number.
    pub(super) fn text(&self, name: Name) -> Option<&str> {
        let index = usize::from(name).checked_sub(1)?;
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start as usize..*self.ends.get(index)? as usize)
    }

    /// All texts, in the order of their numbers from 1 on.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().filter_map(move |end| {
            let text = self.text.get(start..*end as usize);
            start = *end as usize;
            text
        })
    }
}
