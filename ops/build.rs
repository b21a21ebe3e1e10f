//! Puts commit and date of the source into the binary, where they can be found.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../.git/HEAD");
    println!("cargo::rerun-if-changed=../.git/refs/heads");
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    // The date of the commit, not of the build: the same source gives the same binary.
    let date = git(&["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"]);
    println!("cargo::rustc-env=SCAIVAULT_COMMIT={commit}");
    println!("cargo::rustc-env=SCAIVAULT_BUILD_DATE={}", date.unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned()));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).env("TZ", "UTC").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
