//! Tables and `field: value` lines for people.

use super::json::Json;

/// A table with upper-case headings; columns are two spaces apart, nothing is cut off.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

// === impl Table ===

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// A table with one row for each item; each column shows the member of that name.
    pub(crate) fn of(items: &[Json], columns: &[(&'static str, &str)]) -> Self {
        let mut table = Self::new(&columns.iter().map(|(heading, _)| *heading).collect::<Vec<_>>());
        for item in items {
            table.push(columns.iter().map(|(_, name)| cell(item.member(name))).collect());
        }
        table
    }

    /// Adds a row; its cells stand in the order of the headings.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The text, without a line break at its end.
    pub(crate) fn render(&self) -> String {
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| heading.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>();
        let lines = std::iter::once(&headings).chain(&self.rows).map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
            }
            line.truncate(line.trim_end_matches(' ').len());
            line
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A value as people read it: null `-`, booleans `yes` and `no`, lists comma-joined, objects as JSON.
pub(crate) fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => "-".to_owned(),
        Some(Json::Bool(true)) => "yes".to_owned(),
        Some(Json::Bool(false)) => "no".to_owned(),
        Some(Json::Number(digits)) => digits.clone(),
        Some(Json::Text(text)) => printable(text),
        Some(Json::List(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(","),
        Some(object @ Json::Object(_)) => object.compact().to_string(),
    }
}

/// `field: value` lines of an object; inner objects are shown field by field (`options.max_versions: 10`).
pub(crate) fn lines(object: &Json) -> String {
    let mut out = Vec::new();
    collect(object, "", &mut out);
    out.join("\n")
}

/// `field: value` lines of some members, under names of their own.
pub(crate) fn chosen_lines(object: &Json, fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(shown, name)| format!("{shown}: {}", cell(object.member(name)))).collect::<Vec<_>>().join("\n")
}

fn collect(object: &Json, prefix: &str, out: &mut Vec<String>) {
    for (name, value) in object.members() {
        let name = printable(name);
        match value {
            Json::Object(members) if !members.is_empty() => collect(value, &format!("{prefix}{name}."), out),
            Json::List(items) if items.iter().any(|item| matches!(item, Json::Object(_))) => {
                out.push(format!("{prefix}{name}: {}", value.compact().as_str()));
            }
            Json::Object(_) => out.push(format!("{prefix}{name}: -")),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                out.push(format!("{prefix}{name}: {}", cell(Some(value))));
            }
        }
    }
}

/// Escapes control characters: stored text must not move the cursor of whoever lists it.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !matches!(character, '\n' | '\t') {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        Json::parse(text).ok().unwrap()
    }

    #[test]
    fn columns_are_aligned_and_headings_stand_alone() {
        let rows = parse(r#"[{"path":"app/db","version":3,"tags":["a","b"]},{"path":"é","version":null,"ok":true}]"#);
        let columns = [("PATH", "path"), ("VERSION", "version"), ("TAGS", "tags"), ("OK", "ok")];
        let expected = "PATH    VERSION  TAGS  OK\napp/db  3        a,b   -\né       -        -     yes";
        assert_eq!(Table::of(rows.items(), &columns).render(), expected);
        assert_eq!(Table::of(&[], &columns).render(), "PATH  VERSION  TAGS  OK");
    }

    #[test]
    fn objects_become_lines() {
        let object = parse(r#"{"a":1.10,"o":{"x":"y","e":{}},"l":["p","q"],"c":[{"n":1}],"n":null,"f":false}"#);
        assert_eq!(lines(&object), "a: 1.10\no.x: y\no.e: -\nl: p,q\nc: [{\"n\":1}]\nn: -\nf: no");
        assert_eq!(chosen_lines(&object, &[("number", "a"), ("gone", "x")]), "number: 1.10\ngone: -");
    }

    #[test]
    fn the_cursor_stays_where_it_is() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\n");
    }
}
