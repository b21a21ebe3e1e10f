//! Two executables beside each other: the same load on each in turn, so that what disturbs the machine disturbs both.

use std::path::Path;
use std::time::Duration;

use crate::arguments::{Arguments, Kind, Part};
use crate::backend::Backend;
use crate::dataset::Dataset;
use crate::failure::Failure;
use crate::generator::{Generator, Outcome};
use crate::phase::Phase;
use crate::requests::{Client, Prepared};
use crate::seed;
use crate::server::{BINARY, Server};

/// Turns of each executable.
const ROUNDS: u32 = 6;
/// What is compared.
const PHASES: [Phase; 2] = [Phase::Reads, Phase::Writes];

/// One of the two.
struct Side {
    _backend: Backend,
    server: Server,
    client: Client,
}

/// Compares this build with another executable, and prints how many times as fast it is.
pub(crate) fn compare(kind: Kind, other: &Path, arguments: &Arguments) -> Result<String, Failure> {
    let sides = [start(kind, Path::new(BINARY), arguments)?, start(kind, other, arguments)?];
    let mut text = format!("### {kind}: this build beside {}\n\n", other.display());
    text.push_str(
        "| | this | other | ratio | p99 this | p99 other | CPU this | CPU other |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for phase in PHASES.into_iter().filter(|phase| arguments.includes(phase.part())) {
        let mut outcomes = [Outcome::new(), Outcome::new()];
        let mut requests: Vec<Prepared> =
            sides.iter().map(|side| phase.requests(&side.client)).collect::<Result<_, _>>()?;
        for round in 0..ROUNDS {
            for turn in 0..sides.len() {
                // Neither is always the first.
                let turn = (turn + round as usize) % sides.len();
                let (Some(side), Some(requests), Some(outcome)) =
                    (sides.get(turn), requests.get_mut(turn), outcomes.get_mut(turn))
                else {
                    continue;
                };
                outcome.merge(&load(&side.server, requests, arguments)?);
            }
            eprintln!("  {}, round {} of {ROUNDS}", phase.title(), round + 1);
        }
        let [this, that] = &outcomes;
        let millis = |outcome: &Outcome| outcome.latency.quantile(0.99).as_secs_f64() * 1e3;
        let micros = |outcome: &Outcome| outcome.processor_time_each().as_secs_f64() * 1e6;
        text.push_str(&format!(
            "| {} | {:.0}/s | {:.0}/s | {:.3} | {:.1} ms | {:.1} ms | {:.0} µs | {:.0} µs |\n",
            phase.title(),
            this.rate(),
            that.rate(),
            this.rate() / that.rate(),
            millis(this),
            millis(that),
            micros(this),
            micros(that),
        ));
    }
    Ok(text)
}

/// Whether there is anything to compare.
pub(crate) fn is_asked_for(arguments: &Arguments) -> bool {
    arguments.includes(Part::Reads) || arguments.includes(Part::Writes)
}

fn start(kind: Kind, executable: &Path, arguments: &Arguments) -> Result<Side, Failure> {
    eprintln!("{kind}: starting {}", executable.display());
    let backend = Backend::start(kind)?;
    let server = backend.serve_with(executable)?;
    let dataset = Dataset { count: arguments.secrets };
    let client = Client { address: server.address, token: backend.token()?, dataset };
    seed::seed(&client, arguments.seed_connections)?;
    Ok(Side { _backend: backend, server, client })
}

fn load(server: &Server, requests: &mut Prepared, arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut generator = Generator::open(server.address, arguments.connections)?;
    generator.run(requests, Duration::from_secs(arguments.warm_up_seconds), |_| {})?;
    let before = crate::process::processor_time(server.id())?;
    let mut outcome = generator.run(requests, Duration::from_secs(arguments.seconds), |_| {})?;
    outcome.processor_time = crate::process::processor_time(server.id())?.saturating_sub(before);
    Ok(outcome)
}
