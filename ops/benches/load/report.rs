//! The figures as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use nix::sys::statfs::{TMPFS_MAGIC, statfs};

use crate::arguments::{Arguments, Kind};
use crate::generator::Outcome;
use crate::restart::Start;
use crate::run::{Measured, Row};
use crate::target;

/// What was measured, and on what.
pub(crate) fn heading(arguments: &Arguments) -> String {
    let profile = if cfg!(debug_assertions) { "**debug build: figures mean nothing**" } else { "release build" };
    let in_memory = statfs(&std::env::temp_dir()).is_ok_and(|place| place.filesystem_type() == TMPFS_MAGIC);
    let place = if in_memory { "\n**TMPDIR is in memory: no commit was durable.**\n" } else { "" };
    let memory = first("/proc/meminfo", "MemTotal:").and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    format!(
        "## {} secrets\n\nCommit {}, {profile}; {} processors ({}), {:.0} GB memory, Linux {}; {} connections, \
         {} s a phase.\n{place}",
        arguments.secrets,
        env!("SCAIVAULT_COMMIT"),
        std::thread::available_parallelism().map_or(0, usize::from),
        first("/proc/cpuinfo", "model name").unwrap_or_else(|| "model unknown".to_owned()),
        memory.unwrap_or(0) as f64 / 1e6,
        std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        arguments.connections,
        arguments.seconds,
    )
}

/// The tables of one backend.
pub(crate) fn backend(measured: &Measured) -> String {
    let mut text = format!("### {}\n\n", measured.kind);
    if !measured.rows.is_empty() {
        text += "| phase | connections | per second | bare route | ratio | p50 ms | p99 ms | longest ms | CPU µs | units per commit \
                 | answer bytes | errors |\n\
                 | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        for row in &measured.rows {
            text += &line(row);
        }
        text += &bare_line(&measured.bare, measured.rows.iter().map(|row| row.connections).max());
    }
    let [seeded, loaded] = measured.resident_bytes.map(megabytes);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\nFilled at {:.0} writes/s. Memory (RSS): {seeded:.0} MB when filled, {loaded:.0} MB after the phases.\n",
        measured.seed_rate
    );
    if let Some(restart) = &measured.restart {
        text += "| start | ready after s | log folded in ms | position | audit entries | positions/s | events/s | RSS MB \
                 | stop before it s |\n\
                 | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        match &restart.from_snapshot {
            Some(start) => text += &start_line("from a snapshot", start, false),
            None => text += "| from a snapshot | no snapshot in DATA_DIR | | | | | | | |\n",
        }
        text += &start_line("full replay", &restart.replay, true);
    }
    text
}

/// The targets and whether they are met.
pub(crate) fn targets(results: &[Measured], unmeasured: &[Kind]) -> String {
    let mut text = "### Targets\n\n| backend | target | measured | |\n| --- | --- | ---: | --- |\n".to_owned();
    for target in target::judge(results) {
        let verdict = match target.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let _ = writeln!(text, "| {} | {} | {} | {verdict} |", target.kind, target.demand, target.measured);
    }
    for kind in unmeasured {
        let _ = writeln!(text, "| {kind} | all | | not measured |");
    }
    text
}

fn line(row: &Row) -> String {
    let Row { phase, connections, outcome, bare_rate, group_size } = row;
    let group = group_size.map_or_else(|| "–".to_owned(), |size| format!("{size:.1}"));
    let errors = if outcome.is_valid() {
        "0".to_owned()
    } else {
        format!("**invalid**: {:?} of {}", outcome.errors, outcome.latency.total())
    };
    format!(
        "| {} | {connections} | {:.0} | {bare_rate:.0} | {:.3} | {:.2} | {:.2} | {:.1} | {:.1} | {group} | {} | {errors} |\n",
        phase.title(),
        outcome.rate(),
        outcome.rate() / bare_rate,
        milliseconds(outcome.latency.quantile(0.5)),
        milliseconds(outcome.latency.quantile(0.99)),
        milliseconds(outcome.latency.longest()),
        outcome.processor_time_each().as_secs_f64() * 1e6,
        outcome.mean_body_bytes(),
    )
}

/// The yardstick itself.
fn bare_line(outcome: &Outcome, connections: Option<u16>) -> String {
    format!(
        "| bare route, constant body | {} | {:.0} | | 1 | {:.2} | {:.2} | {:.1} | {:.1} | – | {} | 0 |\n",
        connections.unwrap_or_default(),
        outcome.rate(),
        milliseconds(outcome.latency.quantile(0.5)),
        milliseconds(outcome.latency.quantile(0.99)),
        milliseconds(outcome.latency.longest()),
        outcome.processor_time_each().as_secs_f64() * 1e6,
        outcome.mean_body_bytes(),
    )
}

fn start_line(name: &str, start: &Start, whole: bool) -> String {
    let rate = |rate: f64| if whole { format!("{rate:.0}") } else { "–".to_owned() };
    format!(
        "| {name} | {:.2} | {} | {} | {} | {} | {} | {:.0} | {:.2} |\n",
        start.ready_after.as_secs_f64(),
        start.folded.duration_ms,
        start.folded.position,
        start.folded.entries,
        rate(start.positions_per_second()),
        rate(start.events_per_second()),
        megabytes(start.resident_bytes),
        start.stopped_after.as_secs_f64(),
    )
}

/// The rest of the first line of a file that starts so, after a colon if there is one.
fn first(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
