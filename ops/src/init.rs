//! First contents of a store: at the first start, by `scaivault init`, and in development mode.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use scaivault_commands::bootstrap::Bootstrap;
use scaivault_commands::{Clock as _, token_value};
use scaivault_domain::token::TokenKind;
use scaivault_domain::{IdentityId, PartnerId, Role, TenantId, Timestamp};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::InitArguments;
use crate::configuration::bootstrap::{RecordKind, administrator};
use crate::configuration::{self, Configuration, Environment, KeyProvider, Mode, ServerFlags};
use crate::node::{Node, StartError};
use crate::server;

/// Life of a bootstrap token, in seconds: 24 hours.
const TOKEN_LIFE_SECONDS: i64 = 24 * 3_600;

/// What development mode starts with.
pub(crate) fn dev_bootstrap() -> Option<Bootstrap> {
    Some(Bootstrap {
        partner: (PartnerId::parse("ptn_dev")?, "dev".into(), "dev".into()),
        tenant: (TenantId::parse("tnt_dev")?, "dev".into(), "dev".into()),
        admin: IdentityId::user("root@dev"),
    })
}

/// What the configuration asks for.
pub(crate) fn bootstrap_of(asked: &configuration::Bootstrap) -> Option<Bootstrap> {
    let partner = (PartnerId::parse(&asked.partner.id)?, asked.partner.name.clone(), asked.partner.slug.clone());
    let tenant = (TenantId::parse(&asked.tenant.id)?, asked.tenant.name.clone(), asked.tenant.slug.clone());
    Some(Bootstrap { partner, tenant, admin: IdentityId::user(&asked.admin) })
}

/// A token of all scopes for the administrator, and its end.
pub(crate) async fn issue_token(
    node: &Node,
    bootstrap: &Bootstrap,
) -> Result<(Zeroizing<String>, Timestamp), StartError> {
    let value = token_value::personal()?;
    let expires_at = node.clock.now().plus_seconds(TOKEN_LIFE_SECONDS);
    node.engine.issue_operator_token(bootstrap, TokenKind::Bootstrap, &value, Some(expires_at)).await?;
    Ok((value, expires_at))
}

/// Gives the token to the operator: in a new file of mode 0600, or on standard output.
pub(crate) fn hand_over(token: &str, file: Option<&Path>) -> Result<(), StartError> {
    let Some(path) = file else {
        server::say(&format!("Bootstrap token: {token}"));
        return Ok(());
    };
    let written =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
            file.write_all(token.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
    let hint = "the store is initialised; run scaivault init --new-token for another";
    written.map_err(|error| {
        StartError::Configuration(format!("the token cannot be written to {}: {error}; {hint}", path.display()))
    })
}

/// `scaivault init`.
pub(crate) async fn run(arguments: InitArguments) -> ExitCode {
    match initialise(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit,
    }
}

async fn initialise(arguments: &InitArguments) -> Result<(), ExitCode> {
    let environment = Environment::of_process();
    let configuration = Configuration::load(&environment, &ServerFlags::default(), Mode::Production)
        .map_err(|problems| server::refuse(&problems.to_string()))?;
    let asked = asked(arguments, &configuration)?;
    if let Some(problem) = asked.token_file_problem() {
        return Err(server::refuse(&problem.to_string()));
    }
    let bootstrap = bootstrap_of(&asked).ok_or_else(|| server::refuse("the names give no ids"))?;
    let node = Node::open(&configuration).await.map_err(|error| server::fail(&error))?;
    let done = fill(&node, &bootstrap, arguments.new_token).await;
    let (token, expires_at, bootstrap) = match done {
        Ok(Some(done)) => done,
        Ok(None) => {
            node.close().await;
            server::complain(already(arguments.new_token));
            return Err(ExitCode::FAILURE);
        }
        Err(error) => {
            node.close().await;
            return Err(server::fail(&error));
        }
    };
    node.close().await;
    if arguments.json {
        let shown = asked.token_file.is_none().then_some(token.as_str());
        let text = json!({
            "partner_id": bootstrap.partner.0, "tenant_id": bootstrap.tenant.0, "identity_id": bootstrap.admin,
            "token": shown, "token_expires_at": expires_at, "unseal_keys": null,
        });
        server::say(&format!("{text:#}"));
        if asked.token_file.is_none() {
            return Ok(());
        }
    }
    hand_over(&token, asked.token_file.as_deref()).map_err(|error| server::fail(&error))
}

fn already(new_token: bool) -> &'static str {
    if new_token {
        "Error: the store is not initialised; run scaivault init first"
    } else {
        "Error: the store is initialised already; nothing was changed (scaivault init --new-token makes another token)"
    }
}

/// Fills an empty store, or makes another token for a filled one; `None` if it is the other way round.
async fn fill(
    node: &Node,
    asked: &Bootstrap,
    new_token: bool,
) -> Result<Option<(Zeroizing<String>, Timestamp, Bootstrap)>, StartError> {
    let view = node.engine.projections().view();
    if view.installation.is_initialised() != new_token {
        return Ok(None);
    }
    let bootstrap = if new_token { first_administrator(node, asked) } else { asked.clone() };
    if !new_token && !node.engine.bootstrap(&bootstrap).await? {
        return Ok(None);
    }
    let (token, expires_at) = issue_token(node, &bootstrap).await?;
    Ok(Some((token, expires_at, bootstrap)))
}

/// The administrator made at bootstrap, whatever is configured now.
fn first_administrator(node: &Node, asked: &Bootstrap) -> Bootstrap {
    let view = node.engine.projections().view();
    let administrators = view.installation.users().filter(|(_, held)| held.assigned.contains(&Role::SuperAdmin));
    let first = administrators.min_by_key(|(_, held)| held.user.id.clone());
    let tenant = first.and_then(|(tenant, _)| view.installation.tenant(tenant));
    match (first, tenant) {
        (Some((_, held)), Some(tenant)) => Bootstrap {
            partner: (tenant.partner_id.clone(), asked.partner.1.clone(), asked.partner.2.clone()),
            tenant: (tenant.id.clone(), asked.tenant.1.clone(), asked.tenant.2.clone()),
            admin: held.user.identity.clone(),
        },
        (_, _) => asked.clone(),
    }
}

fn asked(arguments: &InitArguments, configuration: &Configuration) -> Result<configuration::Bootstrap, ExitCode> {
    if (arguments.shares.is_some() || arguments.threshold.is_some())
        && !matches!(configuration.key_provider, KeyProvider::Memory)
    {
        return Err(server::refuse(
            "--shares and --threshold go with KMS_PROVIDER=shamir, which this build does not have yet",
        ));
    }
    let mut asked = configuration.bootstrap.clone().ok_or_else(|| server::refuse("no bootstrap is configured"))?;
    let record = |kind: RecordKind, flag: &str, value: &str| {
        kind.record(value).ok_or_else(|| server::refuse(&format!("--{flag} gives no id: use letters and digits")))
    };
    if let Some(value) = &arguments.partner {
        asked.partner = record(RecordKind::Partner, "partner", value)?;
    }
    if let Some(value) = &arguments.tenant {
        asked.tenant = record(RecordKind::Tenant, "tenant", value)?;
        if arguments.admin.is_none() && Environment::of_process().value("SCAIVAULT_BOOTSTRAP_ADMIN").is_none() {
            asked.admin = format!("root@{}", asked.tenant.slug);
        }
    }
    if let Some(value) = &arguments.admin {
        asked.admin =
            administrator(value).ok_or_else(|| server::refuse("--admin must have the form of an e-mail address"))?;
    }
    if let Some(path) = &arguments.token_file {
        asked.token_file = Some(path.clone());
    }
    Ok(asked)
}
