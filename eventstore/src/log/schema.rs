//! The migrations, embedded. A version that is applied never changes; a new one is a new file.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::StoreError;

/// For SQLite.
pub(super) fn sqlite() -> Migrator {
    migrator(&[
        (1, "log", include_str!("../../migrations/sqlite/0001_log.sql")),
        (2, "tree", include_str!("../../migrations/sqlite/0002_tree.sql")),
        (3, "audit index", include_str!("../../migrations/sqlite/0003_audit_index.sql")),
    ])
}

/// For Postgres. The migrator holds an advisory lock, so that processes may start together.
pub(super) fn postgres() -> Migrator {
    migrator(&[
        (1, "log", include_str!("../../migrations/postgres/0001_log.sql")),
        (2, "leadership", include_str!("../../migrations/postgres/0002_leadership.sql")),
        (3, "tree", include_str!("../../migrations/postgres/0003_tree.sql")),
        (4, "audit index", include_str!("../../migrations/postgres/0004_audit_index.sql")),
    ])
}

/// Tells a schema that does not fit this program from a database that is away.
pub(super) fn failed(error: MigrateError) -> StoreError {
    if matches!(error, MigrateError::VersionMismatch(_) | MigrateError::VersionTooNew(..) | MigrateError::Dirty(_)) {
        return StoreError::Setup(format!("the database holds tables that this version did not make: {error}"));
    }
    StoreError::unavailable(error)
}

fn migrator(files: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = files
        .iter()
        .map(|&(version, description, sql)| {
            Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // During a rolling update an older process may start after a newer one has migrated.
    migrator.set_ignore_missing(true);
    migrator
}
