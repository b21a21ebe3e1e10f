//! A configured secret. It cannot be printed or serialised, and its memory is wiped when it is dropped.

use std::fmt;

use zeroize::Zeroizing;

/// Text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(Zeroizing<String>);

// === impl Sealed ===

impl Sealed {
    /// Takes over `value`; the caller keeps no copy.
    pub(crate) fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[sealed]")
    }
}
