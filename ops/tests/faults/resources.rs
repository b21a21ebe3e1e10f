//! What a node holds: threads, open files, sessions with the database.

use std::fs;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

/// Counted at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    pub threads: usize,
    pub files: usize,
}

/// Of a process.
pub fn of(process: u32) -> Resources {
    let count = |name: &str| fs::read_dir(format!("/proc/{process}/{name}")).unwrap().count();
    Resources { threads: count("task"), files: count("fd") }
}

/// Sessions of nodes with the database at `url`.
pub async fn sessions(url: &str) -> usize {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scaivault' \
                 AND datname = current_database()";
    let count: i64 = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    usize::try_from(count).unwrap()
}

/// Waits until a count is no higher than it may be.
pub async fn settles<F: Future<Output = usize>>(what: &str, most: usize, count: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let now = count().await;
        if now <= most {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {now}, and no more than {most} are due");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
