//! The shape of the workspace: which crate may know which, what lies at the top level, and that
//! every crate keeps the common lints. What the compiler does not refuse is refused here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// Who may depend on whom, one line per crate. `ops` puts everything together, so it may know all.
const EDGES: &[(&str, &[&str])] = &[
    ("scaivault-domain", &[]),
    ("scaivault-eventstore", &[]),
    ("scaivault-projections", &["scaivault-domain", "scaivault-eventstore"]),
    ("scaivault-commands", &["scaivault-domain", "scaivault-eventstore", "scaivault-projections"]),
    ("scaivault-api", &["scaivault-domain", "scaivault-commands", "scaivault-projections"]),
    (
        "scaivault",
        &["scaivault-domain", "scaivault-eventstore", "scaivault-projections", "scaivault-commands", "scaivault-api"],
    ),
];

/// What may not come in, directly or through others: crate, and those whom it must not reach.
const STRANGERS: &[(&str, &[&str])] = &[
    ("scaivault-domain", &["tokio", "sqlx", "axum", "hyper", "http", "reqwest", "tracing", "metrics"]),
    ("scaivault-eventstore", &["axum", "hyper", "reqwest"]),
    ("scaivault-projections", &["axum", "hyper", "reqwest"]),
    ("scaivault-commands", &["axum", "hyper", "reqwest"]),
];

/// What may not be named by a crate itself, though it comes in through others.
const UNNAMED: &[(&str, &[&str])] = &[
    ("scaivault-domain", &["rand", "aws-lc-rs", "async-trait"]),
    ("scaivault-projections", &["sqlx"]),
    ("scaivault-commands", &["sqlx", "http"]),
    ("scaivault-api", &["sqlx", "scaivault-eventstore"]),
];

/// Everything at the top level besides dot-files.
const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "api",
    "clients",
    "commands",
    "docs",
    "domain",
    "eventstore",
    "ops",
    "projections",
];

/// What tools and version control lay down there, never part of the tree.
const NOT_IN_THE_TREE: &[&str] = &["target"];

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).other_options(["--locked".to_owned()]).exec().expect("cargo metadata")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("ops lies in the workspace").to_owned()
}

/// Names of the direct dependencies of a package, build and test dependencies included.
fn direct(package: &Package) -> BTreeSet<&str> {
    package.dependencies.iter().map(|dependency| dependency.name.as_str()).collect()
}

/// Names of everything a package is built from, without what only its tests need.
fn all_of<'m>(metadata: &'m Metadata, package: &Package) -> BTreeSet<&'m str> {
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let mut found = BTreeSet::new();
    let mut open = vec![&package.id];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let built =
                dependency.dep_kinds.iter().any(|kind| kind.kind != cargo_metadata::DependencyKind::Development);
            if built && found.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    found.into_iter().map(|id| names[id]).collect()
}

#[test]
fn crates_depend_downwards_only() {
    let metadata = metadata();
    let crates: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let known: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(crates, known, "a crate came or went: say above what it may depend on");
    for package in metadata.workspace_packages() {
        let (_, allowed) = EDGES.iter().find(|(name, _)| *name == package.name.as_str()).expect("known");
        for other in direct(package).intersection(&crates) {
            assert!(allowed.contains(other), "{} must not depend on {other}", package.name);
        }
    }
}

#[test]
fn crates_do_not_know_what_is_not_their_business() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let forbidden = |table: &'static [(&str, &[&str])]| {
            table.iter().filter(|(name, _)| *name == package.name.as_str()).flat_map(|(_, others)| others.iter())
        };
        let reached = all_of(&metadata, package);
        for other in forbidden(STRANGERS) {
            assert!(!reached.contains(other), "{} must not reach {other}", package.name);
        }
        let named = direct(package);
        for other in forbidden(UNNAMED) {
            assert!(!named.contains(other), "{} must not name {other}", package.name);
        }
    }
}

#[test]
fn the_top_level_is_short() {
    let mut unexpected = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().expect("a name in UTF-8");
        let known = name.starts_with('.') || [TOP_LEVEL, NOT_IN_THE_TREE].concat().contains(&name.as_str());
        if !known {
            unexpected.push(name);
        }
    }
    assert!(unexpected.is_empty(), "not at the top level: {unexpected:?}");
    // clients/ comes with its first client.
    for name in TOP_LEVEL.iter().filter(|name| **name != "clients") {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn every_crate_keeps_the_common_lints() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
        let first = lines.find(|line| !line.is_empty());
        assert_eq!(first, Some("workspace = true"), "{} has lints of its own", package.name);
        // A clippy configuration nearer to a crate replaces the common one.
        let nearer = [".clippy.toml", "clippy.toml"]
            .into_iter()
            .filter(|name| package.manifest_path.parent().is_some_and(|directory| directory.join(name).exists()))
            .count();
        assert_eq!(nearer, usize::from(package.name.as_str() == "scaivault"), "{}: only ops may differ", package.name);
    }
}

#[test]
fn versions_are_written_once() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        for line in manifest.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase())) {
            assert!(!line.contains("version = \""), "{}: {line:?} belongs into the root manifest", package.name);
        }
    }
}
