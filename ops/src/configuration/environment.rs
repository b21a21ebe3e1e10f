//! The variables a process was started with, read once. Everything else in the binary takes its settings from
//! `Configuration`, so that nothing depends on the environment at run time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// A snapshot of environment variables and the name of the host.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, Value>,
    host_name: Option<String>,
}

/// The value of a variable that is set and not empty.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// UTF-8 text.
    Text(String),
    /// Other bytes: no variable of ours can hold them.
    NotText,
}

// === impl Environment ===

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_process() -> Self {
        let host_name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Self { variables: collect(std::env::vars_os()), host_name }
    }

    /// An environment made of the given variables.
    #[cfg(test)]
    pub(crate) fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: collect(variables), host_name: Some("vault-host".to_owned()) }
    }

    /// The same with another name of the host.
    #[cfg(test)]
    pub(crate) fn with_host_name(mut self, host_name: &str) -> Self {
        self.host_name = Some(host_name.to_owned());
        self
    }

    /// The value of a variable; unset and empty are the same.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    /// Whether a variable is set to something.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Names of the set variables that begin with `prefix`.
    pub(crate) fn names_with_prefix(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// The name of the host, if it has one that is text.
    pub(crate) fn host_name(&self) -> Option<&str> {
        self.host_name.as_deref()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

fn collect(variables: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, Value> {
    variables
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| {
            let value = value.into_string().map_or(Value::NotText, Value::Text);
            Some((name.into_string().ok()?, value))
        })
        .collect()
}
