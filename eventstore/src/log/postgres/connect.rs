//! A connection pool whose every wait ends, on a server that fits.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

use super::lent::{Silence, TRIAL};
use crate::StoreError;
use crate::log::row;

/// How long a call waits for a connection, connecting included.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection idle for longer is tried before use.
const STALE: Duration = Duration::from_secs(1);

/// Oldest server version served, as in `server_version_num`.
const OLDEST: u32 = 140_000;

/// Set on every connection.
///
/// - A process that is stopped or cut off in mid-append must not hold the head for long: until it
///   is given up, all others wait. They wait a little longer than that, so that they get it.
/// - A commit that is acknowledged must be on disk, whatever the server's default is; stronger
///   settings stay.
/// - Plans are kept while the tables grow from nothing: without the last two lines one made for an
///   empty table may scan the whole log.
const SESSION: &str = "SET statement_timeout = '30s'; \
                       SET lock_timeout = '7s'; \
                       SET idle_in_transaction_session_timeout = '5s'; \
                       SET default_transaction_isolation = 'read committed'; \
                       SELECT set_config('synchronous_commit', 'on', false) \
                           WHERE current_setting('synchronous_commit') = 'off'; \
                       SET enable_seqscan = off; \
                       SET jit = off";

pub(super) async fn connect(url: &str, size: u32, silence: Arc<Silence>) -> Result<PgPool, StoreError> {
    // The text of the URL stays out of messages: it holds the password.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(StoreError::Setup("the database URL must begin with postgres:// or postgresql://".into()));
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Setup(format!("the database URL cannot be used: {error}")))?
        .application_name("scaivault")
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(move |connection, state| {
            let silence = Arc::clone(&silence);
            Box::pin(async move {
                if !silence.is_over_for(state.idle_for) {
                    return Ok(false);
                }
                if state.idle_for > STALE {
                    tokio::time::timeout(TRIAL, connection.ping()).await.map_err(|elapsed| {
                        silence.found();
                        sqlx::Error::Io(elapsed.into())
                    })??;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(SESSION)).await.map(drop) })
        })
        .connect_with(options)
        .await
        .map_err(refused)?;
    let mut connection = pool.acquire().await.map_err(refused)?;
    check_version(&mut connection).await?;
    Ok(pool)
}

async fn check_version(connection: &mut PgConnection) -> Result<(), StoreError> {
    let text: String =
        sqlx::query_scalar("SHOW server_version_num").fetch_one(connection).await.map_err(row::failed)?;
    check(&text)
}

fn check(version: &str) -> Result<(), StoreError> {
    match version.parse::<u32>() {
        Ok(number) if number >= OLDEST => Ok(()),
        Ok(number) => Err(StoreError::Setup(format!(
            "the database server is PostgreSQL {}, but 14 or later is needed: upgrade it, or use another server",
            number / 10_000
        ))),
        Err(_) => Err(StoreError::Setup(format!(
            "the database server reports version {version:?}: PostgreSQL 14 or later is needed"
        ))),
    }
}

/// Tells what only an operator can mend from what passes.
fn refused(error: sqlx::Error) -> StoreError {
    let state = error.as_database_error().and_then(|database| database.code()).unwrap_or_default();
    // Invalid authorisation, and unknown database.
    let for_good = state.starts_with("28") || state == "3D000";
    if for_good || matches!(error, sqlx::Error::Configuration(_) | sqlx::Error::Tls(_)) {
        return StoreError::Setup(format!("the database refuses the connection: {error}"));
    }
    row::failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_before_14_are_refused_in_words() {
        assert!(check("140000").is_ok());
        assert!(check("170002").is_ok());
        let Err(StoreError::Setup(text)) = check("130011") else { unreachable!("13 is too old") };
        assert!(text.contains("PostgreSQL 13") && text.contains("14 or later"), "{text}");
        assert!(matches!(check("CockroachDB"), Err(StoreError::Setup(_))));
    }
}
