//! The value of a secret as given on the command line: pairs, files, or a JSON document.

use crate::cli::error::Failure;
use crate::cli::input;
use crate::cli::json::Json;

/// The data of `KEY=VALUE` pairs and `KEY=FILE` pairs, or of a JSON file; `None` if nothing was given.
pub(super) async fn gather(
    pairs: &[String],
    from_files: &[String],
    json_file: Option<&str>,
) -> Result<Option<Json>, Failure> {
    if let Some(source) = json_file {
        return input::json_object(source).await.map(Some);
    }
    let mut members = Vec::new();
    for text in pairs {
        let (name, value) = input::pair(text)?;
        members.push((name.to_owned(), Json::text(value)));
    }
    for text in from_files {
        let (name, file) = input::pair(text)?;
        let content = input::text(file).await?;
        members.push((name.to_owned(), Json::Text(content)));
    }
    for (index, (name, _)) in members.iter().enumerate() {
        if members.iter().skip(index + 1).any(|(other, _)| other == name) {
            return Err(Failure::usage(format!("'{name}' is given twice")));
        }
    }
    Ok((!members.is_empty()).then_some(Json::Object(members)))
}
