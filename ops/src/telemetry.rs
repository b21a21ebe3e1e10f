//! What the server tells about itself: log lines on standard error and metrics.

mod field;
mod format;
mod layer;
pub(crate) mod metrics;
mod output;

#[cfg(test)]
mod tests;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use crate::configuration::{LogFormat, LogLevel};
use layer::LogLayer;
use output::OUTPUT;

/// Crates of ours are told by the beginning of their module paths.
const OUR_MODULES: &str = "scaivault";

/// Starts logging to standard error; once per process.
pub(crate) fn install(level: LogLevel, format: LogFormat, node_id: &str) -> Result<(), SetGlobalDefaultError> {
    let layer =
        LogLayer::new(format, node_id, |level, line: &[u8]| OUTPUT.line(level, line)).with_filter(filter(level));
    tracing::subscriber::set_global_default(Registry::default().with(layer))?;
    OUTPUT.attend();
    log_panics();
    Ok(())
}

/// Lets through what is severe enough. Libraries are heard from `warn` on only, whatever the level: at `debug` some of
/// them print headers and queries, which are logged at no level.
fn filter(level: LogLevel) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let others = ours.min(LevelFilter::WARN);
    FilterFn::new(move |metadata: &Metadata<'_>| {
        let is_ours = metadata.module_path().is_some_and(|path| path.starts_with(OUR_MODULES));
        *metadata.level() <= if is_ours { ours } else { others }
    })
    .with_max_level_hint(ours)
}

/// Writes the lines that wait. To be called before the process ends.
pub(crate) fn flush() {
    OUTPUT.finish();
}

/// Turns panics into log lines. A formatted message may hold anything, so only literal ones are repeated.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let reason = panic.payload().downcast_ref::<&'static str>().copied();
        tracing::error!(target: "panic", location, error = reason, "a task panicked");
    }));
}
