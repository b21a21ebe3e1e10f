//! What is generated is what others take: judged by openssl, ssh-keygen and the C library's crypt.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{made, values};
use crate::server::Server;

/// Runs a command with an input; what it prints.
fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn private_file(directory: &Path, name: &str, content: &str) -> String {
    let file = directory.join(name);
    std::fs::write(&file, content).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn openssl_takes_key_pairs() {
    let server = Server::start();
    let fields = json!([
        {"name": "rsa2048", "generator": "rsa_keypair"},
        {"name": "rsa3072", "generator": "rsa_keypair", "config": {"bits": 3072}},
        {"name": "p256", "generator": "ec_keypair"},
        {"name": "private_key", "generator": "ec_keypair", "config": {"curve": "P-384"}},
    ]);
    let made = values(&server, &made(&server, "Pairs", fields).await).await;
    for (name, public, kind) in [
        ("rsa2048", "rsa2048_public", "Private-Key: (2048 bit"),
        ("rsa3072", "rsa3072_public", "Private-Key: (3072 bit"),
        ("p256", "p256_public", "NIST CURVE: P-256"),
        ("private_key", "public_key", "NIST CURVE: P-384"),
    ] {
        let (private, public) = (made[name].as_str().unwrap(), made[public].as_str().unwrap());
        assert!(
            private.starts_with("-----BEGIN PRIVATE KEY-----\n") && private.ends_with("-----END PRIVATE KEY-----\n")
        );
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n") && public.ends_with("-----END PUBLIC KEY-----\n"));
        assert!(!private.ends_with("\n\n") && !public.ends_with("\n\n"));
        run("openssl", &["pkey", "-check", "-noout"], private);
        let text = run("openssl", &["pkey", "-noout", "-text"], private);
        assert!(text.contains(kind), "{text}");
        assert_eq!(run("openssl", &["pkey", "-pubout"], private), public, "{name}");
        assert_eq!(run("openssl", &["pkey", "-pubin", "-pubout"], public), public, "{name}");
    }
}

#[tokio::test]
async fn ssh_keygen_takes_key_pairs() {
    let server = Server::start();
    let fields = json!([
        {"name": "private_key", "generator": "ssh_keypair"},
        {"name": "commented", "generator": "ssh_keypair", "config": {"comment": "deploy@acme \"x\" $y"}},
        {"name": "rsa", "generator": "ssh_keypair", "config": {"key_type": "rsa", "bits": 2048, "comment": "ci"}},
        {"name": "larger", "generator": "ssh_keypair", "config": {"key_type": "rsa"}},
    ]);
    let made = values(&server, &made(&server, "SSH", fields).await).await;
    let directory = tempfile::tempdir().unwrap();
    for (name, public, kind, comment) in [
        ("private_key", "public_key", "ED25519", ""),
        ("commented", "commented_public", "ED25519", "deploy@acme \"x\" $y"),
        ("rsa", "rsa_public", "RSA", "ci"),
        ("larger", "larger_public", "RSA", ""),
    ] {
        let (private, public) = (made[name].as_str().unwrap(), made[public].as_str().unwrap());
        assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        assert!(private.ends_with("-----END OPENSSH PRIVATE KEY-----\n"));
        let file = private_file(directory.path(), name, private);
        // Without a passphrase: reading it asks for none.
        let derived = run("ssh-keygen", &["-y", "-P", "", "-f", &file], "");
        assert_eq!(derived.trim_end_matches('\n').trim_end(), public, "{name}");
        assert!(!public.ends_with(['\n', ' ']) && public.ends_with(comment), "{public:?}");
        let listed = run("ssh-keygen", &["-l", "-f", &private_file(directory.path(), "authorized_keys", public)], "");
        assert!(listed.trim_end().ends_with(&format!("({kind})")), "{listed}");
        assert_eq!(listed.starts_with("3072 "), name == "larger", "{listed}");
        // What the private half signs, the public half verifies.
        let message = private_file(directory.path(), "message", "hello");
        let _ = std::fs::remove_file(directory.path().join("message.sig"));
        run("ssh-keygen", &["-q", "-Y", "sign", "-f", &file, "-n", "test", &message], "");
        let signers = private_file(directory.path(), "signers", &format!("me {public}\n"));
        let signature = format!("{message}.sig");
        run("ssh-keygen", &["-Y", "verify", "-f", &signers, "-I", "me", "-n", "test", "-s", &signature], "hello");
    }
}

/// perl's `crypt` is that of the C library, which knows `$2b$`.
#[tokio::test]
async fn crypt_finds_the_hash_of_the_password() {
    let server = Server::start();
    let fields = json!([
        {"name": "usual", "generator": "bcrypt_hash", "config": {"rounds": 10}},
        {"name": "longest", "generator": "bcrypt_hash", "config": {"rounds": 11, "length": 72, "charset": "ascii"}},
    ]);
    let made = values(&server, &made(&server, "Hashes", fields).await).await;
    for (name, rounds) in [("usual", "$2b$10$"), ("longest", "$2b$11$")] {
        let (password, hash) = (made[name].as_str().unwrap(), made[format!("{name}_hash")].as_str().unwrap());
        assert!(hash.starts_with(rounds) && hash.len() == 60, "{hash}");
        let program = "chomp(my $password = <STDIN>); chomp(my $hash = <STDIN>); print crypt($password, $hash)";
        assert_eq!(run("perl", &["-e", program], &format!("{password}\n{hash}\n")), hash, "{name}");
    }
}
