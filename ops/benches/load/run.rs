//! One backend from an empty store to its figures. The bare route runs between any two phases, so that what disturbs
//! the machine disturbs both; a phase is compared with the bare phases before and after it.

use std::time::Duration;

use crate::arguments::{Arguments, Kind, Part};
use crate::backend::Backend;
use crate::bare::Bare;
use crate::dataset::Dataset;
use crate::exchange;
use crate::failure::Failure;
use crate::generator::{Generator, Outcome};
use crate::measurement::Commits;
use crate::phase::Phase;
use crate::process;
use crate::requests::{Client, Prepared};
use crate::restart::{self, Restart};
use crate::seed;
use crate::server::Server;

/// One phase.
pub(crate) struct Row {
    /// Which.
    pub(crate) phase: Phase,
    /// How many requests were under way at a time.
    pub(crate) connections: u16,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// Answers a second of the bare route, before and after.
    pub(crate) bare_rate: f64,
    /// Units in a commit, on average.
    pub(crate) group_size: Option<f64>,
}

/// Everything about one backend.
pub(crate) struct Measured {
    /// Which.
    pub(crate) kind: Kind,
    /// Secrets in the store.
    pub(crate) secrets: u64,
    /// Writes a second while it was filled.
    pub(crate) seed_rate: f64,
    /// All bare phases together.
    pub(crate) bare: Outcome,
    /// The phases.
    pub(crate) rows: Vec<Row>,
    /// Memory of the server after filling, and after the last phase, in bytes.
    pub(crate) resident_bytes: [u64; 2],
    /// Its restarts, unless they were left out.
    pub(crate) restart: Option<Restart>,
}

/// Measures one backend.
pub(crate) fn backend(kind: Kind, arguments: &Arguments) -> Result<Measured, Failure> {
    eprintln!("{kind}: starting");
    let backend = Backend::start(kind)?;
    let server = backend.serve()?;
    let dataset = Dataset { count: arguments.secrets };
    let client = Client { address: server.address, token: backend.token()?, dataset };
    let seed_rate = seed::seed(&client, arguments.seed_connections)?;
    let seeded_bytes = process::resident_bytes(server.id())?;

    let mut reads = client.reads();
    let bare_bytes = sample(&client, &reads, Phase::Reads)?;
    let bare = Bare::start(bare_bytes)?;
    let mut bare_outcome = Outcome::new();
    let mut measure_bare = || {
        let outcome = bare_load(&bare, &mut reads, arguments)?;
        bare_outcome.merge(&outcome);
        Ok::<_, Failure>(outcome.rate())
    };
    let mut rows = Vec::new();
    let mut before = None;
    for phase in Phase::ALL.into_iter().filter(|phase| arguments.includes(phase.part())) {
        let connections = phase.connections(arguments.connections);
        let mut requests = phase.requests(&client)?;
        sample(&client, &requests, phase)?;
        let bare_before = match before {
            Some(rate) => rate,
            None => measure_bare()?,
        };
        let (outcome, group_size) = load(&server, &mut requests, connections, arguments)?;
        let bare_after = measure_bare()?;
        before = Some(bare_after);
        eprintln!("  {}, {connections} connections: {:.0}/s, bare {bare_after:.0}/s", phase.title(), outcome.rate());
        rows.push(Row { phase, connections, outcome, bare_rate: f64::midpoint(bare_before, bare_after), group_size });
    }
    let resident_bytes = [seeded_bytes, process::resident_bytes(server.id())?];
    let restart = if arguments.includes(Part::Restart) {
        eprintln!("  restart and replay");
        Some(restart::measure(&backend, server)?)
    } else {
        None
    };
    Ok(Measured { kind, secrets: arguments.secrets, seed_rate, bare: bare_outcome, rows, resident_bytes, restart })
}

/// One request of a phase by itself, whose answer must be what the phase is about. Returns its length.
fn sample(client: &Client, requests: &Prepared, phase: Phase) -> Result<u64, Failure> {
    let request = requests.sample().ok_or_else(|| Failure::Unusable("there is nothing to ask for".into()))?;
    let answer = exchange::send(client.address, request)?;
    if answer.status != 200 || !answer.body.contains(phase.proof()) {
        return Err(Failure::Unusable(format!("{}: the server answers {}", phase.title(), answer.status)));
    }
    Ok(answer.body.len() as u64)
}

/// Load on the server, and the mean size of its commits meanwhile.
fn load(
    server: &Server,
    requests: &mut Prepared,
    connections: u16,
    arguments: &Arguments,
) -> Result<(Outcome, Option<f64>), Failure> {
    let mut generator = Generator::open(server.address, connections)?;
    generator.run(requests, Duration::from_secs(arguments.warm_up_seconds), |_| {})?;
    let before = Commits::read(server.metrics)?;
    let outcome = measured(&mut generator, requests, server.id(), arguments)?;
    Ok((outcome, Commits::read(server.metrics)?.mean_since(before)))
}

/// The same requests as audited reads, to the bare route.
fn bare_load(bare: &Bare, reads: &mut Prepared, arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut generator = Generator::open(bare.address, arguments.connections)?;
    generator.run(reads, Duration::from_secs(arguments.warm_up_seconds), |_| {})?;
    let outcome = measured(&mut generator, reads, bare.id(), arguments)?;
    if !outcome.is_valid() {
        return Err(Failure::Unusable(format!("the bare route fails: {:?}", outcome.errors)));
    }
    Ok(outcome)
}

fn measured(
    generator: &mut Generator,
    requests: &mut Prepared,
    process_id: u32,
    arguments: &Arguments,
) -> Result<Outcome, Failure> {
    let before = process::processor_time(process_id)?;
    let mut outcome = generator.run(requests, Duration::from_secs(arguments.seconds), |_| {})?;
    outcome.processor_time = process::processor_time(process_id)?.saturating_sub(before);
    Ok(outcome)
}
