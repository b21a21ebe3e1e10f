//! Every string that is wanted is equally likely, and no other ever comes.
//!
//! The numbers are the same in every run: these tests count, they do not gamble.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scaivault_domain::secret_policy::{Dice, Randomness, Required, Unmade};
use serde_json::json;

use super::sample::{Numbers, draw, field};

/// All bytes in turn.
struct InTurn(u8);

impl Randomness for InTurn {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// The same byte for ever.
struct Stuck(u8);

impl Randomness for Stuck {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade> {
        bytes.fill(self.0);
        Ok(())
    }
}

#[test]
fn of_all_bytes_each_choice_is_made_by_as_many() {
    for bound in 1_usize..=256 {
        let mut source = InTurn(0);
        let mut dice = Dice::new(&mut source);
        let each = 256 / bound;
        let mut counts = vec![0; bound];
        for _ in 0..each * bound {
            counts[dice.below(bound).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| *count == each), "{bound}: {counts:?}");
    }
}

#[test]
fn a_source_that_is_broken_is_given_up() {
    assert!(Dice::new(&mut Stuck(255)).below(10).is_err());
    assert!(Dice::new(&mut Stuck(0)).below(0).is_err());
    assert!(Dice::new(&mut Stuck(0)).below(257).is_err());
    assert_eq!(Dice::new(&mut Stuck(9)).below(10), Ok(9));
}

/// Pearson's statistic over what was counted, and a bound that evenly drawn numbers stay below: five standard
/// deviations above its mean.
fn assert_even(counts: &BTreeMap<String, u32>, kinds: usize) {
    assert_eq!(counts.len(), kinds);
    let total: u32 = counts.values().sum();
    let expected = f64::from(total) / kinds as f64;
    assert!(expected >= 50.0, "too few to tell");
    let statistic: f64 = counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = (kinds - 1) as f64;
    assert!(statistic < freedom + 5.0 * (2.0 * freedom).sqrt(), "{statistic} with {freedom} degrees of freedom");
}

fn counted(config: serde_json::Value, times: usize) -> BTreeMap<String, u32> {
    let field = field("random", config);
    let mut numbers = Numbers(7);
    let mut counts = BTreeMap::new();
    for _ in 0..times {
        *counts.entry(draw(&field, &mut numbers).remove(0).1).or_default() += 1;
    }
    counts
}

#[test]
fn strings_without_requirements_are_even() {
    let config = json!({"length": 4, "charset": "custom", "characters": "xyz"});
    assert_even(&counted(config, 8_100), 81);
}

/// 3 of 3 classes in 4 places: 36 strings of 81, drawn by throwing away.
#[test]
fn strings_that_are_thrown_away_leave_the_others_even() {
    let config = json!({"length": 4, "charset": "custom", "characters": "Aa1", "require_upper": true,
                        "require_lower": true, "require_digit": true});
    assert_even(&counted(config, 7_200), 36);
}

/// One of 600 strings fits: drawn by counting.
#[test]
fn strings_that_are_counted_are_even() {
    let config = json!({"length": 4, "charset": "custom", "characters": "Aa1!\"#$%&'()*+,-./:;<=>", "require_upper": true,
                        "require_lower": true, "require_digit": true, "require_symbol": true});
    assert_even(&counted(config, 48_000), 24 * 20);
}

/// Two capitals where one is required, among small letters: the number of capitals must not be even, the strings must.
#[test]
fn counting_prefers_no_number_of_rare_characters() {
    let small: String = ('a'..='z').collect();
    let config = json!({"length": 5, "charset": "custom", "characters": format!("A{small}äöüßéèêçñøåæœ0123456789"),
                        "require_upper": true});
    let (mut one, mut more) = (0_u32, 0_u32);
    for (text, count) in counted(config, 60_000) {
        match text.matches('A').count() {
            0 => panic!("{text} has no capital"),
            1 => one += count,
            _ => more += count,
        }
    }
    // Of 50^5 - 49^5 strings 5·49^4 have just one.
    let share = 5.0 * 49_f64.powi(4) / (50_f64.powi(5) - 49_f64.powi(5));
    let found = f64::from(one) / f64::from(one + more);
    assert!((found - share).abs() < 0.003, "{found} instead of {share}");
}

#[test]
fn what_may_come_first_is_even_too() {
    let field = field("random", json!({"length": 5, "charset": "safe"}));
    let mut numbers = Numbers(11);
    let (mut first, mut later) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..20_000 {
        let text = draw(&field, &mut numbers).remove(0).1;
        for (place, character) in text.chars().enumerate() {
            let counts = if place == 0 { &mut first } else { &mut later };
            *counts.entry(character.to_string()).or_default() += 1;
        }
    }
    assert_even(&first, 56);
    assert_even(&later, 59);
    assert!(!["-", "_", "."].iter().any(|symbol| first.contains_key(*symbol)));
}

/// The rarest there is: without counting, 700,000 strings would be thrown away for each that fits.
#[test]
fn the_rarest_recipe_is_quick() {
    let symbols: String = ('À'..='ɏ').chain('!'..='/').take(253).collect();
    let required = json!({"require_upper": true, "require_lower": true, "require_digit": true, "require_symbol": true});
    for length in [4, 5, 40, 1_024] {
        let mut config = json!({"length": length, "charset": "custom", "characters": format!("{symbols}Aa1")});
        config.as_object_mut().unwrap().extend(required.as_object().unwrap().clone());
        let made = draw(&field("random", config), &mut Numbers(3)).remove(0).1;
        let all = Required { require_upper: true, require_lower: true, require_digit: true, require_symbol: true };
        assert!(all.is_met(&made.chars().collect::<Vec<_>>()), "{made}");
        assert_eq!(made.chars().count(), length);
    }
}

const CLASSES: [&str; 4] = ["ABCXYZ", "abcxyz", "0123", "-_.!ä"];

proptest! {
    #[test]
    fn what_is_required_is_there(
        length in 4_usize..40,
        kept in prop::collection::vec(1_usize..=4, 4),
        required in prop::collection::vec(any::<bool>(), 4),
        filler in 0_usize..150,
        seed: u64,
    ) {
        let own: String = CLASSES.iter().zip(&kept).map(|(class, kept)| class.chars().take(*kept).collect::<String>()).collect();
        let filler: String = ('Ā'..='ɏ').take(filler).collect();
        let config = json!({
            "length": length, "charset": "custom", "characters": format!("{own}{filler}"), "require_upper": required[0],
            "require_lower": required[1], "require_digit": required[2], "require_symbol": required[3],
        });
        let text = draw(&field("random", config), &mut Numbers(seed)).remove(0).1;
        prop_assert_eq!(text.chars().count(), length);
        prop_assert!(text.chars().all(|character| own.contains(character) || filler.contains(character)));
        let wanted = Required {
            require_upper: required[0], require_lower: required[1], require_digit: required[2], require_symbol: required[3],
        };
        prop_assert!(wanted.is_met(&text.chars().collect::<Vec<_>>()), "{}", text);
    }

    #[test]
    fn safe_strings_are_never_options(length in 4_usize..20, upper: bool, symbol: bool, seed: u64) {
        let config = json!({"length": length, "charset": "safe", "require_upper": upper, "require_symbol": symbol});
        let text = draw(&field("random", config), &mut Numbers(seed)).remove(0).1;
        prop_assert!(text.starts_with(|first: char| first.is_ascii_alphanumeric()), "{}", text);
        prop_assert!(!text.contains(['I', 'O', 'l', 'o', '0', '1']));
        prop_assert!(!symbol || text.contains(['-', '_', '.']));
    }
}
