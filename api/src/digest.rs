//! SHA-256 over parts, each with its length, so that no two splits give the same digest.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

/// Hexadecimal digest.
pub fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
