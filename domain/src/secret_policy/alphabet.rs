//! What strings are made of: charsets, and the classes of characters that can be required.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

const SYMBOLS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// Letters and digits of `safe`; what else it has must not begin a string.
const SAFE: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
const SAFE_BUT_NOT_FIRST: &str = "-_.";

/// Sizes of a set of one's own.
pub const CUSTOM_SIZE: std::ops::RangeInclusive<usize> = 2..=256;

/// A named set of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// Letters and digits.
    Alphanumeric,
    /// Letters.
    Alpha,
    /// Digits.
    Numeric,
    /// Lower-case hexadecimal digits.
    Hex,
    /// Without look-alikes, and without what a shell, URL or connection string treats specially.
    Safe,
    /// Punctuation of ASCII.
    Symbols,
    /// All of ASCII that is visible.
    Ascii,
    /// Given with the policy.
    Custom,
}

impl Charset {
    /// Every charset.
    pub const ALL: [Self; 8] = [
        Self::Alphanumeric,
        Self::Alpha,
        Self::Numeric,
        Self::Hex,
        Self::Safe,
        Self::Symbols,
        Self::Ascii,
        Self::Custom,
    ];

    /// As in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alphanumeric => "alphanumeric",
            Self::Alpha => "alpha",
            Self::Numeric => "numeric",
            Self::Hex => "hex",
            Self::Safe => "safe",
            Self::Symbols => "symbols",
            Self::Ascii => "ascii",
            Self::Custom => "custom",
        }
    }

    /// The charset of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|charset| charset.as_str() == text)
    }

    /// Its characters; `None` if they come with the policy.
    pub fn characters(self) -> Option<Cow<'static, str>> {
        let range = |first: char, last: char| (first..=last).collect::<String>();
        let letters = || range('A', 'Z') + &range('a', 'z');
        Some(match self {
            Self::Alphanumeric => Cow::Owned(letters() + &range('0', '9')),
            Self::Alpha => Cow::Owned(letters()),
            Self::Numeric => Cow::Borrowed("0123456789"),
            Self::Hex => Cow::Borrowed("0123456789abcdef"),
            Self::Safe => Cow::Owned(format!("{SAFE}{SAFE_BUT_NOT_FIRST}")),
            Self::Symbols => Cow::Borrowed(SYMBOLS),
            Self::Ascii => Cow::Owned(range('!', '~')),
            Self::Custom => return None,
        })
    }
}

/// Of what strings are made, as a policy says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// By name.
    pub charset: Charset,
    /// The characters of [`Charset::Custom`], and of no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<Arc<str>>,
}

impl Letters {
    /// Those of a charset that needs no more.
    pub fn of(charset: Charset) -> Self {
        Self { charset, characters: None }
    }

    /// The set itself.
    pub fn alphabet(&self) -> Alphabet {
        let named = || self.charset.characters().unwrap_or_default();
        let characters: Vec<char> = match &self.characters {
            Some(own) if self.charset == Charset::Custom => own.chars().collect(),
            Some(_) | None => named().chars().collect(),
        };
        let first = if self.charset == Charset::Safe { SAFE.len() } else { characters.len() };
        Alphabet { characters, first }
    }
}

/// A set of characters, in an order in which those that may come first come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    pub(super) characters: Vec<char>,
    /// How many of them may begin a string.
    pub(super) first: usize,
}

impl Alphabet {
    /// The characters that may stand at a place of a string.
    pub fn at(&self, place: usize) -> &[char] {
        match place {
            0 => self.characters.get(..self.first).unwrap_or(&self.characters),
            _ => &self.characters,
        }
    }

    /// Whether some character is of a class.
    pub fn has(&self, class: Class) -> bool {
        self.characters.iter().any(|character| Class::of(*character) == class)
    }

    /// Bytes that a string of `length` may take.
    pub(super) fn most_bytes(&self, length: usize) -> usize {
        length * self.characters.iter().map(|character| character.len_utf8()).max().unwrap_or(1)
    }
}

/// Why a text is no set of one's own; `None` if it is one.
pub fn custom_fault(characters: &str) -> Option<&'static str> {
    let count = characters.chars().count();
    let mut seen = HashSet::new();
    if !CUSTOM_SIZE.contains(&count) {
        Some("must have 2 to 256 characters")
    } else if !characters.chars().all(is_printable) {
        Some("must have printable characters only")
    } else if !characters.chars().all(|character| seen.insert(character)) {
        Some("must not have a character twice")
    } else {
        None
    }
}

/// Whether a character shows by itself: no control or format character, no line break, nothing unassigned, and nothing
/// that only changes the one before it. What the standard library leaves as it is when it makes text visible.
fn is_printable(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().eq([character])
}

/// A class of characters that can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `A-Z`.
    Upper,
    /// `a-z`.
    Lower,
    /// `0-9`.
    Digit,
    /// Any other.
    Symbol,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Upper, Self::Lower, Self::Digit, Self::Symbol];

    /// Of a character.
    pub fn of(character: char) -> Self {
        match character {
            'A'..='Z' => Self::Upper,
            'a'..='z' => Self::Lower,
            '0'..='9' => Self::Digit,
            _ => Self::Symbol,
        }
    }

    /// What asks for it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Upper => "require_upper",
            Self::Lower => "require_lower",
            Self::Digit => "require_digit",
            Self::Symbol => "require_symbol",
        }
    }

    pub(super) fn bit(self) -> usize {
        1 << self as usize
    }
}

/// Classes of which a string must have a character each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "this is what policies say")]
pub struct Required {
    /// A capital letter.
    pub require_upper: bool,
    /// A small letter.
    pub require_lower: bool,
    /// A digit.
    pub require_digit: bool,
    /// Anything else.
    pub require_symbol: bool,
}

impl Required {
    /// Whether a class is.
    pub fn has(self, class: Class) -> bool {
        match class {
            Class::Upper => self.require_upper,
            Class::Lower => self.require_lower,
            Class::Digit => self.require_digit,
            Class::Symbol => self.require_symbol,
        }
    }

    /// As a set of [`Class::bit`]s.
    pub(super) fn bits(self) -> usize {
        Class::ALL.into_iter().filter(|class| self.has(*class)).map(Class::bit).sum()
    }

    /// Whether a string has what it must.
    pub fn is_met(self, characters: &[char]) -> bool {
        let found = characters.iter().fold(0, |found, character| found | Class::of(*character).bit());
        found & self.bits() == self.bits()
    }
}
