//! A source of numbers that is the same in every run, a forge over it, and recipes from JSON.

use scaivault_domain::Timestamp;
use scaivault_domain::secret_policy::field::{self, GivenField};
use scaivault_domain::secret_policy::forge::{Curve, SshKey};
use scaivault_domain::secret_policy::{Field, Forge, KeyPair, Randomness, Unmade};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// SplitMix64: even enough for counting, and no secret.
pub struct Numbers(pub u64);

impl Randomness for Numbers {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade> {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl Forge for Numbers {
    fn rsa_pair(&mut self, bits: u32) -> Result<KeyPair, Unmade> {
        Ok(pair(&format!("rsa {bits}")))
    }

    fn ec_pair(&mut self, curve: Curve) -> Result<KeyPair, Unmade> {
        Ok(pair(&format!("{curve:?}")))
    }

    fn ssh_pair(&mut self, key: SshKey, comment: &str) -> Result<KeyPair, Unmade> {
        Ok(pair(&format!("{key:?} {comment}")))
    }

    fn bcrypt(&mut self, password: &str, rounds: u32, salt: [u8; 16]) -> Result<Zeroizing<String>, Unmade> {
        Ok(Zeroizing::new(format!("{} {rounds} {}", password.len(), salt.len())))
    }
}

fn pair(text: &str) -> KeyPair {
    KeyPair { private: Zeroizing::new(format!("private {text}")), public: Zeroizing::new(format!("public {text}")) }
}

/// 2026-04-23T14:00:00.123456Z.
pub fn now() -> Timestamp {
    Timestamp::from_micros(1_776_952_800_123_456)
}

/// Reads fields as the API does.
pub fn read(fields: &Value) -> Result<Vec<Field>, Vec<String>> {
    let text = |field: &Value, key: &str| field[key].as_str().map(str::to_owned);
    let given: Vec<GivenField> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| GivenField {
            name: text(field, "name"),
            generator: text(field, "generator"),
            config: field["config"].as_object().cloned().unwrap_or_default(),
        })
        .collect();
    let mut faults = Vec::new();
    let fields = field::read(&given, &mut faults);
    if faults.is_empty() { Ok(fields) } else { Err(faults.into_iter().map(|(field, _)| field).collect()) }
}

/// One sound field.
pub fn field(generator: &str, config: Value) -> Field {
    read(&json!([{"name": "value", "generator": generator, "config": config}])).unwrap().remove(0)
}

/// What a field makes, in order.
pub fn draw(field: &Field, numbers: &mut Numbers) -> Vec<(String, String)> {
    let drawn = field.draw(numbers, now()).unwrap();
    drawn.values().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
