//! Random strings.
//!
//! Each character is drawn by itself, uniformly from those that may stand at its place ([`Dice::below`] has no bias).
//! So every string has the same probability. If classes are required, strings that lack one are thrown away whole and
//! drawn anew: what is kept is one of the strings that are wanted, each of which was as likely as any other before, and
//! is so still. Nothing is repaired, which would favour some of them.
//!
//! How many are thrown away depends on the policy: one of four characters over 256, of which three are a capital, a
//! small letter and a digit and all classes are required, would need 700,000 draws on average. Where fewer than one of
//! `RARELY` strings fits, and after `PATIENCE` refused draws in any case, the same distribution is reached without
//! throwing anything away, by [`counting`]. So every accepted policy comes to an end, in a time with a bound.

use zeroize::Zeroizing;

use super::alphabet::{Alphabet, Class, Required};
use super::counting;
use super::dice::Dice;
use super::forge::Unmade;

/// Strings of which one must fit for throwing away to be worth while.
const RARELY: f64 = 16.0;
/// Draws in a row that may be thrown away: with one of [`RARELY`] that fits, one in 10^28 strings needs more.
const PATIENCE: usize = 1_000;

/// A string of exactly `length` characters.
pub fn random(
    dice: &mut Dice<'_>,
    alphabet: &Alphabet,
    length: usize,
    required: Required,
) -> Result<Zeroizing<String>, Unmade> {
    let mut characters = Zeroizing::new(vec!['\0'; length]);
    if required == Required::default() || share(alphabet, length, required) * RARELY >= 1.0 {
        for _ in 0..PATIENCE {
            draw(dice, alphabet, &mut characters)?;
            if required.is_met(&characters) {
                return Ok(joined(alphabet, &characters));
            }
        }
    }
    counting::draw(dice, alphabet, required, &mut characters)?;
    Ok(joined(alphabet, &characters))
}

fn draw(dice: &mut Dice<'_>, alphabet: &Alphabet, characters: &mut [char]) -> Result<(), Unmade> {
    for (place, character) in characters.iter_mut().enumerate() {
        *character = pick(dice, alphabet.at(place))?;
    }
    Ok(())
}

/// One of these, each equally likely.
pub(super) fn pick(dice: &mut Dice<'_>, of: &[char]) -> Result<char, Unmade> {
    of.get(dice.below(of.len())?).copied().ok_or(Unmade("there is nothing to choose from"))
}

/// With room for all of it at once: a buffer that grows leaves copies behind.
fn joined(alphabet: &Alphabet, characters: &[char]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(alphabet.most_bytes(characters.len())));
    text.extend(characters);
    text
}

/// Which part of all strings has what is required, by inclusion and exclusion. Only chooses between two ways to the
/// same distribution, so that rounding does no harm.
fn share(alphabet: &Alphabet, length: usize, required: Required) -> f64 {
    let without = |lacking: usize, place: usize| {
        let at = alphabet.at(place);
        let left = at.iter().filter(|character| Class::of(**character).bit() & lacking == 0).count();
        left as f64 / at.len() as f64
    };
    let later = i32::try_from(length.saturating_sub(1)).unwrap_or(i32::MAX);
    let wanted = required.bits();
    (0_usize..16)
        .filter(|lacking| lacking & wanted == *lacking)
        .map(|lacking| {
            let sign = if lacking.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
            sign * without(lacking, 0) * without(lacking, 1).powi(later)
        })
        .sum()
}
