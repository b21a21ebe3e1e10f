//! The settings of a server, read once from flags and environment variables and checked as a whole before anything
//! opens. A `Configuration` that exists is sound; all that is wrong with one that does not is in its [`Problems`].

mod address;
mod audit;
pub(crate) mod bootstrap;
mod duration;
mod environment;
mod later;
mod nats;
mod problem;
pub(crate) mod rate_limit;
mod reader;
mod root_key;
mod scaikey;
mod sealed;
mod storage;
mod synchronisation;
mod telemetry;
mod tls;
mod trusted_proxies;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use address::{BaseUrl, BindAddress};
pub(crate) use audit::{AuditOrigin, AuditSigningKey};
pub(crate) use bootstrap::Bootstrap;
pub(crate) use environment::Environment;
pub(crate) use nats::Nats;
pub(crate) use problem::Problems;
pub(crate) use rate_limit::RateLimits;
pub(crate) use root_key::KeyProvider;
pub(crate) use scaikey::ScaiKey;
pub(crate) use sealed::Sealed;
pub(crate) use storage::Storage;
pub(crate) use synchronisation::Synchronisation;
pub(crate) use telemetry::{LogFormat, LogLevel, MetricsAuth, MetricsListener};
pub(crate) use tls::TlsFiles;
pub(crate) use trusted_proxies::TrustedProxies;

use problem::shown;
use reader::Reader;

const DEFAULT_DATA_DIRECTORY: &str = "/var/lib/scaivault";
const THIRTY_SECONDS: Duration = Duration::from_secs(30);

/// How the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `scaivault server --dev`.
    Dev,
    /// `scaivault server`.
    Production,
}

/// Flags of `scaivault server`; each overrides its variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerFlags {
    /// `--bind`.
    pub(crate) bind: Option<String>,
    /// `--data-dir`.
    pub(crate) data_directory: Option<PathBuf>,
    /// `--log-level`.
    pub(crate) log_level: Option<String>,
    /// `--log-format`.
    pub(crate) log_format: Option<String>,
}

/// Every setting of a server.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// How the server runs.
    pub(crate) mode: Mode,
    /// Where the main listener binds.
    pub(crate) bind: BindAddress,
    /// Public address.
    pub(crate) base_url: Option<BaseUrl>,
    /// The data directory, made and writable; `None` if everything is kept in memory.
    pub(crate) data_directory: Option<PathBuf>,
    /// Where the log lives.
    pub(crate) storage: Storage,
    /// The bus between nodes; `None`: the one inside this process.
    pub(crate) nats: Option<Nats>,
    /// Name of this node.
    pub(crate) node_id: String,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) trusted_proxies: TrustedProxies,
    /// Longest time a request may take.
    pub(crate) request_timeout: Duration,
    /// Longest time requests in progress get at shutdown.
    pub(crate) shutdown_grace: Duration,
    /// Least severe level that is logged.
    pub(crate) log_level: LogLevel,
    /// Form of log lines.
    pub(crate) log_format: LogFormat,
    /// Where the root key comes from.
    pub(crate) key_provider: KeyProvider,
    /// How long opened partner keys stay in memory.
    #[cfg_attr(not(test), expect(dead_code, reason = "checked at start; what reads it is not in this build"))]
    pub(crate) key_cache_ttl: Duration,
    /// First line of checkpoints; fixed when the store is initialised.
    pub(crate) audit_origin: AuditOrigin,
    /// Whether reads may be answered a moment before their audit entries are durable.
    pub(crate) audit_defers: bool,
    /// Signs checkpoints; `None`: the key made with the store.
    pub(crate) audit_signing_key: Option<AuditSigningKey>,
    /// Directory of `file` exports; `None` without a data directory.
    pub(crate) export_directory: Option<PathBuf>,
    /// Directory of `file` backups; `None` without a data directory.
    #[cfg_attr(not(test), expect(dead_code, reason = "checked at start; what reads it is not in this build"))]
    pub(crate) backup_directory: Option<PathBuf>,
    /// The internal listener; `None`: there is none.
    pub(crate) metrics: Option<MetricsListener>,
    /// Who may read metrics there.
    pub(crate) metrics_auth: MetricsAuth,
    /// Limits of all categories.
    pub(crate) rate_limits: RateLimits,
    /// Whether webhooks may go to http and private addresses; always in dev mode.
    pub(crate) allow_private_webhooks: bool,
    /// The issuer that is built in; `None`: there is none.
    pub(crate) scaikey: Option<ScaiKey>,
    /// Taking identities over from ScaiKey.
    pub(crate) synchronisation: Synchronisation,
    /// First contents of an empty store; `None` in dev mode, which has its own.
    pub(crate) bootstrap: Option<Bootstrap>,
    /// The root token of dev mode; `None`: one is made.
    pub(crate) dev_root_token: Option<Sealed>,
    /// What the operator should know, to be logged once logging works.
    pub(crate) warnings: Vec<String>,
}

// === impl Configuration ===

impl Configuration {
    /// Reads and checks everything. Creates the data directory if there is none. Reading again (on SIGHUP) reads the
    /// files of `_FILE` variables anew.
    pub(crate) fn load(environment: &Environment, flags: &ServerFlags, mode: Mode) -> Result<Self, Problems> {
        let mut reader = Reader::new(environment);
        let reader_ref = &mut reader;
        let bind = bind(reader_ref, flags, mode);
        let base_url = base_url(reader_ref);
        let place = data_place(reader_ref, flags, mode);
        let scaikey = scaikey::read(reader_ref, mode);
        let configuration = Self {
            mode,
            bind,
            storage: place.storage,
            nats: nats(reader_ref, mode),
            node_id: node_id(reader_ref),
            tls: tls::read(reader_ref),
            trusted_proxies: trusted_proxies::read(reader_ref),
            request_timeout: reader_ref.duration("REQUEST_TIMEOUT", THIRTY_SECONDS, "1s", "10m"),
            shutdown_grace: reader_ref.duration("SHUTDOWN_GRACE", THIRTY_SECONDS, "1s", "10m"),
            log_level: telemetry::log_level(reader_ref, flags),
            log_format: telemetry::log_format(reader_ref, flags, mode),
            key_provider: place.key_provider,
            key_cache_ttl: reader_ref.duration("KEY_CACHE_TTL", Duration::from_secs(300), "1s", "24h"),
            audit_origin: audit::origin(reader_ref, base_url.as_ref()),
            audit_defers: audit::defers(reader_ref),
            audit_signing_key: audit::signing_key(reader_ref),
            export_directory: below(reader_ref, "EXPORT_DIR", place.data_directory.as_deref(), "exports"),
            backup_directory: below(reader_ref, "BACKUP_DIR", place.data_directory.as_deref(), "backups"),
            metrics: telemetry::metrics(reader_ref, mode),
            metrics_auth: telemetry::metrics_auth(reader_ref),
            rate_limits: rate_limit::read(reader_ref, mode),
            allow_private_webhooks: reader_ref.boolean("ALLOW_PRIVATE_WEBHOOKS", false) || mode == Mode::Dev,
            synchronisation: synchronisation::read(reader_ref, scaikey.as_ref().map(|scaikey| scaikey.url.clone())),
            scaikey,
            bootstrap: (mode == Mode::Production).then(|| bootstrap::read(reader_ref)),
            dev_root_token: dev_root_token(reader_ref, mode),
            base_url,
            data_directory: place.data_directory,
            warnings: Vec::new(),
        };
        later::refuse(reader_ref);
        if mode == Mode::Dev {
            warn_of_ignored(reader_ref);
        }
        Ok(Self { warnings: reader.finish()?, ..configuration })
    }
}

/// What belongs to the place where data is kept.
struct DataPlace {
    data_directory: Option<PathBuf>,
    storage: Storage,
    key_provider: KeyProvider,
}

fn data_place(reader: &mut Reader<'_>, flags: &ServerFlags, mode: Mode) -> DataPlace {
    let flag = flags.data_directory.as_deref();
    if flag.is_some_and(|path| path.as_os_str().is_empty()) {
        reader.problem("--data-dir", "is empty", "give it a value or leave it out");
    }
    match (mode, flag) {
        (Mode::Dev, None) => {
            // Only the flag keeps the contents of dev mode; the variable still places exports and backups.
            let data_directory = reader.path("DATA_DIR");
            if let Some(path) = &data_directory {
                storage::prepare_directory(reader, "DATA_DIR", path);
            }
            DataPlace { data_directory, storage: Storage::Memory, key_provider: KeyProvider::Memory }
        }
        (Mode::Dev, Some(path)) => {
            storage::prepare_directory(reader, "--data-dir", path);
            let key_file = path.join("root.key");
            root_key::check_file(reader, "--data-dir", &key_file);
            let key_provider = KeyProvider::File { path: key_file };
            DataPlace { data_directory: Some(path.to_owned()), storage: Storage::Embedded, key_provider }
        }
        (Mode::Production, _) => {
            let origin = if flag.is_some() { "--data-dir" } else { "DATA_DIR" };
            let path = flag
                .map(Path::to_owned)
                .or_else(|| reader.path("DATA_DIR"))
                .unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIRECTORY));
            storage::prepare_directory(reader, origin, &path);
            let storage = storage::read(reader);
            let key_provider = root_key::read(reader, &path);
            DataPlace { data_directory: Some(path), storage, key_provider }
        }
    }
}

fn bind(reader: &mut Reader<'_>, flags: &ServerFlags, mode: Mode) -> BindAddress {
    let default = match mode {
        Mode::Dev => BindAddress::new("127.0.0.1", 8200),
        Mode::Production => BindAddress::new("0.0.0.0", 8443),
    };
    match reader.text_or_flag("--bind", flags.bind.as_deref(), "BIND_ADDRESS") {
        None => default,
        Some((origin, text)) => address::read(reader, &origin, &text).unwrap_or(default),
    }
}

fn base_url(reader: &mut Reader<'_>) -> Option<BaseUrl> {
    let text = reader.text("BASE_URL")?;
    let base_url = BaseUrl::parse(&text);
    if base_url.is_none() {
        // Not shown: a URL is a place where people leave passwords.
        let remedy = "set it to a URL such as https://vault.example.com";
        reader.problem("BASE_URL", "is not http(s)://host[:port] without a path", remedy);
    }
    base_url
}

/// Dev mode needs no other process, and ignores where one is.
fn nats(reader: &mut Reader<'_>, mode: Mode) -> Option<Nats> {
    let prefix = nats::prefix(reader);
    if mode == Mode::Production { nats::read(reader, prefix) } else { None }
}

fn node_id(reader: &mut Reader<'_>) -> String {
    let allowed = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    let remedy = "set it to 1–64 of A-Z a-z 0-9 . _ -";
    let given = reader.text("NODE_ID");
    let host_name = reader.environment().host_name();
    match given.as_deref().or(host_name) {
        Some(text) if allowed(text) => return text.to_owned(),
        Some(text) if given.is_some() => reader.problem("NODE_ID", format!("is {}", shown(text)), remedy),
        Some(text) => {
            let fault = format!("is unset, and the host name {} cannot stand in for it", shown(text));
            reader.problem("NODE_ID", fault, remedy);
        }
        None => reader.problem("NODE_ID", "is unset, and the host has no name", remedy),
    }
    String::new()
}

fn below(reader: &mut Reader<'_>, variable: &str, data_directory: Option<&Path>, name: &str) -> Option<PathBuf> {
    storage::read_directory(reader, variable).or_else(|| data_directory.map(|directory| directory.join(name)))
}

fn dev_root_token(reader: &mut Reader<'_>, mode: Mode) -> Option<Sealed> {
    let name = "SCAIVAULT_DEV_ROOT_TOKEN";
    if mode == Mode::Production {
        if reader.environment().has(name) || reader.environment().has("SCAIVAULT_DEV_ROOT_TOKEN_FILE") {
            reader.warn(format!("{name} has no effect outside dev mode"));
        }
        return None;
    }
    let token = reader.secret(name)?;
    let text = token.expose();
    if !(8..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        reader.problem(name, "is not 8–255 visible ASCII characters", "choose another token or unset it");
    }
    Some(token)
}

/// Dev mode ignores where production keeps its data; whoever set it may expect otherwise.
fn warn_of_ignored(reader: &mut Reader<'_>) {
    const IGNORED: &[&str] =
        &["DATABASE_URL", "DATABASE_URL_FILE", "NATS_URL", "NATS_CREDENTIALS_FILE", "KMS_PROVIDER"];
    let environment = reader.environment();
    let bootstrap = environment.names_with_prefix("SCAIVAULT_BOOTSTRAP_");
    for name in IGNORED.iter().copied().filter(|name| environment.has(name)).chain(bootstrap) {
        reader.warn(format!("{name} is ignored in dev mode"));
    }
}
