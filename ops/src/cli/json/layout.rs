//! Lays JSON text out anew without reading its values: strings and numbers pass through byte by byte.

use zeroize::Zeroizing;

/// The document with an indent of two spaces. `text` must be valid JSON.
pub(crate) fn indent(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 2));
    let mut depth = 0usize;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                out.push('"');
                let mut escaped = false;
                for inner in characters.by_ref() {
                    out.push(inner);
                    match inner {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                out.push(character);
                if let Some(closing) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(closing);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => out.push(character),
        }
    }
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn two_spaces_and_nothing_else_changes() {
        let text =
            r#" {"a" : [ ], "b":{},"n": 1.2300000000000000000001e5 ,"s":"x\\\"{,:é \u0041","l":[1, {"k":null}]} "#;
        let expected = r#"{
  "a": [],
  "b": {},
  "n": 1.2300000000000000000001e5,
  "s": "x\\\"{,:é \u0041",
  "l": [
    1,
    {
      "k": null
    }
  ]
}"#;
        assert_eq!(indent(text).as_str(), expected);
    }
}
