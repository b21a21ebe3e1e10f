//! `scaivault server`: from configuration to listening, and back down in order.

mod checks;
mod cluster;
mod front;

use std::collections::HashMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use scaivault_api::category::Category;
use scaivault_api::provider::Provider;
use scaivault_api::rate_limit::Limit;
use scaivault_api::{Api, App, Settings, dispatch};
use scaivault_commands::provider::IdentityProvider;
use scaivault_commands::token_value;
use scaivault_domain::token::TokenKind;
use scaivault_projections::Projections;
use scaivault_projections::audit::{Follower, Rebuilding};
use tokio::net::TcpListener;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::cli::ServerArguments;
use crate::configuration::{Configuration, Environment, MetricsAuth, Mode, RateLimits, ServerFlags, TrustedProxies};
use crate::listener::{self, Outcome, tls};
use crate::node::{Node, StartError};
use crate::scaikey::ScaiKey;
use crate::signals::{self, Shutdown};
use crate::snapshots::Keeper;
use crate::telemetry::{self, metrics::Metrics};
use crate::{BUILD_DATE, COMMIT, VERSION, init};
use checks::NodeChecks;
use cluster::Cluster;
use front::Front;

/// Exit status of a configuration that cannot be used.
const CONFIGURATION: u8 = 5;
/// How often floods of rejected tokens are recorded.
const FOLD_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the service until it is told to stop.
pub(crate) async fn run(arguments: ServerArguments) -> ExitCode {
    let mode = if arguments.dev { Mode::Dev } else { Mode::Production };
    let flags = ServerFlags {
        bind: arguments.bind,
        data_directory: arguments.data_dir,
        log_level: arguments.log_level,
        log_format: arguments.log_format,
    };
    let configuration = match Configuration::load(&Environment::of_process(), &flags, mode) {
        Ok(configuration) => Arc::new(configuration),
        Err(problems) => return refuse(&problems.to_string()),
    };
    if let Err(error) = telemetry::install(configuration.log_level, configuration.log_format, &configuration.node_id) {
        return fail(&error);
    }
    for warning in &configuration.warnings {
        tracing::warn!(target: "start", "{warning}");
    }
    if mode == Mode::Dev {
        complain("Development mode: plain HTTP, a root token without end. Not for production.");
    }
    match serve(&configuration, flags).await {
        Ok(Outcome::Finished) => ExitCode::SUCCESS,
        Ok(Outcome::CutOff) => {
            tracing::warn!(target: "stop", "requests were cut off at the end of SHUTDOWN_GRACE");
            ExitCode::FAILURE
        }
        Err(StartError::Configuration(text)) => refuse(&text),
        Err(error) => fail(&error),
    }
}

async fn serve(configuration: &Arc<Configuration>, flags: ServerFlags) -> Result<Outcome, StartError> {
    let metrics =
        Arc::new(telemetry::metrics::install(VERSION, COMMIT).map_err(|error| StartError::Host(error.to_string()))?);
    let acceptor = configuration.tls.clone().map(tls::Acceptor::open).transpose();
    let acceptor = acceptor.map_err(|error| StartError::Configuration(error.to_string()))?.map(Arc::new);
    let (switch, shutdown) = signals::shutdown();
    let reloaded = acceptor.clone();
    let mode = configuration.mode;
    signals::listen(switch, move || reload(reloaded.as_deref(), &flags, mode))
        .map_err(|error| StartError::Host(error.to_string()))?;
    if let Some(acceptor) = &acceptor {
        tokio::spawn(acceptor.clone().watch());
    }
    let upkeep = metrics.clone();
    tokio::spawn(async move { upkeep.upkeep().await });

    let unbound = |error: std::io::Error| StartError::Host(format!("cannot listen on {}: {error}", configuration.bind));
    let bound = listener::bind(&configuration.bind).await.map_err(unbound)?;
    let address = bound.local_addr().map_err(unbound)?;
    let front = Front::default();
    let asked_to_stop = shutdown.clone();
    let grace = configuration.shutdown_grace;
    let secure = acceptor.is_some();
    let serving = tokio::spawn(listener::serve(
        bound,
        acceptor,
        front.clone(),
        async move { asked_to_stop.requested().await },
        grace,
    ));

    let opening = Node::open(configuration);
    let mut node = tokio::select! {
        node = opening => node?,
        () = shutdown.requested() => return Ok(Outcome::Finished),
    };
    let (ready, is_ready) = watch::channel(false);
    let token = fill(&node, configuration).await?;
    let cluster = Cluster::join(configuration, &node)?;
    let app = App::new(
        node.engine.clone(),
        node.reader.clone(),
        node.tree.clone(),
        settings(configuration, &node, metrics.clone())?,
        Arc::new(NodeChecks::new(&node, cluster.bus.clone())),
        is_ready,
    );
    let app = app.map_err(|_| StartError::Host("there is no randomness".into()))?;
    let app = Arc::new(app);
    open_metrics(configuration, metrics, &app, &shutdown).await?;
    let (stop, stopped) = watch::channel(false);
    let (engine, tree, leading) = (node.engine.clone(), node.tree.clone(), cluster.leading());
    let exporting = tokio::spawn(cluster::export(engine.clone(), tree.clone(), leading.clone(), stopped.clone()));
    let scheduling = tokio::spawn(cluster::schedule(engine, tree, leading, stopped.clone()));
    let dispatching = tokio::spawn(cluster::dispatch(node.engine.clone(), cluster.leading(), stopped.clone()));
    let replaying = tokio::spawn(cluster::replay(node.engine.clone(), cluster.leading(), stopped.clone()));
    let asking = tokio::spawn(node.engine.clone().keep_keys(stopped.clone()));
    let interval = configuration.synchronisation.interval;
    let synchronising = tokio::spawn(cluster::synchronise(app.clone(), interval, cluster.leading(), stopped.clone()));
    let deleting = tokio::spawn(node.engine.clone().delete_old_exports(stopped.clone()));
    let folding = tokio::spawn(fold_failures(app.clone(), stopped.clone()));
    let keeping = tokio::spawn(keep_snapshots(node.keeper.clone(), node.engine.projections().clone(), stopped.clone()));
    let (audit, feed) = (node.engine.audit().clone(), node.feed.clone());
    let indexing = tokio::spawn(Follower::new(audit.clone(), feed.clone(), cluster.leading()).run(stopped.clone()));
    let rebuilding = tokio::spawn(Rebuilding::new(audit, feed, cluster.leading()).run(stopped));
    let recorder = node.recorder.take();
    let (engine, until) = (node.engine.clone(), stop.subscribe());
    let recording = tokio::spawn(async move {
        if let Some(recorder) = recorder {
            recorder.run(engine, until).await;
        }
    });
    front.open(Api::new(app));
    ready.send_replace(true);
    let scheme = if secure { "https" } else { "http" };
    say(&format!("Listening on {scheme}://{address}"));
    if let Some(token) = token {
        say(&format!("Root token: {}", token.as_str()));
    }
    tracing::info!(target: "start", address = %address, version = VERSION, "ready");

    shutdown.requested().await;
    tracing::info!(target: "stop", "stopping");
    ready.send_replace(false);
    let outcome = serving.await.unwrap_or(Outcome::CutOff);
    stop.send_replace(true);
    // They end by themselves once told; a panic in one must not keep the log from closing.
    let working =
        async { tokio::join!(scheduling, dispatching, replaying, asking, synchronising, exporting, deleting) };
    let _ = tokio::join!(working, folding, keeping, indexing, rebuilding, recording);
    node.appender.close().await;
    if *cluster.leading().borrow() {
        node.tree.keep_last().await;
    }
    cluster.leave().await;
    node.close().await;
    tracing::info!(target: "stop", "stopped");
    Ok(outcome)
}

/// First contents of an empty store. In development mode returns the root token.
async fn fill(node: &Node, configuration: &Configuration) -> Result<Option<Zeroizing<String>>, StartError> {
    let filled = node.engine.projections().view().installation.is_initialised();
    if configuration.mode == Mode::Dev {
        let unfit = || StartError::Configuration("the data directory was not made by scaivault server --dev".into());
        let bootstrap = init::dev_bootstrap().ok_or_else(unfit)?;
        if !filled {
            node.engine.bootstrap(&bootstrap).await?;
        }
        if node.engine.projections().view().installation.user(&bootstrap.tenant.0, &bootstrap.admin).is_none() {
            return Err(unfit());
        }
        let value = match &configuration.dev_root_token {
            Some(token) => Zeroizing::new(token.expose().to_owned()),
            None => token_value::personal()?,
        };
        node.engine.issue_operator_token(&bootstrap, TokenKind::DevRoot, &value, None).await?;
        return Ok(Some(value));
    }
    let Some(asked) = configuration.bootstrap.as_ref().filter(|_| !filled) else {
        // Killed between making the store and handing over its token.
        if node.engine.projections().view().tokens.all().next().is_none() {
            tracing::warn!(target: "start", "the store has no token yet; stop this server and run scaivault init --new-token");
        }
        return Ok(None);
    };
    if let Some(problem) = asked.token_file_problem() {
        return Err(StartError::Configuration(problem.to_string()));
    }
    let bootstrap =
        init::bootstrap_of(asked).ok_or_else(|| StartError::Configuration("the bootstrap names give no ids".into()))?;
    if node.engine.bootstrap(&bootstrap).await? {
        let (token, _) = init::issue_token(node, &bootstrap).await?;
        init::hand_over(&token, asked.token_file.as_deref())?;
    }
    Ok(None)
}

fn settings(configuration: &Arc<Configuration>, node: &Node, metrics: Arc<Metrics>) -> Result<Settings, StartError> {
    let proxies: TrustedProxies = configuration.trusted_proxies.clone();
    Ok(Settings {
        version: VERSION,
        commit: COMMIT,
        build_date: BUILD_DATE,
        node_id: configuration.node_id.clone(),
        request_timeout: configuration.request_timeout,
        limits: limits(&configuration.rate_limits),
        client_address: Arc::new(move |peer, headers| {
            let forwarded = headers.get_all("x-forwarded-for");
            let values: Vec<&str> = forwarded.iter().filter_map(|value| value.to_str().ok()).collect();
            proxies.client_address(peer, values)
        }),
        metrics: Arc::new(move |headers| {
            let (content_type, text) = metrics.answer(headers);
            (content_type.to_owned(), text)
        }),
        dev_clock: (configuration.mode == Mode::Dev)
            .then(|| node.clock.clone() as Arc<dyn scaivault_api::app::DevClock>),
        provider: provider(configuration)?,
    })
}

/// The identity provider, as far as it is configured.
fn provider(configuration: &Configuration) -> Result<Provider, StartError> {
    let synchronisation = &configuration.synchronisation;
    let port = ScaiKey::of(synchronisation).map_err(|error| StartError::Host(error.to_string()))?;
    let base = configuration.base_url.as_ref().map(|base| base.text.trim_end_matches('/'));
    Ok(Provider {
        url: synchronisation.url.clone(),
        webhook_url: base.map(|base| format!("{base}/v1/identity/webhooks/scaikey")),
        webhook_secret: synchronisation
            .webhook_secret
            .as_ref()
            .map(|secret| Zeroizing::new(secret.expose().as_bytes().to_vec())),
        port: port.map(|port| Arc::new(port) as Arc<dyn IdentityProvider>),
    })
}

fn limits(limits: &RateLimits) -> HashMap<Category, Limit> {
    let of = |category: &Category| {
        let limit = limits.categories.get(category.as_str())?;
        Some((*category, Limit { per_minute: limit.per_minute, enforced: limit.enforced }))
    };
    Category::ALL.iter().filter_map(of).collect()
}

/// The internal listener for metrics, if there is one.
async fn open_metrics(
    configuration: &Configuration,
    metrics: Arc<Metrics>,
    app: &Arc<App>,
    shutdown: &Shutdown,
) -> Result<(), StartError> {
    let Some(setting) = &configuration.metrics else { return Ok(()) };
    let opened = listener::metrics::open(setting).await;
    let opened =
        opened.map_err(|error| StartError::Host(format!("METRICS_BIND_ADDRESS cannot be listened on: {error}")))?;
    let Some(socket): Option<TcpListener> = opened else { return Ok(()) };
    let needs_token = configuration.metrics_auth == MetricsAuth::Token;
    let (app, stop, grace) = (app.clone(), shutdown.clone(), configuration.shutdown_grace);
    let authorise: listener::metrics::Authorise = Arc::new(move |headers| {
        let app = app.clone();
        Box::pin(async move {
            scaivault_api::gauges::set(&app);
            !needs_token || scaivault_api::authentication::is_administrator(&app, &headers).await
        })
    });
    let router = listener::metrics::router(metrics, authorise);
    tokio::spawn(
        async move { listener::serve(socket, None, router, async move { stop.requested().await }, grace).await },
    );
    Ok(())
}

/// Writes snapshots now and then, where there is a place for them.
async fn keep_snapshots(keeper: Option<Arc<Keeper>>, projections: Arc<Projections>, stop: watch::Receiver<bool>) {
    if let Some(keeper) = keeper {
        keeper.keep(projections, stop).await;
    }
}

async fn fold_failures(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FOLD_INTERVAL) => {}
            _ = async { stop.wait_for(|stop| *stop).await.is_ok() } => break,
        }
        dispatch::record_folded_failures(&app, false).await;
    }
    dispatch::record_folded_failures(&app, true).await;
}

/// SIGHUP: the TLS files and the files of `_FILE` variables are read anew.
fn reload(acceptor: Option<&tls::Acceptor>, flags: &ServerFlags, mode: Mode) {
    if let Some(acceptor) = acceptor {
        acceptor.reload();
    }
    match Configuration::load(&Environment::of_process(), flags, mode) {
        Ok(_) => tracing::info!(target: "reload", "configuration files read anew"),
        Err(problems) => tracing::warn!(target: "reload", "{problems}"),
    }
}

/// One line on standard output, at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads it: nothing to be done about that.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// One line on standard error.
pub(crate) fn complain(line: &str) {
    telemetry::flush();
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The configuration cannot be used.
pub(crate) fn refuse(text: &str) -> ExitCode {
    complain(text);
    ExitCode::from(CONFIGURATION)
}

/// Start-up failed.
pub(crate) fn fail(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    let mut text = format!("Error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text = text + ": " + &cause.to_string();
        source = cause.source();
    }
    complain(&text);
    match error.downcast_ref::<StartError>() {
        Some(StartError::Configuration(_)) => ExitCode::from(CONFIGURATION),
        Some(StartError::Store(_) | StartError::Command(_) | StartError::Host(_)) | None => ExitCode::FAILURE,
    }
}
