//! The command line as clap reads it: global flags, groups, and the flags of the operator commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::audit::AuditCommand;
use super::auth::AuthCommand;
use super::completion::CompletionArguments;
use super::config::ConfigCommand;
use super::identity::IdentityCommand;
use super::policies::PoliciesCommand;
use super::rotation::{self, RotationCommand};
use super::run::RunArguments;
use super::scaikey::ScaikeyCommand;
use super::secret_policies::SecretPoliciesCommand;
use super::secrets::SecretsArguments;
use super::service_accounts::ServiceAccountsCommand;
use super::subscriptions::{self, SubscriptionsCommand};
use super::tokens::TokensCommand;
use super::webhooks::{self, WebhooksCommand};

const AFTER_HELP: &str = "\
Settings are taken from flags, then the environment, then the configuration file:
SCAIVAULT_URL, SCAIVAULT_TOKEN, SCAIVAULT_TOKEN_FILE, SCAIVAULT_TENANT_ID,
SCAIVAULT_PARTNER_ID, SCAIVAULT_CA_FILE, SCAIVAULT_TIMEOUT, SCAIVAULT_CONFIG,
SCAIVAULT_DEBUG. Without any token SCAIKEY_CLIENT_ID, SCAIKEY_CLIENT_SECRET and
SCAIKEY_URL are used.

Exit status: 0 success, 1 general, 2 not authenticated, 3 forbidden,
4 not found, 5 wrong usage or request, 130 interrupted.";

/// Secrets and certificates: client, server and operator commands.
#[derive(Parser)]
#[command(name = "scaivault", version, propagate_version = true, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) group: Group,
}

/// Flags that may stand anywhere. Holds a token, hence no `Debug`.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Global flags")]
pub(crate) struct Globals {
    /// Base URL of the server
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Bearer token (visible to other processes; prefer SCAIVAULT_TOKEN_FILE or `auth login`)
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Tenant acted upon
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// Partner acted upon
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) partner: Option<String>,
    /// Print the API's answer as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Configuration file [default: ~/.scaivault/config.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Extra trusted roots (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<String>,
    /// Time for one request, such as 10s or 2m [default: 30s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// Show every request and response on standard error, without secrets
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Ask no confirmation questions
    #[arg(long, short = 'y', global = true)]
    pub(crate) yes: bool,
    /// No notices on standard error
    #[arg(long, short = 'q', global = true)]
    pub(crate) quiet: bool,
    /// No colours (also NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

/// The groups of commands.
#[derive(Subcommand)]
pub(crate) enum Group {
    /// Show and edit the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Log in and out, show who you are, revoke tokens
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Your personal access tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Read, write and manage secrets
    Secrets(SecretsArguments),
    /// Identities of programs, and their keys
    #[command(subcommand)]
    ServiceAccounts(ServiceAccountsCommand),
    /// Partners, tenants, users, groups, roles
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// The registration with ScaiKey, and synchronisation
    #[command(subcommand)]
    Scaikey(ScaikeyCommand),
    /// Say who may do what, and find out why not
    #[command(subcommand)]
    Policies(PoliciesCommand),
    /// Recipes that generate values
    #[command(subcommand)]
    SecretPolicies(SecretPoliciesCommand),
    /// Replace values by a schedule, and see what is due
    #[command(subcommand, after_help = rotation::FIRST_STEPS)]
    Rotation(RotationCommand),
    /// Push events to a URL, and see what became of them
    #[command(subcommand, after_help = webhooks::FIRST_STEPS)]
    Webhooks(WebhooksCommand),
    /// Be told of events on chosen paths
    #[command(subcommand, after_help = subscriptions::FIRST_STEPS)]
    Subscriptions(SubscriptionsCommand),
    /// Search the audit trail, and prove that nobody has altered it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Start a command with secrets in its environment
    Run(RunArguments),
    /// Print a completion script for a shell
    Completion(CompletionArguments),
    /// Run the service on this host
    Server(ServerArguments),
    /// Initialise an empty store on this host
    Init(InitCommand),
}

/// Flags of `server`; what is not given is left to the environment.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerArguments {
    /// Development mode: plain HTTP on 127.0.0.1:8200, in memory unless --data-dir is given
    #[arg(long)]
    pub(crate) dev: bool,
    /// Address to listen on, host:port (BIND_ADDRESS)
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Option<String>,
    /// Directory of the data (DATA_DIR)
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// error, warn, info or debug (LOG_LEVEL)
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// json or text (LOG_FORMAT)
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

/// Flags of `init` as parsed. `tenant` and `partner` carry the ids of the global flags on purpose: clap then takes
/// these definitions, and their help, in the global ones' place.
#[derive(Args)]
pub(crate) struct InitCommand {
    /// Name of the partner (SCAIVAULT_BOOTSTRAP_PARTNER)
    #[arg(id = "partner", long, value_name = "NAME")]
    partner: Option<String>,
    /// Name of the tenant (SCAIVAULT_BOOTSTRAP_TENANT)
    #[arg(id = "tenant", long, value_name = "NAME")]
    tenant: Option<String>,
    /// Administrator, in the form of an e-mail address (SCAIVAULT_BOOTSTRAP_ADMIN)
    #[arg(long, value_name = "EMAIL")]
    admin: Option<String>,
    /// Number of unseal keys to make (provider shamir)
    #[arg(long, value_name = "N")]
    shares: Option<u8>,
    /// Number of unseal keys that open the store (provider shamir)
    #[arg(long, value_name = "K")]
    threshold: Option<u8>,
    /// Write the token to this new file instead of printing it (SCAIVAULT_BOOTSTRAP_TOKEN_FILE)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Revoke the bootstrap token of an initialised store and print another
    #[arg(long, conflicts_with_all = ["partner", "tenant", "admin", "shares", "threshold"])]
    new_token: bool,
}

/// What `init` was asked for; what is not given is left to the environment.
#[derive(Clone, Debug)]
pub(crate) struct InitArguments {
    /// Name of the partner.
    pub(crate) partner: Option<String>,
    /// Name of the tenant.
    pub(crate) tenant: Option<String>,
    /// Administrator, in the form of an e-mail address.
    pub(crate) admin: Option<String>,
    /// Number of unseal keys.
    pub(crate) shares: Option<u8>,
    /// Number of unseal keys that open the store.
    pub(crate) threshold: Option<u8>,
    /// File for the token instead of standard output.
    pub(crate) token_file: Option<PathBuf>,
    /// Make another token for a store that is initialised already.
    pub(crate) new_token: bool,
    /// Answer as JSON.
    pub(crate) json: bool,
}

// === impl InitCommand ===

impl InitCommand {
    /// The arguments together with the global `--json`.
    pub(crate) fn into_arguments(self, json: bool) -> InitArguments {
        let Self { partner, tenant, admin, shares, threshold, token_file, new_token } = self;
        InitArguments { partner, tenant, admin, shares, threshold, token_file, new_token, json }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> CommandLine {
        CommandLine::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_anywhere() {
        for line in ["scaivault --url u --json auth whoami", "scaivault auth --json whoami --url=u"] {
            let parsed = parse(line);
            assert_eq!(parsed.globals.url.as_deref(), Some("u"), "{line}");
            assert!(parsed.globals.json, "{line}");
        }
    }

    #[test]
    fn init_has_names_where_others_have_context() {
        for line in
            ["scaivault init --partner Acme --tenant t --json", "scaivault --json init --tenant t --partner Acme"]
        {
            let parsed = parse(line);
            let json = parsed.globals.json;
            let Group::Init(command) = parsed.group else { panic!("{line}") };
            let arguments = command.into_arguments(json);
            assert_eq!((arguments.partner.as_deref(), arguments.tenant.as_deref()), (Some("Acme"), Some("t")));
            assert!(arguments.json);
        }
    }

    #[test]
    fn server_flags_are_handed_over() {
        let Group::Server(server) = parse("scaivault server --dev --bind 127.0.0.1:0 --data-dir /d").group else {
            panic!("not the server");
        };
        assert!(server.dev);
        assert_eq!(server.bind.as_deref(), Some("127.0.0.1:0"));
        assert_eq!(server.data_dir, Some(PathBuf::from("/d")));
    }
}
