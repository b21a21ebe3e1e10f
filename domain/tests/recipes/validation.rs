//! What is no recipe, and which field says so.

use serde_json::{Value, json};

use super::sample::read;

fn faults(fields: Value) -> Vec<String> {
    read(&fields).err().unwrap_or_default()
}

fn of_config(generator: &str, config: Value) -> Vec<String> {
    let faults = faults(
        json!([{"name": "a", "generator": "uuid"}, {"name": "value", "generator": generator, "config": config}]),
    );
    faults.into_iter().map(|fault| fault.replace("fields[1].", "")).collect()
}

#[test]
fn names_and_generators_are_checked() {
    for name in ["", "1a", "-a", "a b", "ä", "a/b", "a".repeat(65).as_str()] {
        assert_eq!(faults(json!([{"name": name, "generator": "uuid"}])), ["fields[0].name"], "{name}");
    }
    for name in ["a", "_", "A.b-c_9", "a".repeat(64).as_str()] {
        assert_eq!(faults(json!([{"name": name, "generator": "uuid"}])), [""; 0], "{name}");
    }
    assert_eq!(faults(json!([{"name": "a", "generator": "RANDOM"}])), ["fields[0].generator"]);
    assert_eq!(faults(json!([{"name": "0", "generator": "x"}])), ["fields[0].name", "fields[0].generator"]);
}

#[test]
fn there_are_at_most_twenty_fields_and_four_key_pairs() {
    let many = |count: usize, generator: &str| {
        Value::from_iter((0..count).map(|index| json!({"name": format!("f{index}"), "generator": generator})))
    };
    assert_eq!(faults(json!([])), ["fields"]);
    assert_eq!(faults(many(20, "uuid")), [""; 0]);
    assert_eq!(faults(many(21, "uuid")), ["fields"]);
    assert_eq!(faults(many(4, "ec_keypair")), [""; 0]);
    assert_eq!(faults(many(5, "ssh_keypair")), ["fields"]);
    assert_eq!(faults(many(20, "bcrypt_hash")), [""; 0]);
}

#[test]
fn no_two_outputs_have_one_key() {
    let both = |first: Value, second: Value| faults(json!([first, second]));
    let plain = |name: &str| json!({"name": name, "generator": "hex"});
    let pair = |name: &str, public: Value| json!({"name": name, "generator": "ec_keypair", "config": public});
    assert_eq!(both(plain("a"), plain("a")), ["fields[1].name"]);
    assert_eq!(both(plain("a"), plain("A")), [""; 0]);
    assert_eq!(both(pair("a", json!({})), plain("a_public")), ["fields[1].name"]);
    assert_eq!(both(plain("public_key"), pair("private_key", json!({}))), ["fields[1].name"]);
    assert_eq!(both(plain("b"), pair("a", json!({"public_name": "b"}))), ["fields[1].name"]);
    assert_eq!(faults(json!([pair("a", json!({"public_name": "a"}))])), ["fields[0].name"]);
    assert_eq!(
        faults(json!([{"name": "a", "generator": "bcrypt_hash", "config": {"hash_name": "a"}}])),
        ["fields[0].name"]
    );
}

#[test]
fn each_setting_is_named_that_is_wrong() {
    let none: [&str; 0] = [];
    for (generator, config, wanted) in [
        ("random", json!({"length": 3}), vec!["config.length"]),
        ("random", json!({"length": 1025}), vec!["config.length"]),
        ("random", json!({"length": "32"}), vec!["config.length"]),
        ("random", json!({"length": 32.5}), vec!["config.length"]),
        ("random", json!({"length": null}), vec!["config.length"]),
        ("random", json!({"charset": "ALPHA"}), vec!["config.charset"]),
        ("random", json!({"characters": "abc"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "a"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "aba"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "a\n"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "a\u{200b}"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "a\u{301}"}), vec!["config.characters"]),
        ("random", json!({"charset": "custom", "characters": "ab \"'\\ä"}), vec![]),
        (
            "random",
            json!({"charset": "numeric", "require_upper": true, "require_digit": true}),
            vec!["config.require_upper"],
        ),
        ("random", json!({"charset": "symbols", "require_lower": true}), vec!["config.require_lower"]),
        ("random", json!({"charset": "alpha", "require_symbol": true}), vec!["config.require_symbol"]),
        ("random", json!({"charset": "alpha", "require_digit": false}), vec![]),
        ("random", json!({"require_upper": 1}), vec!["config.require_upper"]),
        ("random", json!({"len": 4, "Length": 4}), vec!["config.len", "config.Length"]),
        ("random", json!({"length": 3, "charset": "x", "y": 1}), vec!["config.length", "config.charset", "config.y"]),
        ("hex", json!({"length": 4, "charset": "hex"}), vec!["config.charset"]),
        ("uuid", json!({"version": 1}), vec!["config.version"]),
        ("template", json!({}), vec!["config.template"]),
        ("template", json!({"template": 1}), vec!["config.template"]),
        ("template", json!({"template": "a"}), vec!["config.template"]),
        ("template", json!({"template": "{{uuid}}", "charset": "custom", "characters": "ab"}), vec![]),
        ("template", json!({"template": "{{uuid}}", "length": 4}), vec!["config.length"]),
        ("rsa_keypair", json!({"bits": 1024}), vec!["config.bits"]),
        ("rsa_keypair", json!({"public_name": "a b"}), vec!["config.public_name"]),
        ("ec_keypair", json!({"curve": "P-521"}), vec!["config.curve"]),
        ("ssh_keypair", json!({"key_type": "dsa"}), vec!["config.key_type"]),
        ("ssh_keypair", json!({"bits": 3072}), vec!["config.bits"]),
        ("ssh_keypair", json!({"key_type": "rsa", "bits": 3071}), vec!["config.bits"]),
        ("ssh_keypair", json!({"comment": "é"}), vec!["config.comment"]),
        ("ssh_keypair", json!({"comment": "a\nb"}), vec!["config.comment"]),
        ("ssh_keypair", json!({"comment": "a".repeat(256)}), vec!["config.comment"]),
        ("ssh_keypair", json!({"comment": "a".repeat(255)}), vec![]),
        ("bcrypt_hash", json!({"length": 73}), vec!["config.length"]),
        ("bcrypt_hash", json!({"rounds": 9}), vec!["config.rounds"]),
        ("bcrypt_hash", json!({"charset": "custom", "characters": "aé"}), vec!["config.characters"]),
        ("bcrypt_hash", json!({"hash_name": ""}), vec!["config.hash_name"]),
        ("bcrypt_hash", json!({"public_name": "x"}), vec!["config.public_name"]),
        ("static", json!({}), vec!["config.value"]),
        ("static", json!({"value": 1}), vec!["config.value"]),
        ("static", json!({"value": "ä".repeat(4_097)}), vec!["config.value"]),
        ("static", json!({"value": "ä".repeat(4_096)}), vec![]),
    ] {
        let mut found = of_config(generator, config.clone());
        found.sort();
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{generator} {config}");
    }
    assert_eq!(of_config("random", json!({"length": 4})), none);
}
