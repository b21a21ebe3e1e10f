//! The two forms of a log line. Either is one line whatever its values hold: control characters and line separators
//! are escaped.

use std::fmt::Write as _;

use scaivault_domain::Timestamp;
use tracing::Level;

use super::field::{Fields, Value};
use crate::configuration::LogFormat;

/// Names every line has; a field of the same name would make them ambiguous.
const OWN_NAMES: [&str; 5] = ["timestamp", "level", "target", "message", "node_id"];

/// One event.
pub(super) struct Line<'a> {
    /// When.
    pub(super) timestamp: Timestamp,
    /// How severe.
    pub(super) level: Level,
    /// Which part of the server.
    pub(super) target: &'a str,
    /// Where.
    pub(super) node_id: &'a str,
    /// What happened, as `message`, and the rest.
    pub(super) fields: &'a Fields,
}

// === impl Line ===

impl Line<'_> {
    /// Writes the line with its newline.
    pub(super) fn write(&self, format: LogFormat, line: &mut String) {
        match format {
            LogFormat::Json => self.write_json(line),
            LogFormat::Text => self.write_text(line),
        }
        line.push('\n');
    }

    fn write_json(&self, line: &mut String) {
        let timestamp = self.timestamp.precise_text();
        let own = [timestamp.as_str(), lower_case(self.level), self.target, self.fields.text("message"), self.node_id];
        let own = OWN_NAMES.into_iter().zip(own.map(Value::Text));
        for (index, (name, value)) in own.chain(self.other_fields()).enumerate() {
            line.push_str(if index == 0 { "{" } else { ", " });
            write_quoted(line, name);
            line.push_str(": ");
            match value {
                Value::Text(text) => write_quoted(line, text),
                Value::Literal(literal) => line.push_str(literal),
            }
        }
        line.push('}');
    }

    fn write_text(&self, line: &mut String) {
        line.push_str(self.timestamp.precise_text().as_str());
        line.push(' ');
        line.push_str(self.level.as_str());
        line.push(' ');
        write_escaped(line, self.target);
        line.push(' ');
        write_escaped(line, self.fields.text("message"));
        line.push_str(" node_id=");
        write_word(line, self.node_id);
        for (name, value) in self.other_fields() {
            line.push(' ');
            write_escaped(line, name);
            line.push('=');
            match value {
                Value::Text(text) => write_word(line, text),
                Value::Literal(literal) => line.push_str(literal),
            }
        }
    }

    fn other_fields(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.fields.iter().filter(|(name, _)| !OWN_NAMES.contains(name))
    }
}

fn lower_case(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Text as it is where that is unmistakable, else quoted.
fn write_word(line: &mut String, text: &str) {
    let plain =
        |character: char| !(character.is_whitespace() || needs_escape(character) || "\"\\=".contains(character));
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
    } else {
        write_quoted(line, text);
    }
}

fn write_quoted(line: &mut String, text: &str) {
    line.push('"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        line.push_str(text);
        line.push('"');
        return;
    }
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            other => write_character(line, other),
        }
    }
    line.push('"');
}

fn write_escaped(line: &mut String, text: &str) {
    for character in text.chars() {
        write_character(line, character);
    }
}

fn write_character(line: &mut String, character: char) {
    match character {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        other if needs_escape(other) => {
            let _ = write!(line, "\\u{:04x}", u32::from(other));
        }
        other => line.push(other),
    }
}

/// Characters that end a line for some reader, or steer a terminal. All are in the basic plane.
fn needs_escape(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}
