//! The client's configuration file: a JSON object, private to its owner, unknown keys kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

use zeroize::Zeroizing;

use super::error::Failure;
use super::json::{Json, layout};
use super::private_file;
use super::settings::Key;

/// The file and what it holds.
pub(crate) struct ConfigurationFile {
    path: PathBuf,
    content: Json,
}

// === impl ConfigurationFile ===

impl ConfigurationFile {
    /// Reads the file; one that is not there is empty. Unreadable or malformed → wrong usage.
    pub(crate) fn load(path: PathBuf) -> Result<Self, Failure> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::new("{}".to_owned()),
            Err(error) => return Err(fault(&path, &error.to_string())),
        };
        let content = Json::parse(&text).map_err(|reason| fault(&path, &format!("is not JSON: {reason}")))?;
        if !matches!(content, Json::Object(_)) {
            return Err(fault(&path, "is not a JSON object"));
        }
        for key in Key::ALL {
            match content.member(key.name()) {
                None | Some(Json::Null) => {}
                Some(Json::Text(text)) => {
                    key.check(text).map_err(|reason| fault(&path, &format!("{}: {reason}", key.name())))?;
                }
                Some(Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => {
                    return Err(fault(&path, &format!("{} must be a string", key.name())));
                }
            }
        }
        Ok(Self { path, content })
    }

    /// Where the file is, or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A value of the file; an empty one counts as unset.
    pub(crate) fn value(&self, key: Key) -> Option<&str> {
        self.content.member_text(key.name()).filter(|text| !text.is_empty())
    }

    /// Sets a value and writes the file.
    pub(crate) fn set(&mut self, key: Key, value: &str) -> Result<(), Failure> {
        self.content.set(key.name(), Json::text(value));
        self.store()
    }

    /// Removes a value and writes the file, if it was there.
    pub(crate) fn unset(&mut self, key: Key) -> Result<bool, Failure> {
        let removed = self.content.remove(key.name());
        if removed {
            self.store()?;
        }
        Ok(removed)
    }

    fn store(&self) -> Result<(), Failure> {
        let mut text = layout::indent(&self.content.compact());
        text.push('\n');
        let written = match self.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => private_file::make_directory(directory),
            _ => Ok(()),
        }
        .and_then(|()| private_file::write(&self.path, text.as_bytes()));
        written.map_err(|error| fault(&self.path, &format!("cannot be written: {error}")))
    }
}

fn fault(path: &Path, reason: &str) -> Failure {
    Failure::usage(format!("Configuration file {}: {reason}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, r#"{"later":{"n":1.10},"timeout":"5s"}"#).unwrap();
        let mut file = ConfigurationFile::load(path.clone()).ok().unwrap();
        file.set(Key::BaseUrl, "http://h").ok().unwrap();
        file.unset(Key::Timeout).ok().unwrap();
        let expected = "{\n  \"later\": {\n    \"n\": 1.10\n  },\n  \"base_url\": \"http://h\"\n}\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn malformed_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for text in ["", "[]", "{", r#"{"token":5}"#, r#"{"output":"xml"}"#, r#"{"timeout":"soon"}"#] {
            fs::write(&path, text).unwrap();
            assert!(ConfigurationFile::load(path.clone()).is_err(), "{text}");
        }
        assert!(ConfigurationFile::load(directory.path().to_owned()).is_err());
        assert!(ConfigurationFile::load(directory.path().join("absent")).is_ok());
    }
}
