//! What an operator sees of the configuration: values that are taken, and every problem that is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::rate_limit::RateLimit;
use super::*;

/// Variables of a start that works, with `more` on top.
fn production(directory: &Path, more: &[(&str, &str)]) -> Result<Configuration, Problems> {
    let data = directory.join("data");
    let mut variables = vec![("DATA_DIR", data.to_str().unwrap())];
    variables.extend_from_slice(more);
    Configuration::load(&Environment::of(variables), &ServerFlags::default(), Mode::Production)
}

fn dev(variables: &[(&str, &str)], flags: &ServerFlags) -> Result<Configuration, Problems> {
    Configuration::load(&Environment::of(variables.iter().copied()), flags, Mode::Dev)
}

/// The variables that have problems.
fn faulty(result: Result<Configuration, Problems>) -> Vec<String> {
    result.expect_err("a problem").iter().map(|problem| problem.variable.clone()).collect()
}

#[test]
fn defaults_are_those_of_the_contract() {
    let directory = TempDir::new().unwrap();
    let configuration = production(directory.path(), &[]).unwrap();
    let data = directory.path().join("data");
    assert_eq!(configuration.bind.to_string(), "0.0.0.0:8443");
    assert_eq!(configuration.storage, Storage::Embedded);
    assert_eq!(configuration.key_provider, KeyProvider::File { path: data.join("root.key") });
    assert_eq!(configuration.node_id, "vault-host");
    assert_eq!(configuration.request_timeout, Duration::from_secs(30));
    assert_eq!(configuration.shutdown_grace, Duration::from_secs(30));
    assert_eq!(configuration.key_cache_ttl, Duration::from_secs(300));
    assert_eq!((configuration.log_level, configuration.log_format), (LogLevel::Info, LogFormat::Json));
    assert_eq!(configuration.audit_origin.text, "scaivault/audit");
    assert_eq!(configuration.export_directory, Some(data.join("exports")));
    assert_eq!(configuration.backup_directory, Some(data.join("backups")));
    let metrics = configuration.metrics.unwrap();
    assert_eq!((metrics.address.to_string().as_str(), metrics.explicit), ("127.0.0.1:9464", false));
    assert_eq!(configuration.metrics_auth, MetricsAuth::None);
    assert!(!configuration.allow_private_webhooks);
    let bootstrap = configuration.bootstrap.unwrap();
    assert_eq!((bootstrap.partner.id.as_str(), bootstrap.tenant.id.as_str()), ("ptn_default", "tnt_default"));
    assert_eq!(bootstrap.admin, "root@default");
    let read = RateLimit { per_minute: 1000, enforced: true };
    assert_eq!(configuration.rate_limits.categories["secrets_read"], read);
    assert_eq!(configuration.rate_limits.categories.len(), 24);
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn values_are_taken() {
    let directory = TempDir::new().unwrap();
    let configuration = production(
        directory.path(),
        &[
            ("BIND_ADDRESS", "[::1]:0"),
            ("BASE_URL", "https://vault.example.com:8443"),
            ("DATABASE_URL", "postgres://u:hunter2@db/x"),
            ("DATABASE_POOL_SIZE", "5"),
            ("NODE_ID", "vault-1"),
            ("REQUEST_TIMEOUT", "1m30s"),
            ("LOG_LEVEL", "debug"),
            ("METRICS_BIND_ADDRESS", "off"),
            ("METRICS_AUTH", "token"),
            ("KMS_PROVIDER", "passphrase"),
            ("KMS_PASSPHRASE", "correct horse battery"),
            ("RATE_LIMIT_SECRETS_READ", "7"),
            ("SCAIVAULT_BOOTSTRAP_TENANT", "Acme Prod"),
            ("UNRELATED", "x"),
            ("LOG_FORMAT", ""),
        ],
    )
    .unwrap();
    assert_eq!(configuration.bind.to_string(), "[::1]:0");
    assert_eq!(configuration.audit_origin.text, "vault.example.com/audit");
    assert_eq!(configuration.request_timeout, Duration::from_secs(90));
    assert_eq!(configuration.metrics, None);
    assert_eq!(configuration.metrics_auth, MetricsAuth::Token);
    assert_eq!(configuration.log_format, LogFormat::Json);
    assert_eq!(configuration.rate_limits.categories["secrets_read"].per_minute, 7);
    assert_eq!(configuration.bootstrap.as_ref().unwrap().admin, "root@acme-prod");
    let Storage::Postgres { url, pool_size } = &configuration.storage else { panic!("not Postgres") };
    assert_eq!((url.expose(), *pool_size), ("postgres://u:hunter2@db/x", 5));
    let printed = format!("{configuration:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("horse") && printed.contains("[sealed]"), "{printed}");
}

#[test]
fn flags_override_variables() {
    let directory = TempDir::new().unwrap();
    let chosen = directory.path().join("chosen");
    let flags = ServerFlags {
        bind: Some("127.0.0.1:1".to_owned()),
        data_directory: Some(chosen.clone()),
        log_level: Some("error".to_owned()),
        log_format: Some("text".to_owned()),
    };
    let environment = Environment::of([
        ("BIND_ADDRESS", "nonsense"),
        ("DATA_DIR", "/dev/null/x"),
        ("LOG_LEVEL", "nonsense"),
        ("LOG_FORMAT", "nonsense"),
    ]);
    let configuration = Configuration::load(&environment, &flags, Mode::Production).unwrap();
    assert_eq!(configuration.bind.to_string(), "127.0.0.1:1");
    assert_eq!(configuration.data_directory, Some(chosen));
    assert_eq!((configuration.log_level, configuration.log_format), (LogLevel::Error, LogFormat::Text));
    let flags = ServerFlags { bind: Some("x".to_owned()), log_level: Some(String::new()), ..ServerFlags::default() };
    assert_eq!(faulty(dev(&[], &flags)), ["--bind", "--log-level"]);
}

#[test]
fn all_problems_are_found_at_once() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("BIND_ADDRESS", "8443"),
        ("BASE_URL", "https://vault.example.com/path"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("KMS_PROVIDER", "magic"),
        ("NODE_ID", "a b"),
        ("TLS_CERT_FILE", "/nowhere.pem"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 10.0.0.0/33"),
        ("REQUEST_TIMEOUT", "11m"),
        ("SHUTDOWN_GRACE", "30"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("KEY_CACHE_TTL", "25h"),
        ("AUDIT_ORIGIN", "a+b"),
        ("METRICS_BIND_ADDRESS", "on"),
        ("METRICS_AUTH", "yes"),
        ("RATE_LIMIT_ENABLED", "TRUE"),
        ("RATE_LIMIT_AUTH", "0"),
        ("RATE_LIMIT_SECRET_READ", "5"),
        ("ALLOW_PRIVATE_WEBHOOKS", "1"),
        ("SCAIVAULT_BOOTSTRAP_PARTNER", "tnt_x"),
        ("SCAIVAULT_BOOTSTRAP_ADMIN", "root"),
        ("NATS_PREFIX", "a.b"),
        ("IDENTITY_SYNC_ENABLED", "no"),
        ("IDENTITY_SYNC_INTERVAL", "1s"),
        ("AUDIT_MODE", "lax"),
    ];
    let problems = production(directory.path(), &variables).expect_err("problems");
    let text = problems.to_string();
    let mut found: Vec<&str> = problems.iter().map(|problem| problem.variable.as_str()).collect();
    let mut expected: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(text.lines().count(), variables.len() + 1, "{text}");
    assert!(text.starts_with("the configuration has 26 problems:\n"), "{text}");
}

#[test]
fn what_comes_later_is_refused() {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("OBJECT_STORAGE_BUCKET", "b"),
        ("KMS_PROVIDER", "tpm"),
        ("OBJECT_STORAGE_PROVIDER", "s3"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"),
        ("ACME_HTTP_ADDRESS", "0.0.0.0:80"),
        ("ACME_TLS_ADDRESS", "0.0.0.0:443"),
        ("CUSTOM_ENGINE_DIR", "/x"),
    ];
    for variable in variables {
        assert_eq!(faulty(production(directory.path(), &[variable])), [variable.0]);
    }
    let text = production(directory.path(), &variables[..1]).expect_err("a problem").to_string();
    assert_eq!(
        text,
        "the configuration has 1 problem:\n  OBJECT_STORAGE_BUCKET is set, but this build has no object storage yet; unset it"
    );
}

#[test]
fn scaikey_is_asked_over_https() {
    let directory = TempDir::new().unwrap();
    assert_eq!(production(directory.path(), &[]).unwrap().scaikey, None);
    let variables = [
        ("SCAIKEY_URL", "https://id.example/"),
        ("SCAIKEY_JWKS_URL", "https://keys.example/jwks?v=1"),
        ("SCAIKEY_AUDIENCE", "vault"),
    ];
    let scaikey = production(directory.path(), &variables).unwrap().scaikey.unwrap();
    assert_eq!((scaikey.url.as_str(), scaikey.audience.as_str()), ("https://id.example", "vault"));
    assert_eq!(scaikey.jwks_url.as_deref(), Some("https://keys.example/jwks?v=1"));
    let plain = production(directory.path(), &variables[..1]).unwrap().scaikey.unwrap();
    assert_eq!((plain.audience.as_str(), plain.jwks_url), ("scaivault", None));
    for faulty_url in ["http://id.example", "http://127.0.0.1:1", "id.example", "https://u:hunter2@id.example"] {
        let problems = production(directory.path(), &[("SCAIKEY_URL", faulty_url)]);
        assert!(!problems.as_ref().unwrap_err().to_string().contains("hunter2"));
        assert_eq!(faulty(problems), ["SCAIKEY_URL"], "{faulty_url}");
    }
}

#[test]
fn scaikey_is_asked_with_credentials_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let url = ("SCAIKEY_URL", "https://id.example/");
    let client = [("SCAIKEY_CLIENT_ID", "vault"), ("SCAIKEY_CLIENT_SECRET", "hunter2")];
    let none = production(directory.path(), &[]).unwrap().synchronisation;
    assert!(none.url.is_none() && none.interval.is_none());
    let whole = production(directory.path(), &[url, client[0], client[1]]).unwrap().synchronisation;
    assert_eq!(whole.url.as_deref(), Some("https://id.example"));
    assert_eq!(whole.interval, Some(Duration::from_secs(3_600)));
    assert!(!format!("{whole:?}").contains("hunter2"));
    let off = [url, client[0], client[1], ("IDENTITY_SYNC_ENABLED", "false")];
    assert_eq!(production(directory.path(), &off).unwrap().synchronisation.interval, None);
    for (name, value) in
        [client[0], client[1], ("SCAIKEY_URL", "http://id.example"), ("SCAIKEY_WEBHOOK_SECRET", "short")]
    {
        assert_eq!(faulty(production(directory.path(), &[(name, value)])), [name]);
    }
}

#[test]
fn the_bus_is_nats_or_inside() {
    let directory = TempDir::new().unwrap();
    assert_eq!(production(directory.path(), &[("NATS_PREFIX", "x")]).unwrap().nats, None);
    let file = directory.path().join("credentials");
    std::fs::write(&file, "x").unwrap();
    let variables = [
        ("NATS_URL", "nats://ann:hunter2@one:4222, tls://two"),
        ("NATS_CREDENTIALS_FILE", file.to_str().unwrap()),
        ("NATS_PREFIX", "vault_2"),
    ];
    let configuration = production(directory.path(), &variables).unwrap();
    let nats = configuration.nats.as_ref().unwrap();
    let urls: Vec<&str> = nats.urls.iter().map(Sealed::expose).collect();
    assert_eq!(urls, ["nats://ann:hunter2@one:4222", "tls://two"]);
    assert_eq!((nats.prefix.as_str(), nats.credentials_file.as_deref()), ("vault_2", Some(file.as_path())));
    assert!(!format!("{configuration:?}").contains("hunter2"));
    let alone = production(directory.path(), &[("NATS_CREDENTIALS_FILE", "/nowhere")]).unwrap();
    assert_eq!((alone.nats, alone.warnings.len()), (None, 1));
    assert_eq!(production(directory.path(), &variables[..1]).unwrap().nats.unwrap().prefix, "scaivault");
    for wrong in ["one:4222", "nats://one,", "http://ann:hunter2@one", "nats://ann:hunter2@one/x"] {
        let text = production(directory.path(), &[("NATS_URL", wrong)]).expect_err(wrong).to_string();
        assert!(text.contains("NATS_URL") && !text.contains("hunter2"), "{text}");
    }
    for wrong in ["/nowhere", directory.path().to_str().unwrap()] {
        let result = production(directory.path(), &[("NATS_URL", "nats://one"), ("NATS_CREDENTIALS_FILE", wrong)]);
        assert_eq!(faulty(result), ["NATS_CREDENTIALS_FILE"]);
    }
}

#[test]
fn secrets_come_from_files_too() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("url");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "postgres://u:hunter2@db/x\n").unwrap();
    let configuration = production(directory.path(), &[("DATABASE_URL_FILE", path)]).unwrap();
    let Storage::Postgres { url, .. } = configuration.storage else { panic!("not Postgres") };
    assert_eq!(url.expose(), "postgres://u:hunter2@db/x");
    let both = [("DATABASE_URL_FILE", path), ("DATABASE_URL", "postgres://db/x")];
    assert_eq!(faulty(production(directory.path(), &both)), ["DATABASE_URL"]);
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(faulty(production(directory.path(), &[("DATABASE_URL_FILE", path)])), ["DATABASE_URL_FILE"]);
    assert_eq!(faulty(production(directory.path(), &[("DATABASE_URL_FILE", "/nowhere")])), ["DATABASE_URL_FILE"]);
}

#[test]
fn the_root_key_is_guarded() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "x").unwrap();
    let variables = [("KMS_KEY_FILE", file.to_str().unwrap())];
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let result = production(directory.path(), &variables);
        assert_eq!(result.is_ok(), fine, "{mode:o} {result:?}");
    }
    let short = [("KMS_PROVIDER", "passphrase"), ("KMS_PASSPHRASE", "elevenchars")];
    let text = production(directory.path(), &short).expect_err("a problem").to_string();
    assert!(text.contains("KMS_PASSPHRASE") && !text.contains("elevenchars"), "{text}");
    let configuration = production(directory.path(), &short[..1]).unwrap();
    assert_eq!(configuration.key_provider, KeyProvider::Passphrase { passphrase: None });
    let unused = production(directory.path(), &short[1..]).unwrap();
    assert_eq!(unused.warnings.len(), 1);
}

#[test]
fn the_data_directory_must_be_one() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let result = production(directory.path(), &[("DATA_DIR", path.to_str().unwrap())]);
        assert_eq!(faulty(result), ["DATA_DIR"]);
    }
    let result = production(directory.path(), &[("EXPORT_DIR", file.to_str().unwrap())]);
    assert_eq!(faulty(result), ["EXPORT_DIR"]);
}

#[test]
fn dev_mode_keeps_nothing_and_ignores_production() {
    let variables = [
        ("DATABASE_URL", "mysql://nonsense"),
        ("NATS_URL", "nonsense"),
        ("KMS_PROVIDER", "magic"),
        ("SCAIVAULT_BOOTSTRAP_ADMIN", "nonsense"),
        ("SCAIVAULT_DEV_ROOT_TOKEN", "root-token"),
        ("RATE_LIMIT_AUTH", "5"),
    ];
    let configuration = dev(&variables, &ServerFlags::default()).unwrap();
    assert_eq!(configuration.bind.to_string(), "127.0.0.1:8200");
    assert_eq!((configuration.storage, configuration.key_provider), (Storage::Memory, KeyProvider::Memory));
    assert_eq!(configuration.data_directory, None);
    assert_eq!(configuration.metrics, None);
    assert_eq!(configuration.log_format, LogFormat::Text);
    assert_eq!((configuration.bootstrap, configuration.nats), (None, None));
    assert_eq!(configuration.dev_root_token.unwrap().expose(), "root-token");
    assert!(configuration.allow_private_webhooks);
    assert_eq!(configuration.rate_limits.categories["auth"], RateLimit { per_minute: 5, enforced: true });
    assert_eq!(configuration.rate_limits.categories["public"], RateLimit { per_minute: 300, enforced: false });
    assert_eq!(configuration.warnings.len(), 4, "{:?}", configuration.warnings);
    for token in ["short", "has space", "ümlaut-token"] {
        let text = dev(&[("SCAIVAULT_DEV_ROOT_TOKEN", token)], &ServerFlags::default()).expect_err(token).to_string();
        assert!(text.contains("SCAIVAULT_DEV_ROOT_TOKEN") && !text.contains(token), "{text}");
    }
}

#[test]
fn dev_mode_keeps_its_contents_in_a_directory() {
    let directory = TempDir::new().unwrap();
    let flags = ServerFlags { data_directory: Some(directory.path().to_owned()), ..ServerFlags::default() };
    let configuration = dev(&[], &flags).unwrap();
    assert_eq!(configuration.storage, Storage::Embedded);
    assert_eq!(configuration.key_provider, KeyProvider::File { path: directory.path().join("root.key") });
}

#[test]
fn a_host_name_that_is_no_node_id_is_a_problem() {
    let environment = Environment::of([]).with_host_name("bad name");
    assert_eq!(faulty(Configuration::load(&environment, &ServerFlags::default(), Mode::Dev)), ["NODE_ID"]);
}

#[test]
fn a_token_file_must_not_exist_when_it_is_needed() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("token");
    let variables = [("SCAIVAULT_BOOTSTRAP_TOKEN_FILE", file.to_str().unwrap())];
    let bootstrap = production(directory.path(), &variables).unwrap().bootstrap.unwrap();
    assert_eq!(bootstrap.token_file_problem(), None);
    std::fs::write(&file, "").unwrap();
    assert!(bootstrap.token_file_problem().is_some());
}

#[test]
fn tls_files_are_tried() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = write("tls.crt", &made.cert.pem());
    let key = write("tls.key", &made.signing_key.serialize_pem());
    let other_key = write("other.key", &other.signing_key.serialize_pem());
    let load = |certificate: &str, key: &str| {
        production(directory.path(), &[("TLS_CERT_FILE", certificate), ("TLS_KEY_FILE", key)])
    };
    assert!(load(&certificate, &key).unwrap().tls.is_some());
    assert_eq!(faulty(load(&certificate, &other_key)), ["TLS_KEY_FILE"]);
    assert_eq!(faulty(load(&key, &key)), ["TLS_CERT_FILE"]);
    assert_eq!(faulty(load(&certificate, &certificate)), ["TLS_KEY_FILE"]);
    assert_eq!(faulty(load(&certificate, "/nowhere")), ["TLS_KEY_FILE"]);
}
