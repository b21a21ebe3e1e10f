//! `--url` of a webhook: behind `webhooks create` and `webhooks update` it is where events are pushed to; before them,
//! and in all other commands, it is the server's.

use std::ffi::OsString;

/// What the flag is called once both are told apart.
const OWN: &str = "--webhook-url";

/// The arguments with the webhook's `--url` under a name of its own.
pub(crate) fn told_apart(arguments: &[OsString]) -> Vec<OsString> {
    let group = arguments.iter().position(|argument| argument == "webhooks");
    let verb = group.and_then(|group| verb(arguments.get(group + 1..)?));
    let Some(group) = group.filter(|_| verb.is_some_and(|verb| verb == "create" || verb == "update")) else {
        return arguments.to_vec();
    };
    let mut is_over = false;
    let mut own = |argument: &OsString| {
        is_over |= argument == "--";
        let text = argument.to_str().filter(|_| !is_over)?;
        let rest = text.strip_prefix("--url").filter(|rest| rest.is_empty() || rest.starts_with('='))?;
        Some(OsString::from(format!("{OWN}{rest}")))
    };
    let behind = arguments.iter().skip(group + 1).map(|argument| own(argument).unwrap_or_else(|| argument.clone()));
    arguments.iter().take(group + 1).cloned().chain(behind).collect()
}

/// Global flags that take a value.
const WITH_VALUE: [&str; 7] = ["--url", "--token", "--tenant", "--partner", "--config", "--ca-file", "--timeout"];

/// The first argument that is neither a flag nor the value of one.
fn verb(arguments: &[OsString]) -> Option<&OsString> {
    let mut is_value = false;
    arguments.iter().find(|argument| {
        let is_flag = argument.to_str().is_some_and(|text| text.starts_with('-'));
        let is_verb = !is_flag && !is_value;
        is_value = WITH_VALUE.iter().any(|flag| *argument == flag);
        is_verb
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_of_server_and_webhook_are_told_apart() {
        let told = |line: &str| {
            let told = told_apart(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
            told.iter().map(|argument| argument.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            told("s --url a webhooks create --name n --url b"),
            "s --url a webhooks create --name n --webhook-url b"
        );
        assert_eq!(told("s webhooks --json update wh_1 --url=b"), "s webhooks --json update wh_1 --webhook-url=b");
        assert_eq!(
            told("s webhooks --tenant t update wh_1 --url b"),
            "s webhooks --tenant t update wh_1 --webhook-url b",
            "a token must not go to a webhook"
        );
        assert_eq!(told("s webhooks update -- --url"), "s webhooks update -- --url");
        for same in ["s webhooks list --url a", "s secrets write webhooks --url a", "s webhooks"] {
            assert_eq!(told(same), same);
        }
    }
}
