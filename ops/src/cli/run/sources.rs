//! Where the variables of `run` come from, and their values, fetched before anything starts.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::RunArguments;
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::secrets::wanted;
use crate::cli::session::Session;
use crate::cli::{input, list};

/// Paths that one batch request may name.
pub(super) const BATCH_LIMIT: usize = 100;
const ROUTE: &str = "/v1/secrets";
const REFERENCE: &str = "scaivault://";

/// What was asked for.
pub(super) struct Sources {
    variables: Vec<(String, Source)>,
    paths: Vec<String>,
    prefixes: Vec<String>,
    prefix_names: bool,
}

/// Where one named variable comes from.
#[derive(Clone, PartialEq)]
enum Source {
    /// A value of the environment file, passed on.
    Literal(Zeroizing<String>),
    /// A field of a secret; the only field, or all of it, where none is named.
    Secret { path: String, field: Option<String> },
}

/// Variables with their values, and the versions these are of.
pub(super) struct Loaded {
    /// Names and values.
    pub(super) variables: Vec<(String, Zeroizing<String>)>,
    /// Current version of each secret.
    pub(super) versions: BTreeMap<String, u64>,
}

// === impl Sources ===

impl Sources {
    /// Reads the arguments and the environment file.
    pub(super) async fn gather(arguments: &RunArguments) -> Result<Self, Failure> {
        let mut variables = Variables::default();
        for text in &arguments.secrets {
            let (name, reference) =
                input::pair(text).map_err(|_| Failure::usage("--secret: expected NAME=PATH[#FIELD]"))?;
            variables.add(name, secret(reference), Zeroizing::default())?;
        }
        if let Some(file) = &arguments.env_file {
            for (name, value) in environment_lines(&input::text(file).await?)? {
                let source = match value.strip_prefix(REFERENCE) {
                    Some(reference) => secret(reference),
                    None => Source::Literal(Zeroizing::new(value.to_owned())),
                };
                variables.add(name, source, Zeroizing::default())?;
            }
        }
        Ok(Self {
            variables: variables.entries.into_iter().map(|(name, source, _)| (name, source)).collect(),
            paths: arguments.paths.clone(),
            // "Below" means whole segments: `app/db` takes `app/db/x`, not `app/dbx`.
            prefixes: arguments.prefixes.iter().map(|prefix| format!("{}/", prefix.trim_end_matches('/'))).collect(),
            prefix_names: arguments.prefix_names,
        })
    }

    /// All secrets concerned at this moment, each once.
    pub(super) async fn secret_paths(&self, session: &Session) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        for (_, source) in &self.variables {
            if let Source::Secret { path, .. } = source {
                all.push(path.clone());
            }
        }
        all.extend(self.spread_paths(session).await?);
        Ok(distinct(all))
    }

    /// Secrets whose every field becomes a variable.
    async fn spread_paths(&self, session: &Session) -> Result<Vec<String>, Failure> {
        let mut all = self.paths.clone();
        for prefix in &self.prefixes {
            let address = Address::new(ROUTE).query("prefix", Some(prefix));
            let answer = list::all(session, &address, None, None, "secrets").await?;
            let rows = answer.member("secrets").map(Json::items).unwrap_or_default();
            if rows.is_empty() {
                return Err(Failure::local(
                    crate::cli::error::Exit::MISSING,
                    format!("There is no secret below '{prefix}'"),
                ));
            }
            all.extend(rows.iter().filter_map(|row| row.member_text("path")).map(str::to_owned));
        }
        Ok(distinct(all))
    }

    /// Fetches all values; fails if any of them is missing.
    pub(super) async fn load(&self, session: &Session) -> Result<Loaded, Failure> {
        let spread = self.spread_paths(session).await?;
        let named = self.variables.iter().filter_map(|(_, source)| match source {
            Source::Secret { path, .. } => Some(path.clone()),
            Source::Literal(_) => None,
        });
        let paths = distinct(named.chain(spread.iter().cloned()).collect());
        let mut secrets = Vec::new();
        for chunk in paths.chunks(BATCH_LIMIT) {
            let options = object([("fail_fast", Some(Json::Bool(true)))]);
            let body = object([("paths", Some(Json::texts(chunk))), ("options", Some(options))]);
            let answer = session.send(Call::ask(Address::new(ROUTE).then("batch"), &body)).await?.json()?;
            secrets.extend_from_slice(answer.member("secrets").map(Json::members).unwrap_or_default());
        }
        let secrets = Json::Object(secrets);
        let mut variables = Variables::default();
        for (name, source) in &self.variables {
            let value = match source {
                Source::Literal(value) => value.clone(),
                Source::Secret { path, field } => value(data_of(&secrets, path)?, field.as_deref(), path)?,
            };
            variables.add(name, source.clone(), value)?;
        }
        for path in &spread {
            let front = self.prefix_names.then(|| path.rsplit('/').next().unwrap_or(path));
            for (field, inner) in data_of(&secrets, path)?.members() {
                let source = Source::Secret { path: path.clone(), field: Some(field.clone()) };
                variables.add(&variable_name(front, field), source, inner.bare())?;
            }
        }
        let versions = secrets.members().iter();
        let versions = versions.filter_map(|(path, secret)| Some((path.clone(), secret.member_whole("version")?)));
        Ok(Loaded {
            versions: versions.collect(),
            variables: variables.entries.into_iter().map(|(name, _, value)| (name, value)).collect(),
        })
    }
}

/// Variables collected so far; one name has one source.
#[derive(Default)]
struct Variables {
    entries: Vec<(String, Source, Zeroizing<String>)>,
}

impl Variables {
    fn add(&mut self, name: &str, source: Source, value: Zeroizing<String>) -> Result<(), Failure> {
        if name.contains('\0') || value.contains('\0') {
            return Err(Failure::general(format!("{}: a variable cannot hold a NUL", name.replace('\0', "\\0"))));
        }
        match self.entries.iter().find(|(present, ..)| present == name) {
            Some((_, present, _)) if *present == source => {}
            Some(_) => return Err(Failure::usage(format!("Variable {name} has two sources"))),
            None => self.entries.push((name.to_owned(), source, value)),
        }
        Ok(())
    }
}

/// `PATH` or `PATH#FIELD`.
fn secret(reference: &str) -> Source {
    match reference.split_once('#') {
        Some((path, field)) => Source::Secret { path: path.to_owned(), field: Some(field.to_owned()) },
        None => Source::Secret { path: reference.to_owned(), field: None },
    }
}

fn data_of<'a>(secrets: &'a Json, path: &str) -> Result<&'a Json, Failure> {
    let data = secrets.member(path).and_then(|secret| secret.member("data"));
    data.ok_or_else(|| Failure::general(format!("The server's answer lacks the secret '{path}'")))
}

fn value(data: &Json, field: Option<&str>, path: &str) -> Result<Zeroizing<String>, Failure> {
    Ok(match (field, data.members()) {
        (Some(field), _) => wanted(data, field, path)?.bare(),
        (None, [(_, only)]) => only.bare(),
        (None, _) => data.compact(),
    })
}

/// The name of a field as a variable: upper case, `_` for all but `A-Z 0-9`, no digit in front.
fn variable_name(front: Option<&str>, field: &str) -> String {
    let whole = match front {
        Some(front) => format!("{front}_{field}"),
        None => field.to_owned(),
    };
    let mut name: String = whole
        .chars()
        .map(|character| character.to_ascii_uppercase())
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
        .collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// `NAME=value` lines; empty lines and comments are left out.
fn environment_lines(text: &str) -> Result<Vec<(&str, &str)>, Failure> {
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => pairs.push((name.trim(), value)),
            _ => return Err(Failure::usage(format!("--env-file: line {} is not NAME=value", index + 1))),
        }
    }
    Ok(pairs)
}

fn distinct(paths: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for path in paths {
        if !out.contains(&path) {
            out.push(path);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_names() {
        assert_eq!(variable_name(None, "username"), "USERNAME");
        assert_eq!(variable_name(None, "api-key.v2"), "API_KEY_V2");
        assert_eq!(variable_name(None, "2fa"), "_2FA");
        assert_eq!(variable_name(None, "ß"), "_");
        assert_eq!(variable_name(None, ""), "_");
        assert_eq!(variable_name(Some("prod"), "username"), "PROD_USERNAME");
    }

    #[test]
    fn values_are_bare() {
        let parse = |text| Json::parse(text).ok().unwrap();
        let found = |data: &Json, field| value(data, field, "p").map(|value| value.to_string()).ok();
        let one = parse(r#"{"a":"x"}"#);
        let two = parse(r#"{"a":"x","b":[1, 2.0]}"#);
        assert_eq!(found(&one, None).as_deref(), Some("x"));
        assert_eq!(found(&two, None).as_deref(), Some(r#"{"a":"x","b":[1,2.0]}"#));
        assert_eq!(found(&two, Some("b")).as_deref(), Some("[1,2.0]"));
        assert_eq!(found(&two, Some("c")), None);
    }

    #[test]
    fn environment_files_are_read_line_by_line() {
        let text = "# note\n\nA=1=2\r\nB=scaivault://app/db#x\nC=\n";
        let expected = vec![("A", "1=2"), ("B", "scaivault://app/db#x"), ("C", "")];
        assert_eq!(environment_lines(text).ok().unwrap(), expected);
        assert!(environment_lines("novalue").is_err());
    }

    #[test]
    fn one_name_has_one_source() {
        let mut variables = Variables::default();
        assert!(variables.add("A", secret("p#x"), Zeroizing::default()).is_ok());
        assert!(variables.add("A", secret("p#x"), Zeroizing::default()).is_ok());
        assert!(variables.add("A", secret("q#x"), Zeroizing::default()).is_err());
        assert_eq!(variables.entries.len(), 1);
    }
}
