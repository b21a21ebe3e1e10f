//! What a policy says: read from flags or a file, and shown.

use clap::Args;

use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::table::{self, Table, cell};

/// Flags of `policies create`.
#[derive(Args)]
pub(crate) struct ContentArguments {
    /// Name, unique in the tenant
    #[arg(long)]
    name: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    rules: RuleArguments,
}

/// Flags of `policies update`.
#[derive(Args)]
pub(crate) struct ChangeArguments {
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another description
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    rules: RuleArguments,
    /// Whether it grants anything
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

/// One rule by flags, or rules from a file.
#[derive(Args)]
struct RuleArguments {
    /// Paths of the one rule, such as app/**
    #[arg(long, value_name = "PATTERN", requires = "permissions")]
    path: Option<String>,
    /// What the rule permits, comma-separated: read, write, delete, list, rotate, admin
    #[arg(long, value_name = "PERMISSION,…", value_delimiter = ',', requires = "path")]
    permissions: Vec<String>,
    /// Only from this network (repeatable)
    #[arg(long = "ip-range", value_name = "CIDR", requires = "path")]
    ip_ranges: Vec<String>,
    /// Only with a fresh second factor
    #[arg(long, requires = "path")]
    require_mfa: bool,
    /// Rules from a JSON array in this file; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    rules_file: Option<String>,
}

// === impl ContentArguments ===

impl ContentArguments {
    /// The body of the request.
    pub(crate) async fn into_body(self) -> Result<Json, Failure> {
        let Some(rules) = self.rules.into_rules().await? else {
            return Err(Failure::usage("Give one rule with --path and --permissions, or several with --rules-file"));
        };
        let description = self.description.map(Json::text);
        Ok(object([("name", Some(Json::text(self.name))), ("description", description), ("rules", Some(rules))]))
    }
}

// === impl ChangeArguments ===

impl ChangeArguments {
    /// The body of the request.
    pub(crate) async fn into_body(self) -> Result<Json, Failure> {
        Ok(object([
            ("name", self.name.map(Json::text)),
            ("description", self.description.map(Json::text)),
            ("rules", self.rules.into_rules().await?),
            ("is_active", self.active.map(Json::Bool)),
        ]))
    }
}

// === impl RuleArguments ===

impl RuleArguments {
    async fn into_rules(self) -> Result<Option<Json>, Failure> {
        if let Some(source) = self.rules_file {
            let text = input::text(&source).await?;
            return match Json::parse(&text) {
                Ok(rules @ Json::List(_)) => Ok(Some(rules)),
                Ok(_) => Err(Failure::usage(format!("{source} does not hold a JSON array of rules"))),
                Err(reason) => Err(Failure::usage(format!("{source} does not hold JSON: {reason}"))),
            };
        }
        let Some(pattern) = self.path else { return Ok(None) };
        let ranges = (!self.ip_ranges.is_empty()).then(|| Json::texts(self.ip_ranges));
        let conditions = object([("ip_ranges", ranges), ("require_mfa", self.require_mfa.then_some(Json::Bool(true)))]);
        let permissions = Json::texts(self.permissions.iter().map(|word| word.trim()));
        Ok(Some(Json::List(vec![object([
            ("path_pattern", Some(Json::text(pattern))),
            ("permissions", Some(permissions)),
            ("conditions", Some(conditions)),
        ])])))
    }
}

/// A policy: its fields as lines, then its rules, then its bindings.
pub(crate) fn shown(policy: &Json) -> String {
    let mut fields = policy.clone();
    fields.remove("rules");
    fields.remove("bindings");
    let items = |name: &str| policy.member(name).map(Json::items).unwrap_or_default();
    let rules = rules(items("rules"));
    [table::lines(&fields), rules.render(), super::bindings(items("bindings")).render()].join("\n\n")
}

/// A table of rules.
pub(crate) fn rules(rules: &[Json]) -> Table {
    let mut table = Table::new(&["PATTERN", "PERMISSIONS", "CONDITIONS"]);
    for rule in rules {
        let conditions = rule.member("conditions").filter(|conditions| !conditions.members().is_empty());
        table.push(vec![cell(rule.member("path_pattern")), cell(rule.member("permissions")), cell(conditions)]);
    }
    table
}
