//! Names what snapshots hold: a digest of the sources that decide what a fold comes to.
//!
//! A change of any of them, if only of a comment, makes earlier snapshots those of another schema,
//! and the next start folds the log anew. Nobody has to think of raising a number.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let mut digest = Fnv::default();
    for directory in ["src", "../domain/src", "../eventstore/src"] {
        println!("cargo::rerun-if-changed={directory}");
        let mut files = Vec::new();
        collect(Path::new(directory), &mut files)?;
        files.sort();
        for file in files {
            digest.update(file.to_string_lossy().as_bytes());
            digest.update(&fs::read(&file)?);
        }
    }
    println!("cargo::rustc-env=SCAIVAULT_FOLD_SCHEMA={:032x}", digest.0);
    Ok(())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// FNV-1a with 128 bits (RFC 9923): enough to tell sources apart that nobody makes alike on purpose.
struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv {
    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
