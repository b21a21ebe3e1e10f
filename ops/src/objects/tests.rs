//! Files of exports: not there before they are finished, below their directory, deleted whole.
#![allow(clippy::unwrap_used)]
