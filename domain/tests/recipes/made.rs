//! What each generator makes.

use serde_json::json;

use super::sample::{Numbers, draw, field, now, read};
use scaivault_domain::secret_policy::catalogue::generators;
use scaivault_domain::secret_policy::generator::NAMES;
use scaivault_domain::secret_policy::{Charset, Drawn};

fn one(generator: &str, config: serde_json::Value) -> String {
    draw(&field(generator, config), &mut Numbers(1)).remove(0).1
}

#[test]
fn strings_have_their_length_and_characters() {
    let charsets = [
        (Charset::Alphanumeric, 62),
        (Charset::Alpha, 52),
        (Charset::Numeric, 10),
        (Charset::Hex, 16),
        (Charset::Safe, 59),
        (Charset::Symbols, 32),
        (Charset::Ascii, 94),
    ];
    for (charset, size) in charsets {
        let characters = charset.characters().unwrap();
        assert_eq!(characters.chars().count(), size, "{charset:?}");
        for length in [4, 5, 1_024] {
            let text = one("random", json!({"length": length, "charset": charset.as_str()}));
            assert_eq!(text.chars().count(), length);
            assert!(text.chars().all(|character| characters.contains(character)), "{charset:?}: {text}");
        }
    }
    assert_eq!(one("random", json!({})).len(), 32);
    let wide = one("random", json!({"length": 1_024, "charset": "custom", "characters": "ä𝄞"}));
    assert!(wide.chars().count() == 1_024 && wide.contains('𝄞'));
    let hexadecimal = one("hex", json!({"length": 7}));
    assert!(hexadecimal.len() == 7 && hexadecimal.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
}

#[test]
fn uuids_have_the_form_of_their_version() {
    let shaped = |text: &str, version: char| {
        let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
        text.len() == 36
            && dashes == [8, 13, 18, 23]
            && text.chars().nth(14) == Some(version)
            && "89ab".contains(text.chars().nth(19).unwrap())
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
    };
    let (random, timed) = (one("uuid", json!({})), one("uuid", json!({"version": 7})));
    assert!(shaped(&random, '4') && shaped(&timed, '7'), "{random} {timed}");
    let time = u64::from_str_radix(&timed.replace('-', "")[..12], 16).unwrap();
    assert_eq!(time, u64::try_from(now().as_micros() / 1_000).unwrap());
    assert_ne!(random, draw(&field("uuid", json!({})), &mut Numbers(2)).remove(0).1);
}

#[test]
fn templates_are_filled_place_by_place() {
    let template = "sk_{{random:6}}{x}{{hex:3}}-{{uuid}}@{{timestamp}}/{{random:6}}";
    let text = one("template", json!({"template": template, "charset": "custom", "characters": "äZ"}));
    let (first, rest) = text.strip_prefix("sk_").unwrap().split_once("{x}").unwrap();
    let (hexadecimal, rest) = rest.split_once('-').unwrap();
    let (uuid, rest) = rest.split_once('@').unwrap();
    let (time, last) = rest.split_once('/').unwrap();
    assert_eq!(time, "1776952800");
    assert_eq!((hexadecimal.len(), uuid.len()), (3, 36));
    for part in [first, last] {
        assert!(part.chars().count() == 6 && part.chars().all(|character| "äZ".contains(character)), "{text}");
    }
    assert_ne!(first, last);
    let safe = field("template", json!({"template": "{{random:2}}", "charset": "safe"}));
    let mut numbers = Numbers(5);
    assert!((0..1_000).all(|_| draw(&safe, &mut numbers)[0].1.as_bytes()[0].is_ascii_alphanumeric()));
}

#[test]
fn pairs_and_hashes_have_a_second_key() {
    let fields = read(&json!([
        {"name": "private_key", "generator": "rsa_keypair", "config": {"bits": 3072}},
        {"name": "signing", "generator": "ec_keypair", "config": {"curve": "P-384"}},
        {"name": "login", "generator": "ssh_keypair", "config": {"public_name": "authorized", "comment": "me"}},
        {"name": "deploy", "generator": "ssh_keypair", "config": {"key_type": "rsa"}},
        {"name": "admin", "generator": "bcrypt_hash", "config": {"length": 72}},
        {"name": "user", "generator": "bcrypt_hash", "config": {"hash_name": "user.bcrypt", "rounds": 10}},
        {"name": "host", "generator": "static", "config": {"value": ""}},
    ]))
    .unwrap();
    let mut numbers = Numbers(1);
    let made: Vec<(String, String)> = fields.iter().flat_map(|field| draw(field, &mut numbers)).collect();
    let keys: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        keys,
        [
            "private_key",
            "public_key",
            "signing",
            "signing_public",
            "login",
            "authorized",
            "deploy",
            "deploy_public",
            "admin",
            "admin_hash",
            "user",
            "user.bcrypt",
            "host"
        ]
    );
    let value = |key: &str| made.iter().find(|(name, _)| name == key).unwrap().1.as_str();
    assert_eq!((value("private_key"), value("public_key")), ("private rsa 3072", "public rsa 3072"));
    assert_eq!((value("login"), value("deploy_public")), ("private Ed25519 me", "public Rsa(3072) "));
    assert_eq!((value("admin").len(), value("admin_hash")), (72, "72 12 16"));
    assert_eq!((value("user").len(), value("user.bcrypt"), value("host")), (24, "24 10 16", ""));
}

#[test]
fn values_are_never_printed() {
    let drawn = field("static", json!({"value": "hidden"})).draw(&mut Numbers(1), now()).unwrap();
    let all = Drawn::new(vec![drawn.clone()]);
    assert_eq!((format!("{drawn:?}"), format!("{all:?}")), ("[sealed]".into(), "[sealed]".into()));
}

/// What is told to those who write recipes is what counts.
#[test]
fn the_catalogue_tells_the_truth() {
    let entries = generators();
    assert_eq!(entries.iter().map(|entry| entry.name).collect::<Vec<_>>(), NAMES);
    for entry in entries {
        let mut least = serde_json::Map::new();
        for (key, value) in [("template", "{{uuid}}"), ("value", "x")] {
            if entry.config.iter().any(|setting| setting.name == key && setting.default.is_null()) {
                least.insert(key.into(), value.into());
            }
        }
        let shown = serde_json::to_value(field(entry.name, least.into())).unwrap();
        for setting in &entry.config {
            let default = shown["config"].get(setting.name);
            let is_conditional =
                ["characters", "bits", "public_name", "hash_name", "template", "value"].contains(&setting.name);
            assert!(is_conditional || default == Some(&setting.default), "{} {}", entry.name, setting.name);
            if let Some(values) = &setting.values {
                assert!(values.contains(&setting.default), "{} {}", entry.name, setting.name);
            }
            let mut tried = json!({"template": "{{uuid}}", "value": "x", "key_type": "rsa"});
            tried.as_object_mut().unwrap().retain(|key, _| entry.config.iter().any(|setting| setting.name == key));
            for bound in [setting.min, setting.max].into_iter().flatten().filter(|_| setting.kind == "integer") {
                tried[setting.name] = bound.into();
                assert!(read(&json!([{"name": "a", "generator": entry.name, "config": tried}])).is_ok());
                for beyond in [bound.wrapping_sub(1), bound + 1] {
                    let is_beyond = setting.min > Some(beyond) || setting.max < Some(beyond);
                    tried[setting.name] = beyond.into();
                    let refused = read(&json!([{"name": "a", "generator": entry.name, "config": tried}])).is_err();
                    assert_eq!(refused, is_beyond, "{} {} {beyond}", entry.name, setting.name);
                }
            }
        }
        // Whatever is shown can be given again.
        let again = json!([{"name": "value", "generator": entry.name, "config": shown["config"]}]);
        assert_eq!(serde_json::to_value(&read(&again).unwrap()[0]).unwrap(), shown);
    }
}
