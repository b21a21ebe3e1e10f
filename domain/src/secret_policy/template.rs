//! Templates: text with placeholders.

use zeroize::Zeroizing;

use super::alphabet::{Letters, Required};
use super::dice::Dice;
use super::forge::Unmade;
use super::generator::{hexadecimal, uuid_v4};
use super::text;
use crate::Timestamp;

/// Longest template, in characters.
pub const MAX_TEMPLATE: usize = 1_024;
/// Longest text it may be filled to, in characters.
pub const MAX_FILLED: usize = 4_096;
/// How many characters a placeholder may stand for.
pub const REPEAT: std::ops::RangeInclusive<usize> = 1..=256;

/// Digits of the Unix time until the year 2286.
const TIMESTAMP_LENGTH: usize = 10;
const UUID_LENGTH: usize = 36;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Random(usize),
    Hex(usize),
    Uuid,
    Timestamp,
}

/// Why a text is no template; `None` if it is one.
pub fn fault(template: &str) -> Option<&'static str> {
    if !(1..=MAX_TEMPLATE).contains(&template.chars().count()) {
        return Some("must have 1 to 1024 characters");
    }
    let pieces = match parse(template) {
        Ok(pieces) => pieces,
        Err(fault) => return Some(fault),
    };
    if !pieces.iter().any(|piece| matches!(piece, Piece::Random(_) | Piece::Hex(_) | Piece::Uuid)) {
        return Some("must have at least one of {{random:N}}, {{hex:N}} and {{uuid}}");
    }
    let filled: usize = pieces.iter().map(Piece::length).sum();
    (filled > MAX_FILLED).then_some("may be filled to at most 4096 characters")
}

fn parse(template: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, placeholder)) = rest.split_once("{{") {
        let (inside, after) = placeholder.split_once("}}").ok_or("has a placeholder that is not closed with }}")?;
        pieces.push(literal(text)?);
        pieces.push(placeholder_of(inside)?);
        rest = after;
    }
    pieces.push(literal(rest)?);
    Ok(pieces)
}

fn literal(text: &str) -> Result<Piece<'_>, &'static str> {
    match text.contains("}}") {
        true => Err("has }} without {{ before it"),
        false => Ok(Piece::Text(text)),
    }
}

fn placeholder_of(inside: &str) -> Result<Piece<'_>, &'static str> {
    let known =
        "may have the placeholders {{random:N}}, {{hex:N}}, {{uuid}} and {{timestamp}} only, with N from 1 to 256";
    let times = |digits: &str| {
        let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|times| plain && REPEAT.contains(times)).ok_or(known)
    };
    match inside.split_once(':') {
        Some(("random", digits)) => times(digits).map(Piece::Random),
        Some(("hex", digits)) => times(digits).map(Piece::Hex),
        Some(_) => Err(known),
        None => match inside {
            "uuid" => Ok(Piece::Uuid),
            "timestamp" => Ok(Piece::Timestamp),
            _ => Err(known),
        },
    }
}

impl Piece<'_> {
    /// In characters, once filled.
    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Random(times) | Self::Hex(times) => *times,
            Self::Uuid => UUID_LENGTH,
            Self::Timestamp => TIMESTAMP_LENGTH,
        }
    }
}

/// The text with each placeholder filled by itself.
pub(super) fn filled(
    dice: &mut Dice<'_>,
    template: &str,
    letters: &Letters,
    now: Timestamp,
) -> Result<Zeroizing<String>, Unmade> {
    let pieces = parse(template).map_err(|_| Unmade("a template is not one"))?;
    let alphabet = letters.alphabet();
    let length: usize = pieces.iter().map(Piece::length).sum();
    // Room for all of it: what is outgrown would not be wiped. The clock may have more digits than usual.
    let room = template.len() + alphabet.most_bytes(length) + 2 * TIMESTAMP_LENGTH;
    let mut text = Zeroizing::new(String::with_capacity(room));
    for piece in pieces {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Random(times) => text.push_str(&text::random(dice, &alphabet, times, Required::default())?),
            Piece::Hex(times) => text.push_str(&hexadecimal(dice, times)?),
            Piece::Uuid => text.push_str(&uuid_v4(dice)?),
            Piece::Timestamp => text.push_str(&now.as_seconds().to_string()),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_template_is_told() {
        let longest = format!("{}{{{{uuid}}}}", "a".repeat(MAX_TEMPLATE - 8));
        let filled = |times: usize| format!("{}{{{{hex:1}}}}", "{{hex:256}}".repeat(times));
        for sound in [
            "{{uuid}}",
            "sk_{{random:1}}_{{timestamp}}",
            "{ {{hex:256}} }",
            "{{uuid}}}",
            longest.as_str(),
            filled(15).as_str(),
        ] {
            assert_eq!(fault(sound), None, "{sound}");
        }
        for broken in [
            "",
            "plain",
            "{{timestamp}}",
            "{{random:0}}",
            "{{random:257}}",
            "{{random:+1}}",
            "{{random:01}}",
            "{{random: 1}}",
            "{{random}}",
            "{{uuid:4}}",
            "{{ uuid }}",
            "{{UUID}}",
            "{{{uuid}}}",
            "{{uuid}}}}",
            "}}{{uuid}}",
            "{{uuid}}{{",
            "{{uuid}}{{hex:3}",
            "{{}}{{uuid}}",
            format!("{longest}a").as_str(),
            filled(16).as_str(),
        ] {
            assert!(fault(broken).is_some(), "{broken}");
        }
    }
}
