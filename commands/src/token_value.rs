//! The text of opaque tokens: prefix, 43 base62 characters of randomness, 6 of checksum.

use scaivault_eventstore::sealing::secret_key::SecretKey;
use zeroize::Zeroizing;

use crate::Failure;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;
/// Characters of a value that are shown to recognise it.
const SHOWN: usize = 8;

/// A fresh personal token, `skt_…`.
pub fn personal() -> Result<Zeroizing<String>, Failure> {
    fresh("skt_")
}

/// A fresh key of a service account, `sak_…`.
pub fn service_account_key() -> Result<Zeroizing<String>, Failure> {
    fresh("sak_")
}

/// A fresh exchanged token, `sxt_…`.
pub fn exchanged() -> Result<Zeroizing<String>, Failure> {
    fresh("sxt_")
}

fn fresh(prefix: &str) -> Result<Zeroizing<String>, Failure> {
    let random = SecretKey::random()?;
    let mut text = Zeroizing::new(String::with_capacity(53));
    text.push_str(prefix);
    text.push_str(&base62(random.as_bytes(), RANDOM));
    let checksum = checksum(&text);
    text.extend(checksum.map(char::from));
    Ok(text)
}

/// Whether a text is shaped like an opaque token: `^(skt|sak|sxt)_[0-9A-Za-z]{49}$`.
pub fn is_shaped(text: &str) -> bool {
    let rest = ["skt_", "sak_", "sxt_"].iter().find_map(|prefix| text.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() == RANDOM + CHECKSUM && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether the checksum of a shaped token holds.
pub fn checksum_holds(text: &str) -> bool {
    let at = text.len().saturating_sub(CHECKSUM);
    match (text.get(..at), text.get(at..)) {
        (Some(body), Some(checksum)) => self::checksum(body) == *checksum.as_bytes(),
        (_, _) => false,
    }
}

/// The part of a value that is shown.
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN.min(text.chars().count() / 2)).collect()
}

/// CRC-32 in base 62, left-padded with `0`.
fn checksum(body: &str) -> [u8; CHECKSUM] {
    let mut number = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET.get(number as usize % ALPHABET.len()).copied().unwrap_or(b'0');
        number /= 62;
    }
    digits
}

/// Base 62, most significant digit first, left-padded with `0`.
fn base62(bytes: &[u8], width: usize) -> Zeroizing<String> {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut digits = Zeroizing::new(vec![b'0'; width]);
    for digit in digits.iter_mut().rev() {
        let mut remainder: u32 = 0;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        let index = usize::try_from(remainder).unwrap_or_default();
        *digit = ALPHABET.get(index).copied().unwrap_or(b'0');
    }
    Zeroizing::new(digits.iter().copied().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_have_the_documented_form() {
        let token = personal().unwrap();
        assert!(is_shaped(&token) && checksum_holds(&token), "{} characters", token.len());
        let mut altered = token.to_string();
        altered.replace_range(10..11, if &token[10..11] == "a" { "b" } else { "a" });
        assert!(is_shaped(&altered) && !checksum_holds(&altered));
        assert_eq!(*base62(&[0, 0, 0, 61], 6), "00000z");
        assert_eq!(*base62(&[0, 0, 0, 62], 6), "000010");
        assert_eq!(base62(&[0xff; 32], RANDOM).len(), RANDOM);
        assert_eq!(shown("skt_0aB4xyz9876543210"), "skt_0aB4");
    }
}
