//! The command line of exports.
