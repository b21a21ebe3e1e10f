//! What commands read besides their arguments: standard input, files, `KEY=VALUE` pairs.

use std::io::Read;

use zeroize::Zeroizing;

use super::error::Failure;
use super::json::Json;

/// The text of a file, or of standard input for `-`.
pub(crate) async fn text(source: &str) -> Result<Zeroizing<String>, Failure> {
    let name = source.to_owned();
    // On a thread of its own, so that an interrupt is heard while nothing comes in.
    let read = tokio::task::spawn_blocking(move || {
        if name == "-" {
            let mut text = Zeroizing::new(String::new());
            std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(&name).map(Zeroizing::new)
        }
    });
    let shown = if source == "-" { "Standard input" } else { source };
    match read.await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(Failure::general(format!("{shown} cannot be read: {error}"))),
        Err(_) => Err(Failure::general(format!("{shown} cannot be read"))),
    }
}

/// One line of secret text from standard input, without its line break.
pub(crate) async fn line() -> Result<Zeroizing<String>, Failure> {
    let text = text("-").await?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A JSON object from a file, or from standard input for `-`.
pub(crate) async fn json_object(source: &str) -> Result<Json, Failure> {
    let text = text(source).await?;
    match Json::parse(&text) {
        Ok(object @ Json::Object(_)) => Ok(object),
        Ok(_) => Err(Failure::usage(format!("{source} does not hold a JSON object"))),
        Err(reason) => Err(Failure::usage(format!("{source} does not hold JSON: {reason}"))),
    }
}

/// Splits `NAME=VALUE` at the first `=`.
pub(crate) fn pair(text: &str) -> Result<(&str, &str), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        // The text itself is not repeated: it may be a secret whose name was forgotten.
        _ => Err(Failure::usage("A pair must have the form KEY=VALUE")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pairs_end_at_the_first_equals_sign() {
        assert_eq!(pair("a=b=c ").ok().unwrap(), ("a", "b=c "));
        assert_eq!(pair("a=").ok().unwrap(), ("a", ""));
        assert!(pair("a").is_err() && pair("=a").is_err());
    }
}
