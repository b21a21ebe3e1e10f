//! `webhooks verify`: the check that a receiver makes, without a server.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use clap::Args;

use super::content::secret;
use crate::cli::error::{Exit, Failure};
use crate::cli::input;
use crate::cli::session::Session;

/// Arguments of `webhooks verify`.
#[derive(Args)]
#[command(
    after_help = "How old the delivery is, is not checked: receivers should refuse what is more than 300 s away."
)]
pub(crate) struct VerifyArguments {
    /// File with the secret of the webhook
    #[arg(long, value_name = "FILE")]
    secret_file: String,
    /// X-ScaiVault-Timestamp of the delivery
    #[arg(long, value_name = "SECONDS")]
    timestamp: String,
    /// X-ScaiVault-Signature of the delivery, sha256=…
    #[arg(long)]
    signature: String,
}

/// Says whether the signature is right.
pub(super) async fn run(session: &Session, arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let VerifyArguments { secret_file, timestamp, signature } = arguments;
    if secret_file == "-" {
        return Err(Failure::usage("Standard input has the body; give the secret in a file"));
    }
    let secret = secret(secret_file).await?;
    let body = input::text("-").await?;
    if !is_signed(secret.as_bytes(), timestamp, body.as_bytes(), signature) {
        return Err(Failure::general("The signature does not fit the body, the timestamp and the secret"));
    }
    session.output.done("The signature is right")?;
    Ok(Exit::SUCCESS)
}

/// HMAC-SHA256 over `<timestamp>.<body>`, compared in constant time.
fn is_signed(secret: &[u8], timestamp: &str, body: &[u8], signature: &str) -> bool {
    let Some(tag) = signature.strip_prefix("sha256=").and_then(bytes) else { return false };
    let signed = [timestamp.as_bytes(), b".", body].concat();
    hmac::verify(&hmac::Key::new(HMAC_SHA256, secret), &signed, &tag).is_ok()
}

/// Bytes in lower-case hexadecimal.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |of: u8| match of {
        b'0'..=b'9' => Some(of - b'0'),
        b'a'..=b'f' => Some(of - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let pairs = pairs.iter().map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?));
    if rest.is_empty() { pairs.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_contract_is_right_and_nothing_else() {
        let secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let right = "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964";
        assert!(is_signed(secret, "1614265330", body, right));
        assert!(!is_signed(secret, "1614265331", body, right));
        assert!(!is_signed(b"another secret", "1614265330", body, right));
        assert!(!is_signed(secret, "1614265330", b"{}", right));
        for wrong in ["", "sha256=", "sha256=2e", "sha256=zz", &right[7..], &right.to_uppercase(), &right[..70]] {
            assert!(!is_signed(secret, "1614265330", body, wrong), "{wrong}");
        }
    }
}
