//! OpenMetrics 1.0 text, made from the Prometheus text format: counters are declared without `_total`, there are no
//! blank lines, and the end is marked.

/// What `Accept` asks for.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text";
/// What the answer is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `text` in the other format.
pub(super) fn from_text(text: &str) -> String {
    let counters: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .filter(|name| name.ends_with("_total"))
        .collect();
    let mut converted = String::with_capacity(text.len() + 8);
    for line in text.lines().filter(|line| !line.is_empty()) {
        match declaration(line, &counters) {
            Some(declaration) => converted.push_str(&declaration),
            None => converted.push_str(line),
        }
        converted.push('\n');
    }
    converted.push_str("# EOF\n");
    converted
}

/// The declaration of a counter, if `line` is one.
fn declaration(line: &str, counters: &[&str]) -> Option<String> {
    let (keyword, rest) = ["# HELP ", "# TYPE "].iter().find_map(|word| Some((*word, line.strip_prefix(word)?)))?;
    let (name, rest) = rest.split_once(' ')?;
    let family = name.strip_suffix("_total").filter(|_| counters.contains(&name))?;
    Some(format!("{keyword}{family} {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_lose_their_suffix_in_declarations_only() {
        let text =
            "# HELP a_total As.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\n# TYPE d_total gauge\nd_total 2\n\n";
        let expected = "# HELP a As.\n# TYPE a counter\na_total{b=\"c\"} 1\n# TYPE d_total gauge\nd_total 2\n# EOF\n";
        assert_eq!(from_text(text), expected);
    }
}
