//! The ordered in-process feed: what this process committed, in order, to those who fold it.
