//! The command of `run`: found before it is started, with the environment it inherits.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::error::{Exit, Failure};

/// Variables that would hand the caller's own access to the command.
const ACCESS: [&str; 3] = ["SCAIVAULT_TOKEN", "SCAIVAULT_TOKEN_FILE", "SCAIKEY_CLIENT_SECRET"];

/// An executable with its arguments.
pub(super) struct Program {
    file: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
    clean: bool,
    keep_token: bool,
}

// === impl Program ===

impl Program {
    /// Looks the command up in the present `PATH`, whatever environment it will have itself.
    pub(super) fn find(command: &[OsString], clean: bool, keep_token: bool) -> Result<Self, Failure> {
        let Some((name, arguments)) = command.split_first() else {
            return Err(Failure::usage("A command is missing"));
        };
        let file = locate(name, std::env::var_os("PATH").as_deref())?;
        Ok(Self { file, name: name.clone(), arguments: arguments.to_vec(), clean, keep_token })
    }

    /// The process to start, with these variables besides what it inherits.
    pub(super) fn command(&self, variables: &[(String, Zeroizing<String>)]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.file);
        command.arg0(&self.name).args(&self.arguments);
        if self.clean {
            command.env_clear();
        }
        for name in ACCESS {
            match std::env::var_os(name) {
                Some(value) if self.keep_token => command.env(name, value),
                _ => command.env_remove(name),
            };
        }
        for (name, value) in variables {
            command.env(name, value.as_str());
        }
        command
    }

    /// Why it could not be started.
    pub(super) fn fault(&self, error: &std::io::Error) -> Failure {
        let absent = error.kind() == std::io::ErrorKind::NotFound;
        let exit = if absent { Exit::COMMAND_NOT_FOUND } else { Exit::NOT_EXECUTABLE };
        Failure::local(exit, format!("{}: {error}", self.name.display()))
    }
}

fn locate(name: &OsStr, search: Option<&OsStr>) -> Result<PathBuf, Failure> {
    let candidates: Vec<PathBuf> = if name.as_encoded_bytes().contains(&b'/') {
        vec![PathBuf::from(name)]
    } else {
        std::env::split_paths(search.unwrap_or(OsStr::new("/usr/bin:/bin")))
            .map(|directory| directory.join(name))
            .collect()
    };
    if let Some(file) = candidates.iter().find(|file| is_executable(file)) {
        return Ok(file.clone());
    }
    if !name.is_empty() && candidates.iter().any(|file| file.exists()) {
        return Err(Failure::local(Exit::NOT_EXECUTABLE, format!("{}: not executable", name.display())));
    }
    Err(Failure::local(Exit::COMMAND_NOT_FOUND, format!("{}: command not found", name.display())))
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_as_shells_find_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tool");
        fs::write(&file, "").unwrap();
        let search = Some(directory.path().as_os_str());
        let outcome = |name: &str| locate(OsStr::new(name), search).map_err(|failure| failure.exit()).map(|_| ());
        assert_eq!(outcome("tool"), Err(Exit::NOT_EXECUTABLE));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(outcome("tool"), Ok(()));
        assert_eq!(outcome("other"), Err(Exit::COMMAND_NOT_FOUND));
        assert_eq!(outcome("./other/x"), Err(Exit::COMMAND_NOT_FOUND));
        assert_eq!(outcome(""), Err(Exit::COMMAND_NOT_FOUND));
    }
}
