//! The executable as a user runs it, without a server, and against canned answers where only the behaviour of the
//! client matters: repetition, headers, output, exit status. What the real server answers is tested elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "cli_offline/auth.rs"]
mod auth;
#[path = "cli_offline/fake.rs"]
mod fake;
#[path = "cli_offline/policies.rs"]
mod policies;
#[path = "cli_offline/rotation.rs"]
mod rotation;
#[path = "cli_offline/run.rs"]
mod run;
#[path = "cli_offline/secret_policies.rs"]
mod secret_policies;
#[path = "cli_offline/secrets.rs"]
mod secrets;
#[path = "cli_offline/subscriptions.rs"]
mod subscriptions;
#[path = "cli_offline/user.rs"]
mod user;
#[path = "cli_offline/webhooks.rs"]
mod webhooks;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fake::Fake;
use user::{Done, TOKEN, User};

// === usage ===

#[test]
fn help_and_version_are_results() {
    let user = User::new();
    user.run("--version").printed("scaivault 1.0.0\n");
    user.run("secrets list --version").printed("scaivault 1.0.0\n");
    for line in ["--help", "-h", "secrets --help", "secrets read -h", "run --help", "help secrets"] {
        let done = user.run(line);
        assert_eq!(done.status, 0, "{line}: {done:?}");
        assert!(done.out.contains("Usage: scaivault"), "{line}: {done:?}");
    }
}

#[test]
fn wrong_usage_exits_with_5() {
    let user = User::new();
    for line in [
        "",
        "nothing",
        "secrets",
        "secrets read",
        "secrets read a --nothing",
        "secrets read a --version x",
        "secrets write a k=v --if-version 1 --if-absent",
        "secrets batch",
        "auth login --client-id x",
        "completion tcsh",
        "run",
        "config get nothing",
        "config set timeout soon",
        "config set base_url nowhere",
    ] {
        let done = user.run(line);
        assert_eq!((done.status, done.out.as_str()), (5, ""), "{line}: {done:?}");
    }
    user.run("secrets read a --nothing").failed(5, "Error: unexpected argument '--nothing' found [cli_error]");
    let done = user.run("--json secrets read").failed(5, "");
    assert!(done.err.starts_with("{\n  \"error\": {\n    \"code\": \"cli_error\",\n    \"message\": "), "{done:?}");
}

#[test]
fn without_url_5_and_without_token_2() {
    User::new().run("secrets read a").failed(5, "No server");
    User::new().run("--url http://127.0.0.1:1 secrets read a").failed(2, "No token");
    let user = User::new().with("SCAIVAULT_URL", "http://127.0.0.1:1").with("SCAIVAULT_TOKEN_FILE", "/nothing/here");
    user.run("auth whoami").failed(2, "Token file");
}

// === configuration ===

#[test]
fn the_configuration_file_is_private_and_keeps_what_it_holds() {
    let user = User::new();
    user.run("config set base_url http://127.0.0.1:1").printed("Set base_url\n");
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(user.configuration()), 0o600);
    assert_eq!(mode(user.home.path().join(".scaivault")), 0o700);
    std::fs::write(user.configuration(), r#"{"mine":[1.50],"base_url":"http://127.0.0.1:1"}"#).unwrap();
    user.run(&format!("config set token {TOKEN}")).printed("Set token\n");
    user.run("config unset base_url --json").printed("{}\n");
    let content = std::fs::read_to_string(user.configuration()).unwrap();
    assert_eq!(content, format!("{{\n  \"mine\": [\n    1.50\n  ],\n  \"token\": \"{TOKEN}\"\n}}\n"));
    user.run("config get token").printed("skt_0aB4…\n");
    user.run("config get base_url").failed(4, "base_url is not set");
    user.run("config get timeout").printed("30s\n");
}

#[test]
fn effective_values_tell_their_source() {
    let user = User::new().with("SCAIVAULT_TENANT_ID", "tnt_a");
    user.run("config set tenant_id tnt_file").printed("Set tenant_id\n");
    user.run("config set output json").printed("Set output\n");
    std::fs::write(user.configuration(), r#"{"tenant_id":"tnt_file","timeout":"5s"}"#).unwrap();
    let done = user.run("config list --url http://flag --quiet").printed(
        "KEY         VALUE        SOURCE\n\
         base_url    http://flag  flag\n\
         token       -            -\n\
         tenant_id   tnt_a        environment\n\
         partner_id  -            -\n\
         ca_file     -            -\n\
         timeout     5s           file\n\
         output      table        default\n",
    );
    assert_eq!(done.err, "");
    user.run("config get tenant_id --tenant tnt_b").printed("tnt_b\n");
}

#[test]
fn a_malformed_configuration_file_exits_with_5() {
    let user = User::new();
    let file = user.file("broken.json", "{");
    user.run(&format!("--config {file} config list")).failed(5, "Configuration file broken.json: is not JSON");
    user.with("SCAIVAULT_CONFIG", &file).run("secrets read a").failed(5, "is not JSON");
}

// === requests ===

#[test]
fn requests_carry_identity_and_context() {
    let fake =
        Fake::start(&[(200, None, r#"{"path":"a/b","secret_type":"kv","version":3,"data":{"k":"v","n":null}}"#)]);
    let user = User::of(&fake).with("SCAIVAULT_PARTNER_ID", "ptn_x");
    user.run("secrets get a/b --tenant tnt_x --version 3 --include-expired")
        .printed("path: a/b\ntype: kv\nversion: 3\nupdated: -\nexpires: -\n\nKEY  VALUE\nk    v\nn    -\n");
    let seen = fake.seen().remove(0);
    assert_eq!(seen.line, "GET /v1/secrets/a/b?version=3&include_expired=true");
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(seen.header("user-agent"), Some("scaivault-cli/1.0.0"));
    assert_eq!(seen.header("x-tenant-id"), Some("tnt_x"));
    assert_eq!(seen.header("x-partner-id"), Some("ptn_x"));
    assert_eq!(seen.header("idempotency-key"), None);
}

#[test]
fn paths_reach_the_server_as_given() {
    for (path, line) in [
        ("/a", "GET /v1/secrets//a"),
        ("a/../b", "GET /v1/secrets/a%2F..%2Fb"),
        ("..", "GET /v1/secrets%2F.."),
        ("A%2e", "GET /v1/secrets/A%252e"),
    ] {
        let fake =
            Fake::start(&[(400, None, r#"{"error":{"code":"invalid_path","message":"Bad","request_id":"req_1"}}"#)]);
        User::of(&fake).run(&format!("secrets read {path}")).failed(5, "Error: Bad [invalid_path] (request req_1)");
        assert_eq!(fake.lines(), [line]);
    }
}

#[test]
fn one_idempotency_key_serves_all_repetitions() {
    let busy = (503, Some(("retry-after", "1")), r#"{"error":{"code":"service_unavailable","message":"Busy"}}"#);
    let done = (201, None, r#"{"path":"a","version":1,"created":true}"#);
    let fake = Fake::start(&[busy, (502, None, "<html>"), done]);
    let began = Instant::now();
    User::of(&fake).run("secrets write a k=v=w").printed("Created a version 1\n");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let seen = fake.seen();
    assert_eq!(seen.len(), 3);
    let key = seen[0].header("idempotency-key").unwrap();
    assert!(seen.iter().all(|seen| seen.header("idempotency-key") == Some(key)));
    assert!(seen.iter().all(|seen| seen.body == r#"{"data":{"k":"v=w"}}"#));
}

#[test]
fn repetitions_have_their_limits() {
    let error = |status| (status, None, r#"{"error":{"code":"internal_error","message":"No"}}"#);
    let fake = Fake::start(&[error(500), error(500), error(500)]);
    User::of(&fake).run("auth whoami").failed(1, "[internal_error]");
    assert_eq!(fake.lines().len(), 2);
    let late = (429, Some(("retry-after", "60")), r#"{"error":{"code":"rate_limited","message":"Wait"}}"#);
    let fake = Fake::start(&[late, late]);
    User::of(&fake).run("auth whoami --timeout 2s").failed(1, "[rate_limited]");
    assert_eq!(fake.lines().len(), 1);
    let began = Instant::now();
    User::new().run("--url http://127.0.0.1:1 --token x auth whoami").failed(1, "Cannot reach http://127.0.0.1:1");
    assert!(began.elapsed() >= Duration::from_millis(1_400), "three repetitions: 200, 400 and 800 ms");
}

#[test]
fn statuses_become_exit_statuses() {
    for (status, exit) in [(400, 5), (401, 2), (403, 3), (404, 4), (409, 1), (410, 4), (413, 5), (422, 5), (301, 1)] {
        let fake =
            Fake::start(&[(status, None, r#"{"error":{"code":"some_code","message":"Some","details":{"n":1.0}}}"#)]);
        let done = User::of(&fake).run("secrets metadata a --json").failed(exit, "\"n\": 1.0");
        assert!(done.err.starts_with("{\n  \"error\": {\n    \"code\": \"some_code\""), "{done:?}");
    }
}

#[test]
fn json_is_the_answer_with_all_its_digits() {
    let fake = Fake::start(&[(200, None, r#"{"z":12345678901234567890.10,"data":{"b":1e2,"a":"\u00e9"},"l":[]}"#)]);
    let expected = "{\n  \"z\": 12345678901234567890.10,\n  \"data\": {\n    \"b\": 1e2,\n    \"a\": \"\\u00e9\"\n  },\n  \"l\": []\n}\n";
    User::of(&fake).run("--json secrets read a").printed(expected);
    let fake = Fake::start(&[(204, None, "")]);
    User::of(&fake).run("--json secrets delete a --hard").printed("{}\n");
    assert_eq!(fake.lines(), ["DELETE /v1/secrets/a?permanent=true"]);
}

#[test]
fn the_trace_holds_no_secrets() {
    let answer = r#"{"path":"a","data":{"password":"hunter2"},"token":"skt_answer"}"#;
    let fake = Fake::start(&[(200, None, answer), (200, None, answer)]);
    let user = User::of(&fake).with("SCAIVAULT_DEBUG", "1");
    for done in [user.run("secrets write a k=opensesame --quiet"), user.run("secrets read a --field password")] {
        assert!(done.err.contains("> authorization: Bearer [redacted]"), "{done:?}");
        assert!(done.err.contains("/v1/secrets/a"), "{done:?}");
        for secret in ["hunter2", "opensesame", "skt_answer", TOKEN] {
            assert!(!done.err.contains(secret), "{done:?}");
        }
    }
}

// === auth, tokens ===

#[test]
fn a_login_stores_only_a_token_that_works() {
    let identity = r#"{"identity_id":"user:a","identity_type":"user","tenant_id":"tnt_a","partner_id":null,"scopes":["a","b"],"groups":[],"roles":[],"mfa_verified_at":null,"token_expires_at":null}"#;
    let refused = (401, None, r#"{"error":{"code":"authentication_required","message":"No"}}"#);
    let fake = Fake::start(&[refused, (200, None, identity), (200, None, identity), refused]);
    let user = User::new();
    user.run(&format!("auth login --url {} --token wrong", fake.url)).failed(2, "[authentication_required]");
    assert!(!user.configuration().exists());
    let lines = "identity_id: user:a\nidentity_type: user\ntenant_id: tnt_a\npartner_id: -\nscopes: a,b\ngroups: \nroles: \ntoken_expires_at: -\n";
    user.run_with_input(&format!("auth login --url {} --token-stdin", fake.url), &format!("{TOKEN}\n")).printed(lines);
    user.run("auth whoami").printed(lines);
    user.run("auth logout --revoke").printed("Logged out\n");
    user.run("auth whoami").failed(2, "No token");
    assert_eq!(fake.seen()[3].body, format!("{{\"token\":\"{TOKEN}\"}}"));
}

#[test]
fn client_credentials_are_used_when_there_is_no_token() {
    let fake = Fake::start(&[(200, None, r#"{"access_token":"header.payload.signature"}"#), (200, None, "{}")]);
    let user = User::new().with("SCAIVAULT_URL", &fake.url).with("SCAIKEY_URL", &fake.url);
    let user = user.with("SCAIKEY_CLIENT_ID", "me").with("SCAIKEY_CLIENT_SECRET", "s&c");
    assert_eq!(user.run("auth whoami").status, 0);
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /oauth/token");
    assert_eq!(seen[0].body, "grant_type=client_credentials&client_id=me&client_secret=s%26c");
    assert_eq!(seen[1].header("authorization"), Some("Bearer header.payload.signature"));
}

#[test]
fn a_token_that_cannot_be_stored_does_not_live_on() {
    let created = (201, None, r#"{"id":"tok_1","name":"n","token":"skt_new","scopes":["a"]}"#);
    let refused = (403, None, r#"{"error":{"code":"access_denied","message":"No"}}"#);
    let fake = Fake::start(&[created, created, (201, None, "{}"), created, refused, (204, None, "")]);
    let user = User::of(&fake);
    user.run("tokens create --name n --scopes a,b").printed("id: tok_1\nname: n\ntoken: skt_new\nscopes: a\n");
    user.run("tokens create --name n --scopes a --store-in x").printed("id: tok_1\nname: n\nscopes: a\nstored_in: x\n");
    user.run("tokens create --name n --scopes a --store-in x").failed(3, "[access_denied]");
    assert_eq!(fake.seen()[0].body, r#"{"name":"n","scopes":["a","b"]}"#);
    assert_eq!(fake.seen()[2].body, r#"{"data":{"token":"skt_new"}}"#);
    assert_eq!(fake.lines()[5], "DELETE /v1/auth/tokens/tok_1");
}

// === completion ===

#[test]
fn completion_scripts_ask_the_executable() {
    let fake = Fake::start(&[
        (200, None, r#"{"secrets":[{"path":"app/db"},{"path":"app/key"}]}"#),
        (200, None, r#"{"data":[{"id":"rot_daily"},{"id":"rot_weekly"}]}"#),
        (200, None, r#"{"data":[{"id":"rot_daily"},{"id":"rot_weekly"}]}"#),
        (200, None, r#"{"secret_policies":[{"id":"sp_db"}]}"#),
    ]);
    let user = User::of(&fake);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let done = user.run(&format!("completion {shell}"));
        assert_eq!(done.status, 0, "{done:?}");
        assert!(done.out.contains("scaivault") && done.out.contains("SCAIVAULT_COMPLETE"), "{done:?}");
    }
    let ask = |line: &str| {
        let mut command = user.command(line);
        command.env("SCAIVAULT_COMPLETE", "fish");
        Done::of(command.output().unwrap())
    };
    assert!(ask("-- scaivault secr").out.starts_with("secrets"));
    assert_eq!(ask("-- scaivault secrets read app/").out, "app/db\napp/key\n");
    assert_eq!(ask("-- scaivault rotation get rot_w").out, "rot_weekly\n");
    assert_eq!(ask("-- scaivault secrets update app/db --rotation-policy rot_").out, "rot_daily\nrot_weekly\n");
    assert_eq!(ask("-- scaivault rotation update rot_daily --secret-policy s").out, "sp_db\n");
}

#[test]
fn interrupted_commands_exit_with_130() {
    // Nobody answers: the request hangs until the interrupt.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let user = User::new().with("SCAIVAULT_URL", &url).with("SCAIVAULT_TOKEN", TOKEN);
    let child = user.command("auth whoami").stderr(Stdio::piped()).spawn().unwrap();
    let _connection = listener.accept().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().try_into().unwrap()), nix::sys::signal::SIGINT)
        .unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}
