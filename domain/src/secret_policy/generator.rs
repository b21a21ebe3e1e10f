//! The nine generators: how they are configured, and what they draw.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::alphabet::{Charset, Class, Letters, Required, custom_fault};
use super::dice::Dice;
use super::field;
use super::forge::{Curve, Forge, KeyPair, SshKey, Unmade};
use super::reading::Reading;
use super::{template, text};
use crate::Timestamp;

/// Lengths of random strings and hexadecimal numbers.
pub const LENGTH: (u32, u32) = (4, 1_024);
/// Their length where none is given.
pub const DEFAULT_LENGTH: u32 = 32;
/// Lengths of passwords that are hashed: bcrypt looks at 72 bytes.
pub const HASHED_LENGTH: (u32, u32) = (8, 72);
/// Their length where none is given.
pub const DEFAULT_HASHED_LENGTH: u32 = 24;
/// Rounds of bcrypt, as a power of two.
pub const ROUNDS: (u32, u32) = (10, 14);
/// Where none are given.
pub const DEFAULT_ROUNDS: u32 = 12;
/// Sizes of RSA keys.
pub const RSA_BITS: &[u32] = &[2_048, 3_072, 4_096];
/// Size of an RSA key where none is given.
pub const DEFAULT_RSA_BITS: u32 = 2_048;
/// The same of one for SSH.
pub const DEFAULT_SSH_BITS: u32 = 3_072;
/// Versions of UUIDs.
pub const UUID_VERSIONS: &[u32] = &[4, 7];
/// Longest comment of a key for SSH.
pub const MAX_COMMENT: usize = 255;
/// Longest fixed value, in characters.
pub const MAX_STATIC: usize = 4_096;

/// How a value is made, with all that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "generator", content = "config", rename_all = "snake_case")]
pub enum Generator {
    /// A random string.
    Random {
        /// In characters.
        length: u32,
        /// Of what it is made.
        #[serde(flatten)]
        letters: Letters,
        /// What it must have.
        #[serde(flatten)]
        required: Required,
    },
    /// Lower-case hexadecimal digits.
    Hex {
        /// How many.
        length: u32,
    },
    /// A UUID (RFC 9562).
    Uuid {
        /// 4 or 7.
        version: u32,
    },
    /// A text with placeholders.
    Template {
        /// The text.
        template: Arc<str>,
        /// Of what `{{random:N}}` is made.
        #[serde(flatten)]
        letters: Letters,
    },
    /// An RSA key pair.
    RsaKeypair {
        /// Its size.
        bits: u32,
        /// Where the public half goes.
        public_name: Arc<str>,
    },
    /// A key pair of an elliptic curve.
    EcKeypair {
        /// Which.
        curve: Curve,
        /// Where the public half goes.
        public_name: Arc<str>,
    },
    /// A key pair for SSH.
    SshKeypair {
        /// Ed25519 or RSA.
        key_type: SshKeyType,
        /// Size of an RSA key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bits: Option<u32>,
        /// What stands behind the key.
        comment: Arc<str>,
        /// Where the public half goes.
        public_name: Arc<str>,
    },
    /// A password with its bcrypt hash.
    BcryptHash {
        /// Of the password, in characters.
        length: u32,
        /// Of the hash.
        rounds: u32,
        /// Of what the password is made.
        #[serde(flatten)]
        letters: Letters,
        /// What it must have.
        #[serde(flatten)]
        required: Required,
        /// Where the hash goes.
        hash_name: Arc<str>,
    },
    /// Always the same.
    Static {
        /// What. Shown with the policy, so no place for secrets.
        value: Arc<str>,
    },
}

/// A kind of key for SSH, as policies name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SshKeyType {
    /// Ed25519.
    Ed25519,
    /// RSA.
    Rsa,
}

/// Names of the generators.
pub const NAMES: [&str; 9] =
    ["random", "hex", "uuid", "template", "rsa_keypair", "ec_keypair", "ssh_keypair", "bcrypt_hash", "static"];

impl Generator {
    /// Reads the `config` of a field of that name; `None` for an unknown generator. What is wrong becomes a fault, and
    /// its default takes its place.
    pub fn read(generator: &str, field: &str, config: &mut Reading<'_>) -> Option<Self> {
        let public_name = |config: &mut Reading<'_>| {
            let usual = if field == "private_key" { "public_key".to_owned() } else { format!("{field}_public") };
            output_name("public_name", usual, config)
        };
        Some(match generator {
            "random" => {
                let length = config.integer("length", DEFAULT_LENGTH, LENGTH);
                let letters = read_letters(config);
                Self::Random { length, required: read_required(&letters, config), letters }
            }
            "hex" => Self::Hex { length: config.integer("length", DEFAULT_LENGTH, LENGTH) },
            "uuid" => Self::Uuid { version: config.one_of("version", 4, UUID_VERSIONS) },
            "template" => {
                let template = config.required_text("template").unwrap_or_default();
                if let Some(fault) = template::fault(template).filter(|_| config.is_text("template")) {
                    config.fault("template", fault);
                }
                Self::Template { template: template.into(), letters: read_letters(config) }
            }
            "rsa_keypair" => Self::RsaKeypair {
                bits: config.one_of("bits", DEFAULT_RSA_BITS, RSA_BITS),
                public_name: public_name(config),
            },
            "ec_keypair" => {
                let curves = [("P-256", Curve::P256), ("P-384", Curve::P384)];
                Self::EcKeypair {
                    curve: config.choice("curve", Curve::P256, &curves),
                    public_name: public_name(config),
                }
            }
            "ssh_keypair" => read_ssh(public_name(config), config),
            "bcrypt_hash" => {
                let length = config.integer("length", DEFAULT_HASHED_LENGTH, HASHED_LENGTH);
                let rounds = config.integer("rounds", DEFAULT_ROUNDS, ROUNDS);
                let letters = read_letters(config);
                if letters.characters.as_ref().is_some_and(|characters| !characters.is_ascii()) {
                    config.fault("characters", "must be ASCII, of which bcrypt takes 72 characters");
                }
                let hash_name = output_name("hash_name", format!("{field}_hash"), config);
                Self::BcryptHash { length, rounds, required: read_required(&letters, config), letters, hash_name }
            }
            "static" => {
                let value = config.required_text("value").unwrap_or_default();
                if value.chars().count() > MAX_STATIC {
                    config.fault("value", "may have at most 4096 characters");
                }
                Self::Static { value: value.into() }
            }
            _ => return None,
        })
    }

    /// The key of the second output, if there is one.
    pub fn second_name(&self) -> Option<&Arc<str>> {
        match self {
            Self::RsaKeypair { public_name, .. }
            | Self::EcKeypair { public_name, .. }
            | Self::SshKeypair { public_name, .. } => Some(public_name),
            Self::BcryptHash { hash_name, .. } => Some(hash_name),
            Self::Random { .. }
            | Self::Hex { .. }
            | Self::Uuid { .. }
            | Self::Template { .. }
            | Self::Static { .. } => None,
        }
    }

    /// Whether it makes a key pair.
    pub fn is_key_pair(&self) -> bool {
        matches!(self, Self::RsaKeypair { .. } | Self::EcKeypair { .. } | Self::SshKeypair { .. })
    }

    /// Whether it takes a processor for long, so that it must not run among requests.
    pub fn is_heavy(&self) -> bool {
        self.is_key_pair() || matches!(self, Self::BcryptHash { .. })
    }

    /// Whether it always makes the same.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Static { .. })
    }

    /// Makes the value, and the second one if there is one.
    pub(super) fn draw(
        &self,
        forge: &mut dyn Forge,
        now: Timestamp,
    ) -> Result<(Zeroizing<String>, Option<Zeroizing<String>>), Unmade> {
        let pair = |pair: KeyPair| (pair.private, Some(pair.public));
        match self {
            Self::Random { length, letters, required } => {
                let mut source = Source(forge);
                Ok((text::random(&mut Dice::new(&mut source), &letters.alphabet(), *length as usize, *required)?, None))
            }
            Self::Hex { length } => Ok((hexadecimal(&mut Dice::new(&mut Source(forge)), *length as usize)?, None)),
            Self::Uuid { version: 7 } => Ok((uuid_v7(&mut Dice::new(&mut Source(forge)), now)?, None)),
            Self::Uuid { .. } => Ok((uuid_v4(&mut Dice::new(&mut Source(forge)))?, None)),
            Self::Template { template, letters } => {
                Ok((template::filled(&mut Dice::new(&mut Source(forge)), template, letters, now)?, None))
            }
            Self::RsaKeypair { bits, .. } => forge.rsa_pair(*bits).map(pair),
            Self::EcKeypair { curve, .. } => forge.ec_pair(*curve).map(pair),
            Self::SshKeypair { key_type, bits, comment, .. } => {
                let key = match key_type {
                    SshKeyType::Ed25519 => SshKey::Ed25519,
                    SshKeyType::Rsa => SshKey::Rsa(bits.unwrap_or(DEFAULT_SSH_BITS)),
                };
                forge.ssh_pair(key, comment).map(pair)
            }
            Self::BcryptHash { length, rounds, letters, required, .. } => {
                let mut source = Source(forge);
                let mut dice = Dice::new(&mut source);
                let password = text::random(&mut dice, &letters.alphabet(), *length as usize, *required)?;
                let salt = *dice.bytes::<16>()?;
                let hash = forge.bcrypt(&password, *rounds, salt)?;
                Ok((password, Some(hash)))
            }
            Self::Static { value } => Ok((Zeroizing::new(value.as_ref().to_owned()), None)),
        }
    }
}

/// A forge as the source of randomness that it is.
struct Source<'f>(&'f mut dyn Forge);

impl super::dice::Randomness for Source<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade> {
        self.0.fill(bytes)
    }
}

impl Reading<'_> {
    fn is_text(&mut self, key: &'static str) -> bool {
        self.value(key).is_some_and(serde_json::Value::is_string)
    }
}

fn read_letters(config: &mut Reading<'_>) -> Letters {
    let charsets = Charset::ALL.map(|charset| (charset.as_str(), charset));
    let charset = config.choice("charset", Charset::Alphanumeric, &charsets);
    if charset != Charset::Custom {
        if config.value("characters").is_some() {
            config.fault("characters", "goes with the charset custom only");
        }
        return Letters::of(charset);
    }
    let characters = config.required_text("characters");
    if let Some(fault) = characters.and_then(custom_fault) {
        config.fault("characters", fault);
    }
    Letters { charset, characters: Some(characters.unwrap_or_default().into()) }
}

fn read_required(letters: &Letters, config: &mut Reading<'_>) -> Required {
    let required = Required {
        require_upper: config.boolean("require_upper"),
        require_lower: config.boolean("require_lower"),
        require_digit: config.boolean("require_digit"),
        require_symbol: config.boolean("require_symbol"),
    };
    let alphabet = letters.alphabet();
    for class in Class::ALL.into_iter().filter(|class| required.has(*class) && !alphabet.has(*class)) {
        config.fault(class.key(), "asks for what the charset does not have");
    }
    required
}

fn read_ssh(public_name: Arc<str>, config: &mut Reading<'_>) -> Generator {
    let types = [("ed25519", SshKeyType::Ed25519), ("rsa", SshKeyType::Rsa)];
    let key_type = config.choice("key_type", SshKeyType::Ed25519, &types);
    let bits = match key_type {
        SshKeyType::Rsa => Some(config.one_of("bits", DEFAULT_SSH_BITS, RSA_BITS)),
        SshKeyType::Ed25519 => {
            if config.value("bits").is_some() {
                config.fault("bits", "goes with the key_type rsa only");
            }
            None
        }
    };
    let comment = config.text("comment").unwrap_or_default();
    if comment.len() > MAX_COMMENT || !comment.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        config.fault("comment", "may have at most 255 printable ASCII characters");
    }
    Generator::SshKeypair { key_type, bits, comment: comment.into(), public_name }
}

/// The key of a second output.
fn output_name(key: &'static str, usual: String, config: &mut Reading<'_>) -> Arc<str> {
    match config.text(key) {
        Some(name) if !field::is_name(name) => {
            config.fault(key, field::NAME_RULE);
            usual.into()
        }
        Some(name) => name.into(),
        None => usual.into(),
    }
}

/// So many lower-case hexadecimal digits.
pub(super) fn hexadecimal(dice: &mut Dice<'_>, length: usize) -> Result<Zeroizing<String>, Unmade> {
    text::random(dice, &Letters::of(Charset::Hex).alphabet(), length, Required::default())
}

/// RFC 9562, 5.4.
pub(super) fn uuid_v4(dice: &mut Dice<'_>) -> Result<Zeroizing<String>, Unmade> {
    Ok(uuid(dice.bytes()?, 4))
}

/// RFC 9562, 5.7: the time in milliseconds, then randomness.
fn uuid_v7(dice: &mut Dice<'_>, now: Timestamp) -> Result<Zeroizing<String>, Unmade> {
    let mut bytes = dice.bytes::<16>()?;
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or_default();
    let time = millis.to_be_bytes();
    bytes.iter_mut().zip(time.iter().skip(2)).for_each(|(to, from)| *to = *from);
    Ok(uuid(bytes, 7))
}

/// With its version and the variant of RFC 9562 in their places.
fn uuid(mut bytes: Zeroizing<[u8; 16]>, version: u8) -> Zeroizing<String> {
    let [_, _, _, _, _, _, versioned, _, variant, ..] = &mut *bytes;
    *versioned = *versioned & 0x0f | version << 4;
    *variant = *variant & 0x3f | 0x80;
    let mut text = Zeroizing::new(String::with_capacity(36));
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 0x0f] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}
