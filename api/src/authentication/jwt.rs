//! JSON Web Tokens as text (RFC 7515, RFC 7519): what is in one, before anything of it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scaivault_domain::issuer::{Algorithm, Claims};
use scaivault_domain::{ErrorCode, Rejection};
use serde_json::{Map, Value};

use crate::json::Members;

/// A token taken apart.
pub struct Jwt<'a> {
    /// What the signature covers: header and claims as they were sent.
    pub signed: &'a str,
    /// The signature, base64url.
    pub signature: &'a str,
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// By which key of the issuer. Other hints at keys (`jwk`, `jku`, `x5u`, `x5c`) are ignored.
    pub key_id: Option<String>,
    /// `iss`.
    pub issuer: String,
    /// What it claims.
    pub claims: Claims,
}

/// `token_invalid`.
pub fn invalid(sentence: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::TokenInvalid, sentence)
}

/// Whether a text is shaped like a JWT: three parts, the first of them the beginning of an object.
pub fn is_shaped(text: &str) -> bool {
    let mut parts = text.split('.');
    let first = parts.next().unwrap_or_default();
    first.starts_with("ey") && parts.next().is_some_and(|claims| !claims.is_empty()) && parts.count() == 1
}

impl<'a> Jwt<'a> {
    /// Takes a token apart; `token_invalid` if it is none that could be accepted.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        let malformed = || invalid("The token is malformed");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header = object(header).ok_or_else(malformed)?;
        if header.contains_key("crit") {
            return Err(invalid("The token's header has extensions that must be understood and are not"));
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        let algorithm = algorithm.ok_or_else(|| invalid("The token's algorithm is not accepted"))?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(malformed()),
        };
        let claims = Claims(object(claims).ok_or_else(malformed)?);
        let issuer = claims.0.get("iss").and_then(Value::as_str);
        let issuer = issuer.ok_or_else(|| invalid("The token names no issuer"))?.to_owned();
        Ok(Self { signed, signature, algorithm, key_id, issuer, claims })
    }
}

/// One JSON object in strict base64url, without duplicate keys.
fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    Members::of_body(&bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn only_sound_tokens_are_taken_apart() {
        let sound =
            token(r#"{"alg":"ES256","kid":"a","typ":"at+jwt","jku":"https://evil"}"#, r#"{"iss":"i","sub":"s"}"#);
        let parsed = Jwt::parse(&sound).unwrap();
        assert_eq!(
            (parsed.algorithm, parsed.key_id.as_deref(), parsed.issuer.as_str()),
            (Algorithm::Es256, Some("a"), "i")
        );
        assert_eq!((parsed.signature, parsed.claims.subject()), ("c2ln", "s"));
        for (header, claims) in [
            (r#"{"alg":"none"}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"HS256"}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"es256"}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":["ES256"]}"#, r#"{"iss":"i"}"#),
            (r#"{}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"ES256","crit":["b64"]}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"ES256","kid":1}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"ES256","alg":"none"}"#, r#"{"iss":"i"}"#),
            (r#"{"alg":"ES256"}"#, r#"{"iss":"i","iss":"j"}"#),
            (r#"{"alg":"ES256"}"#, r#"{"iss":["i"]}"#),
            (r#"{"alg":"ES256"}"#, r#"["iss"]"#),
            (r#"{"alg":"ES256"}"#, ""),
        ] {
            let refused = Jwt::parse(&token(header, claims)).map(|_| ()).unwrap_err();
            assert_eq!(refused.code, ErrorCode::TokenInvalid, "{header} {claims}");
        }
        assert!(is_shaped(&sound) && is_shaped("eyJ.eyJ.") && !is_shaped("eyJ.eyJ") && !is_shaped("eyJ.a.b.c"));
        assert!(Jwt::parse(&sound.replace("ey", "e=")).is_err());
    }
}
