//! Effective settings: flag, then environment, then configuration file, then default.

mod key;

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

pub(crate) use self::key::Key;
use self::key::base_url;
use super::arguments::Globals;
use super::configuration_file::ConfigurationFile;
use super::duration;
use super::error::{Exit, Failure};

/// Reads one environment variable; a parameter, so that tests need not change the process.
pub(crate) type Environment = fn(&str) -> Option<String>;

/// A value and where it is from.
pub(crate) struct Setting {
    /// The value itself.
    pub(crate) value: Zeroizing<String>,
    /// `flag`, `environment`, `file` or `default`.
    pub(crate) source: &'static str,
}

/// All settings of one invocation. Holds tokens, hence no `Debug`.
pub(crate) struct Settings {
    globals: Globals,
    environment: Environment,
    /// The configuration file.
    pub(crate) file: ConfigurationFile,
}

/// Client credentials at ScaiKey.
pub(crate) struct Credentials {
    /// Client id.
    pub(crate) id: String,
    /// Client secret.
    pub(crate) secret: Zeroizing<String>,
}

/// Where a bearer token comes from.
pub(crate) enum TokenSource {
    /// It is known.
    Token(Zeroizing<String>),
    /// It has to be fetched.
    Credentials(Credentials),
}

// === impl Settings ===

impl Settings {
    /// Reads the configuration file and remembers the flags.
    pub(crate) fn load(globals: Globals, environment: Environment) -> Result<Self, Failure> {
        let path = globals.config.clone().or_else(|| environment("SCAIVAULT_CONFIG").map(PathBuf::from));
        let path = match path {
            Some(path) => path,
            None => PathBuf::from(environment("HOME").unwrap_or_default()).join(".scaivault").join("config.json"),
        };
        Ok(Self { globals, environment, file: ConfigurationFile::load(path)? })
    }

    /// The global flags.
    pub(crate) fn globals(&self) -> &Globals {
        &self.globals
    }

    /// Takes `--token` away where it does not say who asks.
    pub(crate) fn take_token(&mut self) -> Option<Zeroizing<String>> {
        self.globals.token.take().map(Zeroizing::new)
    }

    /// The effective value of a key. A token file that cannot be read fails only here, when a token is wanted.
    pub(crate) fn effective(&self, key: Key) -> Result<Option<Setting>, Failure> {
        let found = |value: &str, source| Some(Setting { value: Zeroizing::new(value.to_owned()), source });
        if let Some(value) = self.flag(key).filter(|value| !value.is_empty()) {
            return Ok(found(value, "flag"));
        }
        if let Some(value) = key.variable().and_then(|name| self.variable(name)) {
            return Ok(found(&value, "environment"));
        }
        if key == Key::Token
            && let Some(path) = self.variable("SCAIVAULT_TOKEN_FILE")
        {
            let text = std::fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
                Failure::local(Exit::UNAUTHENTICATED, format!("Token file {path} cannot be read: {error}"))
            })?;
            return Ok(found(text.trim(), "environment"));
        }
        if let Some(value) = self.file.value(key) {
            return Ok(found(value, "file"));
        }
        Ok(key.default().and_then(|value| found(value, "default")))
    }

    /// The effective value, checked.
    pub(crate) fn value(&self, key: Key) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(setting) = self.effective(key)? else {
            return Ok(None);
        };
        key.check(&setting.value).map_err(|reason| Failure::usage(format!("{}: {reason}", key.name())))?;
        Ok(Some(setting.value))
    }

    /// The base URL without a slash at its end.
    pub(crate) fn base_url(&self) -> Result<String, Failure> {
        match self.value(Key::BaseUrl)? {
            Some(url) => base_url(&url).map_err(Failure::usage),
            None => {
                Err(Failure::usage("No server: set SCAIVAULT_URL, give --url, or `scaivault config set base_url URL`"))
            }
        }
    }

    /// The time one request may take.
    pub(crate) fn timeout(&self) -> Result<Duration, Failure> {
        let text = self.value(Key::Timeout)?;
        Ok(text.and_then(|text| duration::parse(&text)).unwrap_or(Duration::from_secs(30)))
    }

    /// The bearer token, or how to come by one.
    pub(crate) fn token(&self) -> Result<TokenSource, Failure> {
        if let Some(token) = self.value(Key::Token)?.filter(|token| !token.is_empty()) {
            return Ok(TokenSource::Token(token));
        }
        match (self.variable("SCAIKEY_CLIENT_ID"), self.variable("SCAIKEY_CLIENT_SECRET")) {
            (Some(id), Some(secret)) => {
                Ok(TokenSource::Credentials(Credentials { id, secret: Zeroizing::new(secret) }))
            }
            _ => Err(Failure::local(
                Exit::UNAUTHENTICATED,
                "No token: run `scaivault auth login`, or set SCAIVAULT_TOKEN or SCAIVAULT_TOKEN_FILE",
            )),
        }
    }

    /// Where ScaiKey is.
    pub(crate) fn scaikey_url(&self) -> Result<String, Failure> {
        let url = self.variable("SCAIKEY_URL").unwrap_or_else(|| "https://scaikey.scailabs.ai".to_owned());
        base_url(&url).map_err(|reason| Failure::usage(format!("SCAIKEY_URL: {reason}")))
    }

    /// Whether requests and responses are shown.
    pub(crate) fn debug(&self) -> bool {
        self.globals.debug || self.variable("SCAIVAULT_DEBUG").is_some_and(|value| value == "1")
    }

    /// Whether answers are printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.globals.json || self.file.value(Key::Output) == Some("json")
    }

    /// An environment variable; an empty one counts as unset.
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    fn flag(&self, key: Key) -> Option<&str> {
        match key {
            Key::BaseUrl => self.globals.url.as_deref(),
            Key::Token => self.globals.token.as_deref(),
            Key::TenantId => self.globals.tenant.as_deref(),
            Key::PartnerId => self.globals.partner.as_deref(),
            Key::CaFile => self.globals.ca_file.as_deref(),
            Key::Timeout => self.globals.timeout.as_deref(),
            Key::Output => self.globals.json.then_some("json"),
        }
    }
}

/// The process environment.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn settings(globals: Globals, environment: Environment, content: &str) -> Settings {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, content).unwrap();
        Settings::load(Globals { config: Some(path), ..globals }, environment).unwrap_or_else(|_| panic!("not loaded"))
    }

    fn effective(settings: &Settings, key: Key) -> Option<(String, &'static str)> {
        settings.effective(key).ok().unwrap().map(|setting| (setting.value.to_string(), setting.source))
    }

    #[test]
    fn flag_then_environment_then_file_then_default() {
        let content = r#"{"base_url":"http://file","tenant_id":"tnt_file","partner_id":"ptn_file"}"#;
        let environment: Environment = |name| match name {
            "SCAIVAULT_URL" | "SCAIVAULT_TENANT_ID" => Some("environment".to_owned()),
            "SCAIVAULT_PARTNER_ID" => Some(String::new()),
            _ => None,
        };
        let globals = Globals { url: Some("http://flag".to_owned()), ..Globals::default() };
        let settings = settings(globals, environment, content);
        assert_eq!(effective(&settings, Key::BaseUrl), Some(("http://flag".to_owned(), "flag")));
        assert_eq!(effective(&settings, Key::TenantId), Some(("environment".to_owned(), "environment")));
        assert_eq!(effective(&settings, Key::PartnerId), Some(("ptn_file".to_owned(), "file")));
        assert_eq!(effective(&settings, Key::Timeout), Some(("30s".to_owned(), "default")));
        assert_eq!(effective(&settings, Key::CaFile), None);
    }

    #[test]
    fn nothing_set_has_its_own_exits() {
        let settings = settings(Globals::default(), |_| None, "{}");
        assert_eq!(settings.base_url().err().unwrap().exit(), Exit::USAGE);
        assert_eq!(settings.token().err().unwrap().exit(), Exit::UNAUTHENTICATED);
    }

    #[test]
    fn any_token_wins_over_client_credentials() {
        let environment: Environment = |name| name.starts_with("SCAIKEY_").then(|| "x".to_owned());
        let stored = settings(Globals::default(), environment, r#"{"token":"skt_a"}"#);
        assert!(matches!(stored.token(), Ok(TokenSource::Token(_))));
        let fetched = settings(Globals::default(), environment, "{}");
        assert!(matches!(fetched.token(), Ok(TokenSource::Credentials(_))));
    }
}
