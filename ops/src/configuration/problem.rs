//! What is wrong with a configuration: all of it, in one value, so that an operator mends it in one go. A problem
//! never holds a secret value; where a value is shown it is a short, escaped excerpt.

use std::fmt;

/// Longest part of a value that is repeated in a problem, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// One thing wrong with one variable or flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The variable (`BASE_URL`) or flag (`--bind`).
    pub(crate) variable: String,
    /// What is wrong, as the rest of a sentence that begins with the variable.
    pub(crate) fault: String,
    /// What to do about it, as a request.
    pub(crate) remedy: String,
}

/// Every problem of a configuration, in the order of the table of variables. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

// === impl Problem ===

impl Problem {
    /// A problem of `variable`.
    pub(crate) fn new(variable: impl Into<String>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { variable: variable.into(), fault: fault.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}; {}", self.variable, self.fault, self.remedy)
    }
}

// === impl Problems ===

impl Problems {
    /// `None` without problems.
    pub(crate) fn of(problems: Vec<Problem>) -> Option<Self> {
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// The problems one by one.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(formatter, "the configuration has {count} problem{}:", if count == 1 { "" } else { "s" })?;
        for problem in &self.0 {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// `value` in quotes, escaped and cut, for use in a problem. Not for values that may hold a secret.
pub(crate) fn shown(value: &str) -> String {
    if value.chars().count() > SHOWN_CHARACTERS {
        let cut: String = value.chars().take(SHOWN_CHARACTERS).collect();
        format!("{cut:?}…")
    } else {
        format!("{value:?}")
    }
}
