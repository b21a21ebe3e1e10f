//! Sealing of bodies and the key hierarchy.
