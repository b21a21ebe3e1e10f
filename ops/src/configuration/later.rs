//! Variables whose meaning this build would lose in silence: what they ask for comes with later builds. Setting one is
//! a start-up problem, never ignored.

use super::reader::Reader;

/// Variables and what is missing behind them.
const REFUSED: &[(&str, &str)] = &[
    ("OBJECT_STORAGE_PROVIDER", "object storage"),
    ("OBJECT_STORAGE_BUCKET", "object storage"),
    ("OBJECT_STORAGE_REGION", "object storage"),
    ("OBJECT_STORAGE_ENDPOINT", "object storage"),
    ("OBJECT_STORAGE_ACCESS_KEY_ID", "object storage"),
    ("OBJECT_STORAGE_SECRET_ACCESS_KEY", "object storage"),
    ("OBJECT_STORAGE_SECRET_ACCESS_KEY_FILE", "object storage"),
    ("ACME_HTTP_ADDRESS", "challenge listener"),
    ("ACME_TLS_ADDRESS", "challenge listener"),
    ("CUSTOM_ENGINE_DIR", "custom engines"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "export of traces"),
];

/// Refuses what is set of the variables of later builds.
pub(crate) fn refuse(reader: &mut Reader<'_>) {
    for &(variable, missing) in REFUSED {
        if reader.environment().has(variable) {
            reader.problem(variable, format!("is set, but this build has no {missing} yet"), "unset it");
        }
    }
}
