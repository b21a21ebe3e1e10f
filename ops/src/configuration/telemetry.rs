//! Settings of logs and of the internal listener for metrics.

use super::address::{self, BindAddress};
use super::reader::Reader;
use super::{Mode, ServerFlags};

/// Least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Only failures.
    Error,
    /// And what should be looked at.
    Warn,
    /// And one line per request.
    Info,
    /// And what helps to find faults.
    Debug,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One flat JSON object per line.
    Json,
    /// For eyes.
    Text,
}

/// The internal listener of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsListener {
    /// Where it binds.
    pub(crate) address: BindAddress,
    /// Whether the address was set: only then a taken address stops the start.
    pub(crate) explicit: bool,
}

/// Who may read the metrics on the internal listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsAuth {
    /// Anyone.
    None,
    /// Tokens with scope `admin`.
    Token,
}

/// Reads `--log-level` or `LOG_LEVEL`.
pub(super) fn log_level(reader: &mut Reader<'_>, flags: &ServerFlags) -> LogLevel {
    let found = reader.text_or_flag("--log-level", flags.log_level.as_deref(), "LOG_LEVEL");
    let choices =
        [("error", LogLevel::Error), ("warn", LogLevel::Warn), ("info", LogLevel::Info), ("debug", LogLevel::Debug)];
    reader.choice(found, LogLevel::Info, &choices)
}

/// Reads `--log-format` or `LOG_FORMAT`; the default depends on the mode.
pub(super) fn log_format(reader: &mut Reader<'_>, flags: &ServerFlags, mode: Mode) -> LogFormat {
    let found = reader.text_or_flag("--log-format", flags.log_format.as_deref(), "LOG_FORMAT");
    let default = if mode == Mode::Dev { LogFormat::Text } else { LogFormat::Json };
    reader.choice(found, default, &[("json", LogFormat::Json), ("text", LogFormat::Text)])
}

/// Reads `METRICS_BIND_ADDRESS`. Dev mode shows metrics on the main listener and has no other unless asked.
pub(super) fn metrics(reader: &mut Reader<'_>, mode: Mode) -> Option<MetricsListener> {
    let name = "METRICS_BIND_ADDRESS";
    match reader.text(name).as_deref() {
        Some("off") => None,
        Some(text) => address::read(reader, name, text).map(|address| MetricsListener { address, explicit: true }),
        None if mode == Mode::Dev => None,
        None => Some(MetricsListener { address: BindAddress::new("127.0.0.1", 9464), explicit: false }),
    }
}

/// Reads `METRICS_AUTH`.
pub(super) fn metrics_auth(reader: &mut Reader<'_>) -> MetricsAuth {
    let found = reader.named("METRICS_AUTH");
    reader.choice(found, MetricsAuth::None, &[("none", MetricsAuth::None), ("token", MetricsAuth::Token)])
}
