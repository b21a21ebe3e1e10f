//! The command `run`.

use std::process::Stdio;

use super::fake::{Canned, Fake};
use super::user::{TOKEN, User};

const TWO_SECRETS: Canned = (
    200,
    None,
    r#"{"secrets":{"app/db":{"data":{"user-name":"u","port":5432},"version":1},"app/key":{"data":{"k":"v"},"version":2}},"errors":{}}"#,
);

#[test]
fn a_command_gets_its_secrets_and_not_the_token() {
    let fake = Fake::start(&[TWO_SECRETS]);
    let user = User::of(&fake).with("PLAIN", "kept");
    user.file("env", "# comment\nFROM_FILE=scaivault://app/db#port\nOTHER=x=y\n");
    let line = "run --secret KEY=app/key --path app/db --env-file env -- env";
    let done = user.run(line);
    assert_eq!(done.status, 0, "{done:?}");
    for expected in ["KEY=v", "USER_NAME=u", "PORT=5432", "FROM_FILE=5432", "OTHER=x=y", "PLAIN=kept"] {
        assert!(done.out.lines().any(|line| line == expected), "{expected}: {done:?}");
    }
    assert!(!done.out.contains("SCAIVAULT_TOKEN"), "{done:?}");
    let seen = fake.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /v1/secrets/batch");
    assert_eq!(seen[0].body, r#"{"paths":["app/key","app/db"],"options":{"fail_fast":true}}"#);
}

#[test]
fn prefixes_and_clean_environments() {
    let list = (200, None, r#"{"secrets":[{"path":"app/db"},{"path":"app/key"}],"cursor":null,"has_more":false}"#);
    let fake = Fake::start(&[list, TWO_SECRETS]);
    let done = User::of(&fake).run("run --prefix app --prefix-names --clean-env --keep-token -- env");
    let mut lines: Vec<&str> = done.out.lines().collect();
    lines.sort_unstable();
    let token = format!("SCAIVAULT_TOKEN={TOKEN}");
    assert_eq!(lines, ["DB_PORT=5432", "DB_USER_NAME=u", "KEY_K=v", token.as_str()]);
    assert_eq!(fake.lines()[0], "GET /v1/secrets?prefix=app%2F&limit=200");
}

#[test]
fn nothing_starts_without_all_values() {
    let missing = (404, None, r#"{"error":{"code":"secret_not_found","message":"Secret 'x' not found"}}"#);
    let fake = Fake::start(&[missing, TWO_SECRETS, TWO_SECRETS]);
    let user = User::of(&fake);
    user.run("run --path x -- touch started").failed(4, "[secret_not_found]");
    user.run("run --secret A=app/db#nothing --path app/key -- touch started").failed(4, "no field 'nothing'");
    user.run("run --secret K=app/db#port --path app/key -- touch started").failed(5, "K has two sources");
    user.run("run --secret A=a --secret A=b -- touch started").failed(5, "A has two sources");
    user.run("run --lease A=e/r -- touch started").failed(5, "--lease");
    assert!(!user.home.path().join("started").exists());
}

#[test]
fn the_status_of_the_command_is_passed_on() {
    let user = User::new();
    user.run("run -- sh nothing-here").failed(if cfg!(target_os = "linux") { 2 } else { 127 }, "");
    user.run("run -- no-such-command").failed(127, "command not found");
    user.file("script", "kill -9 $$\n");
    assert_eq!(user.run("run -- sh script").status, 128 + 9);
    user.file("script", "exit 42\n");
    assert_eq!(user.run("run -- sh script").status, 42);
}

#[test]
fn signals_are_passed_on() {
    let user = User::new();
    user.file("script", "trap 'exit 7' USR1\ntrap 'exit 8' TERM\necho ready\nwhile :; do sleep 0.05; done\n");
    for (signal, status) in [(nix::sys::signal::SIGUSR1, 7), (nix::sys::signal::SIGTERM, 8)] {
        let mut child = user.command("run -- sh script").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status));
    }
}

#[test]
fn a_changed_secret_starts_the_command_anew() {
    let values = |text| (200, None, text);
    let fake = Fake::start(&[
        values(r#"{"secrets":{"a":{"data":{"k":"one"},"version":1}}}"#),
        values(r#"{"metadata":{"a":{"current_version":2}},"errors":{}}"#),
        values(r#"{"secrets":{"a":{"data":{"k":"two"},"version":2}}}"#),
    ]);
    let user = User::of(&fake);
    user.file("script", "echo $K\ntest $K = two && exit 3\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n");
    let done = user.run("run --path a --watch -- sh script");
    assert_eq!((done.status, done.out.as_str()), (3, "one\ntwo\n"), "{done:?}");
    assert_eq!(fake.seen()[1].body, r#"{"paths":["a"]}"#);
}
