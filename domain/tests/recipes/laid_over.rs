//! Generated values over what a secret holds.

use scaivault_domain::secret_policy::Drawn;
use scaivault_domain::secret_policy::data::Data;
use serde_json::json;

use super::sample::{Numbers, now, read};

fn drawn(fields: serde_json::Value) -> Drawn {
    let fields = read(&fields).unwrap();
    Drawn::new(fields.iter().map(|field| field.draw(&mut Numbers(1), now()).unwrap()).collect())
}

fn fixed(pairs: &[(&str, &str)]) -> Drawn {
    drawn(
        pairs
            .iter()
            .map(|(name, value)| json!({"name": name, "generator": "static", "config": {"value": value}}))
            .collect(),
    )
}

fn over(data: &str, drawn: &Drawn) -> String {
    let json = Data::parse(data.as_bytes()).unwrap().overlaid(drawn).unwrap();
    String::from_utf8(json.to_vec()).unwrap()
}

#[test]
fn what_is_not_generated_keeps_its_text() {
    let made = fixed(&[("b", "new\"\n"), ("d", "x")]);
    let before = r#"{"a":1.10e400,"b":{"old":[1]},"\u0063":"\u00e9","e":{"b":1}}"#;
    assert_eq!(over(before, &made), r#"{"a":1.10e400,"b":"new\"\n","c":"\u00e9","e":{"b":1},"d":"x"}"#);
    assert_eq!(over("{}", &made), r#"{"b":"new\"\n","d":"x"}"#);
    assert_eq!(over(r#"{"a":1}"#, &Drawn::default()), r#"{"a":1}"#);
    // A key is the same however it is written.
    assert_eq!(over(r#"{"\u0062":0}"#, &made), r#"{"b":"new\"\n","d":"x"}"#);
}

#[test]
fn a_value_that_is_there_is_found() {
    let made = fixed(&[("a", "é\n"), ("b", "1")]);
    let repeats = |data: &str| -> Vec<bool> {
        let data = Data::parse(data.as_bytes()).unwrap();
        made.fields().iter().map(|field| data.repeats(field)).collect()
    };
    assert_eq!(repeats(r#"{"a":"\u00e9\n","b":1}"#), [true, false]);
    assert_eq!(repeats(r#"{"a":"e","b":"1"}"#), [false, true]);
    assert_eq!(repeats(r#"{"c":"1"}"#), [false, false]);
}

#[test]
fn the_built_in_recipe_makes_32_letters_and_digits() {
    let data = Data::parse(br#"{"user":"a","token":"b"}"#).unwrap();
    let field = data.built_in().unwrap();
    let made = field.draw(&mut Numbers(1), now()).unwrap();
    let (name, value) = made.values().next().unwrap();
    assert_eq!(name, "token");
    assert!(value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
