//! Cursors: opaque, valid for a day, bound to endpoint, owner and filters.
//!
//! base64url of `tag (16) ‖ made at (8) ‖ key`; the tag is a keyed digest over all it is bound to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scaivault_commands::{Engine, Failure};
use scaivault_domain::{ErrorCode, Owner, Rejection, Timestamp};

const TAG: usize = 16;
const VALID_SECONDS: i64 = 24 * 3_600;

/// To what a cursor is bound.
pub struct Binding<'a> {
    /// Operation id.
    pub operation: &'a str,
    /// Owner of the rows.
    pub owner: &'a Owner,
    /// Filters in canonical form.
    pub filters: &'a str,
}

impl Binding<'_> {
    /// A cursor after the row `key`.
    pub fn cursor(&self, engine: &Engine, key: &str) -> Result<String, Failure> {
        let made_at = engine.now().as_micros().to_be_bytes();
        let tag = self.tag(engine, &made_at, key)?;
        Ok(URL_SAFE_NO_PAD.encode([tag.as_slice(), &made_at, key.as_bytes()].concat()))
    }

    /// The key of the row to go on after; `invalid_cursor` for anything else.
    pub fn key(&self, engine: &Engine, cursor: &str) -> Result<String, Failure> {
        let refused =
            || Rejection::new(ErrorCode::InvalidCursor, "The cursor is malformed, expired or from another query");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (tag, rest) = bytes.split_first_chunk::<TAG>().ok_or_else(refused)?;
        let (made_at, key) = rest.split_first_chunk::<8>().ok_or_else(refused)?;
        let key = std::str::from_utf8(key).map_err(|_| refused())?;
        // The tag is no secret of the caller's, but comparing it early would help nobody else.
        if self.tag(engine, made_at, key)? != *tag {
            return Err(refused().into());
        }
        let end = Timestamp::from_micros(i64::from_be_bytes(*made_at)).plus_seconds(VALID_SECONDS);
        if end < engine.now() {
            return Err(refused().into());
        }
        Ok(key.to_owned())
    }

    fn tag(&self, engine: &Engine, made_at: &[u8], key: &str) -> Result<[u8; TAG], Failure> {
        let parts = [self.operation.as_bytes(), self.filters.as_bytes(), made_at, key.as_bytes()];
        let message: Vec<u8> =
            parts.iter().flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.iter().copied())).collect();
        let full = engine.cursor_tag(self.owner, &message)?;
        let mut tag = [0; TAG];
        tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Ok(tag)
    }
}
