//! What policies can be made of: generators with their settings, for those who write policies.

use serde::Serialize;
use serde_json::{Value, json};

use super::alphabet::Charset;
use super::generator::{
    DEFAULT_HASHED_LENGTH, DEFAULT_LENGTH, DEFAULT_ROUNDS, DEFAULT_RSA_BITS, DEFAULT_SSH_BITS, HASHED_LENGTH, LENGTH,
    MAX_COMMENT, MAX_STATIC, ROUNDS, RSA_BITS, UUID_VERSIONS,
};
use super::template::MAX_TEMPLATE;

/// A generator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeneratorEntry {
    /// Its name.
    pub name: &'static str,
    /// What it makes.
    pub description: &'static str,
    /// Its settings.
    pub config: Vec<Setting>,
    /// The keys it writes; `{name}` stands for the field's name.
    pub outputs: Vec<&'static str>,
}

/// A setting of a generator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Its key.
    pub name: &'static str,
    /// `integer`, `string` or `boolean`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What counts if it is absent; null if it has no default.
    pub default: Value,
    /// The least integer, or the fewest characters.
    pub min: Option<usize>,
    /// The greatest integer, or the most characters.
    pub max: Option<usize>,
    /// All it may be, if they are few.
    pub values: Option<Vec<Value>>,
}

/// Every generator.
pub fn generators() -> Vec<GeneratorEntry> {
    let entry = |name, description, config, outputs| GeneratorEntry { name, description, config, outputs };
    let (one, public) = (vec!["{name}"], vec!["{name}", "{name}_public"]);
    let random = [vec![integer("length", DEFAULT_LENGTH, LENGTH)], letters(), required()].concat();
    let bcrypt = [
        vec![integer("length", DEFAULT_HASHED_LENGTH, HASHED_LENGTH), integer("rounds", DEFAULT_ROUNDS, ROUNDS)],
        letters(),
        required(),
        vec![name("hash_name")],
    ]
    .concat();
    let ssh = vec![
        words("key_type", "ed25519", &["ed25519", "rsa"]),
        numbers("bits", DEFAULT_SSH_BITS, RSA_BITS),
        text("comment", json!(""), 0, MAX_COMMENT),
        name("public_name"),
    ];
    vec![
        entry("random", "Random string", random, one.clone()),
        entry("hex", "Lower-case hexadecimal digits", vec![integer("length", DEFAULT_LENGTH, LENGTH)], one.clone()),
        entry("uuid", "UUID", vec![numbers("version", 4, UUID_VERSIONS)], one.clone()),
        entry(
            "template",
            "Text with the placeholders {{random:N}}, {{hex:N}}, {{uuid}} and {{timestamp}}",
            [vec![text("template", Value::Null, 1, MAX_TEMPLATE)], letters()].concat(),
            one.clone(),
        ),
        entry(
            "rsa_keypair",
            "RSA key pair: PKCS #8 and SubjectPublicKeyInfo, PEM",
            vec![numbers("bits", DEFAULT_RSA_BITS, RSA_BITS), name("public_name")],
            public.clone(),
        ),
        entry(
            "ec_keypair",
            "Elliptic-curve key pair: PKCS #8 and SubjectPublicKeyInfo, PEM",
            vec![words("curve", "P-256", &["P-256", "P-384"]), name("public_name")],
            public.clone(),
        ),
        entry("ssh_keypair", "SSH key pair: OpenSSH private key and authorized_keys line", ssh, public),
        entry("bcrypt_hash", "Password with its bcrypt hash", bcrypt, vec!["{name}", "{name}_hash"]),
        entry(
            "static",
            "The same text every time; not for secrets",
            vec![text("value", Value::Null, 0, MAX_STATIC)],
            one,
        ),
    ]
}

fn setting(name: &'static str, kind: &'static str, default: Value) -> Setting {
    Setting { name, kind, default, min: None, max: None, values: None }
}

fn integer(name: &'static str, default: u32, (low, high): (u32, u32)) -> Setting {
    Setting { min: Some(low as usize), max: Some(high as usize), ..setting(name, "integer", default.into()) }
}

fn numbers(name: &'static str, default: u32, values: &[u32]) -> Setting {
    let values = values.iter().map(|value| Value::from(*value)).collect();
    Setting { values: Some(values), ..setting(name, "integer", default.into()) }
}

fn words(name: &'static str, default: &str, values: &[&str]) -> Setting {
    let values = values.iter().map(|value| Value::from(*value)).collect();
    Setting { values: Some(values), ..setting(name, "string", default.into()) }
}

fn text(name: &'static str, default: Value, fewest: usize, most: usize) -> Setting {
    Setting { min: Some(fewest), max: Some(most), ..setting(name, "string", default) }
}

/// The key of a second output, whose default depends on the field's name.
fn name(name: &'static str) -> Setting {
    text(name, Value::Null, 1, 64)
}

fn letters() -> Vec<Setting> {
    let charset = words("charset", Charset::Alphanumeric.as_str(), &Charset::ALL.map(Charset::as_str));
    vec![charset, text("characters", Value::Null, 2, 256)]
}

fn required() -> Vec<Setting> {
    super::Class::ALL.map(|class| setting(class.key(), "boolean", false.into())).to_vec()
}
