//! Random strings with required classes, drawn by counting.
//!
//! The number of ways to end a string depends on how many places are left and which classes are still missing. It is
//! counted exactly. Then the class at each place is chosen with the probability that it has among all strings that are
//! wanted, and the character uniformly within it: every wanted string comes out equally likely, and no other ever.

use zeroize::Zeroize as _;

use super::alphabet::{Alphabet, Class, Required};
use super::dice::Dice;
use super::forge::Unmade;
use super::natural::Natural;
use super::text::pick;

/// Sets of classes that may be missing.
const SETS: usize = 16;

/// Fills `characters`.
pub(super) fn draw(
    dice: &mut Dice<'_>,
    alphabet: &Alphabet,
    required: Required,
    characters: &mut [char],
) -> Result<(), Unmade> {
    let sizes = sizes(alphabet.at(1));
    let ways = ways(&sizes, characters.len());
    let mut missing = required.bits();
    for (place, character) in characters.iter_mut().enumerate() {
        let sizes = if place == 0 { self::sizes(alphabet.at(0)) } else { sizes };
        // What follows this place is counted by how many places follow it: the table is read from its end.
        let after = ways.get(ways.len() - 2 - place).ok_or(Unmade("a string is longer than it was counted"))?;
        let class = class(dice, &sizes, after, missing)?;
        missing &= !class.bit();
        let mut of_class: Vec<char> =
            alphabet.at(place).iter().copied().filter(|character| Class::of(*character) == class).collect();
        *character = pick(dice, &of_class)?;
        of_class.zeroize();
    }
    Ok(())
}

/// The class of the next character, by how many ways go on from each.
fn class(dice: &mut Dice<'_>, sizes: &[u64; 4], after: &[Natural], missing: usize) -> Result<Class, Unmade> {
    let impossible = Unmade("no string has all that is required");
    let rest = |class: Class| after.get(missing & !class.bit()).ok_or(impossible);
    let mut total = Natural::default();
    for (class, size) in Class::ALL.into_iter().zip(sizes) {
        total.add_scaled(rest(class)?, *size);
    }
    if total.bits() == 0 {
        return Err(impossible);
    }
    let mut drawn = dice.below_natural(&total)?;
    for (class, size) in Class::ALL.into_iter().zip(sizes) {
        let mut ways = Natural::default();
        ways.add_scaled(rest(class)?, *size);
        if drawn < ways {
            return Ok(class);
        }
        drawn.subtract(&ways);
    }
    Err(impossible)
}

/// Ways to fill 0, 1, 2 … places, by what is still missing before them.
fn ways(sizes: &[u64; 4], length: usize) -> Vec<Vec<Natural>> {
    let none = (0..SETS).map(|missing| if missing == 0 { Natural::one() } else { Natural::default() });
    let mut ways: Vec<Vec<Natural>> = vec![none.collect()];
    for _ in 0..length {
        let shorter = ways.last().map(Vec::as_slice).unwrap_or_default();
        let longer = (0..SETS).map(|missing| {
            let mut count = Natural::default();
            for (class, size) in Class::ALL.into_iter().zip(sizes) {
                if let Some(rest) = shorter.get(missing & !class.bit()) {
                    count.add_scaled(rest, *size);
                }
            }
            count
        });
        let longer = longer.collect();
        ways.push(longer);
    }
    ways
}

/// How many characters are of each class.
fn sizes(characters: &[char]) -> [u64; 4] {
    Class::ALL.map(|class| characters.iter().filter(|character| Class::of(**character) == class).count() as u64)
}
