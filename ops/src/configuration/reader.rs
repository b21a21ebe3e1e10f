//! Reads variables one by one and collects what is wrong with them. A faulty value is replaced by its default, so that
//! reading goes on and the next problem is found too; nothing made with problems left ever gets out.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::{Zeroize, Zeroizing};

use super::duration;
use super::environment::{Environment, Value};
use super::problem::{Problem, Problems, shown};
use super::sealed::Sealed;

/// Longest file of a `_FILE` variable, in bytes.
const LONGEST_SECRET_FILE: u64 = 64 * 1024;

/// The environment, and the problems and warnings found so far.
pub(crate) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Nothing read yet.
    pub(crate) fn new(environment: &'a Environment) -> Self {
        Self { environment, problems: Vec::new(), warnings: Vec::new() }
    }

    /// The environment itself.
    pub(crate) fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// Adds a problem.
    pub(crate) fn problem(&mut self, variable: &str, fault: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(variable, fault, remedy));
    }

    /// Adds something the operator should know that stops nothing.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// The warnings, if there were no problems.
    pub(crate) fn finish(self) -> Result<Vec<String>, Problems> {
        Problems::of(self.problems).map_or(Ok(self.warnings), Err)
    }

    /// A variable's text; `None` when unset, empty, or not UTF-8 (a problem).
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.environment.value(name)? {
            Value::Text(text) => Some(text.clone()),
            Value::NotText => {
                self.problem(name, "is not valid UTF-8", "set it to text");
                None
            }
        }
    }

    /// A flag's text, else the variable's; with the name under which it was found.
    pub(crate) fn text_or_flag(&mut self, flag: &str, given: Option<&str>, name: &str) -> Option<(String, String)> {
        match given {
            Some("") => {
                self.problem(flag, "is empty", "give it a value or leave it out");
                None
            }
            Some(value) => Some((flag.to_owned(), value.to_owned())),
            None => self.text(name).map(|text| (name.to_owned(), text)),
        }
    }

    /// A secret, given itself or as the file named by `<name>_FILE`, whose trailing newline is ignored.
    pub(crate) fn secret(&mut self, name: &str) -> Option<Sealed> {
        let file_name = format!("{name}_FILE");
        if self.environment.has(name) && self.environment.has(&file_name) {
            self.problem(name, format!("and {file_name} are both set"), "unset one of them");
            return None;
        }
        if let Some(path) = self.text(&file_name) {
            return self.secret_file(&file_name, Path::new(&path));
        }
        self.text(name).map(Sealed::new)
    }

    /// The text in a file.
    pub(crate) fn secret_file(&mut self, name: &str, path: &Path) -> Option<Sealed> {
        let mut text = match read_secret_file(path) {
            Ok(text) => text,
            Err(error) => {
                let remedy = "name a readable file that holds the value as text";
                self.problem(name, format!("names a file that cannot be read ({error})"), remedy);
                return None;
            }
        };
        let end = text.strip_suffix('\n').map_or(text.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
        text.truncate(end);
        if text.is_empty() {
            self.problem(name, "names an empty file", "write the value into it");
            return None;
        }
        Some(Sealed::new(std::mem::take(&mut *text)))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                self.problem(name, format!("is {}", shown(other)), "set it to true or false");
                default
            }
        }
    }

    /// A whole number within `range`; `None` when unset or faulty.
    pub(crate) fn integer(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse().ok().filter(|value| digits_only && range.contains(value));
        if value.is_none() {
            let remedy = format!("set it to a whole number from {} to {}", range.start(), range.end());
            self.problem(name, format!("is {}", shown(&text)), remedy);
        }
        value
    }

    /// A duration from `least` to `most`, both written as durations are.
    pub(crate) fn duration(&mut self, name: &str, default: Duration, least: &str, most: &str) -> Duration {
        let Some(text) = self.text(name) else { return default };
        let value = duration::parse(&text);
        let high_enough = |value: &Duration| duration::parse(least).is_none_or(|least| *value >= least);
        let low_enough = |value: &Duration| duration::parse(most).is_none_or(|most| *value <= most);
        value.filter(high_enough).filter(low_enough).unwrap_or_else(|| {
            let remedy = format!("set it to a duration such as 90s or 1h30m, from {least} to {most}");
            self.problem(name, format!("is {}", shown(&text)), remedy);
            default
        })
    }

    /// One of a few words; `found` is what [`Reader::text_or_flag`] gave.
    pub(crate) fn choice<T: Copy>(&mut self, found: Option<(String, String)>, default: T, choices: &[(&str, T)]) -> T {
        let Some((origin, text)) = found else { return default };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.problem(&origin, format!("is {}", shown(&text)), format!("set it to one of: {}", words.join(", ")));
        default
    }

    /// The variable with the name under which it was found, as [`Reader::choice`] takes it.
    pub(crate) fn named(&mut self, name: &str) -> Option<(String, String)> {
        self.text(name).map(|text| (name.to_owned(), text))
    }

    /// A path, as given.
    pub(crate) fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }
}

fn read_secret_file(path: &Path) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    // Reserved once, so that growing does not leave unwiped copies behind.
    let capacity = usize::try_from(length.min(LONGEST_SECRET_FILE)).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(LONGEST_SECRET_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_SECRET_FILE {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "longer than 64 KiB"));
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "not valid UTF-8"))
        }
    }
}
