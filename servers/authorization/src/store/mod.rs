//! What must outlive a restart? Grants, codes, refresh tokens, sessions, consents and registered clients, in SQLite.
//!
//! What is consumed is consumed by one `UPDATE … WHERE used IS NULL`: of fifty at the same time one finds a row. A
//! transaction is committed before the answer is sent, so what a client has received is there after `kill -9` too; what
//! was not committed was not answered.

mod clients;
mod grants;
mod refresh;
mod seen;
mod sessions;

use std::{io::ErrorKind, path::Path, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::disk::{DiskError, must_be_private, random, write_new};
use sqlx::{
    Row as _, SqlitePool, Transaction,
    migrate::MigrateError,
    sqlite::{
        Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};

pub use clients::Registered;
pub use grants::{Allowed, Binding, Grant, Redeemed};

/// Why something could not be stored or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Its file cannot be made, or others can read it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It cannot be brought up to date.
    #[error("the database cannot be brought up to date: {0}")]
    Migration(#[from] MigrateError),
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// The database in this file, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, made or brought up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // committed is committed when the program is killed; when the power fails, the last moments may be lost
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        Self::with(SqlitePoolOptions::new().max_connections(4), options).await
    }

    /// A database that ends with this value.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        // each connection to memory would be a database of its own
        let pool = SqlitePoolOptions::new().max_connections(1).min_connections(1);
        Self::with(pool.idle_timeout(None).max_lifetime(None), options).await
    }

    async fn with(
        pool: SqlitePoolOptions,
        options: SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        let pool = pool.connect_with(options.foreign_keys(true)).await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// A secret that is made when it is asked for first, and is the same for all who share this database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret(&self, name: &str) -> Result<String, StoreError> {
        let new = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(new).bind(name).bind(random()).execute(&self.pool).await?;
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1").bind(name);
        Ok(row.fetch_one(&self.pool).await?.try_get("value")?)
    }

    /// Can it be written? A disk that is full, or a file that is gone, can still be read from memory.
    ///
    /// # Errors
    /// When it cannot, within a second.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let write = "INSERT INTO secrets (name, value) VALUES ('ready', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let written = sqlx::query(write).bind(random()).execute(&self.pool);
        match tokio::time::timeout(Duration::from_secs(1), written).await {
            Ok(written) => Ok(written.map(drop)?),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Writes everything into its one file, and lets go of it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Forgets what has ended at this time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clean(&self, now: i64) -> Result<(), StoreError> {
        for statement in [
            // a code that nobody came for was all that there was
            "DELETE FROM grants WHERE expires <= $1 OR id IN \
             (SELECT grant_id FROM codes WHERE expires <= $1 AND used IS NULL)",
            "DELETE FROM refresh_tokens WHERE expires <= $1",
            "DELETE FROM revoked WHERE expires <= $1",
            "DELETE FROM assertions WHERE expires <= $1",
            "DELETE FROM sessions WHERE expires <= $1",
            "DELETE FROM consents WHERE expires <= $1",
        ] {
            sqlx::query(statement).bind(now).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// A transaction that writes. It takes its turn at once: one that reads first and then wants to write would fail.
    async fn writing(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Makes the file if it is not there, for its owner alone: hashes of tokens, and who uses what, are nobody else's business.
fn private(file: &Path) -> Result<(), StoreError> {
    match write_new(file, "", true) {
        Err(DiskError::Io { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(must_be_private(file)?)
        }
        made => Ok(made?),
    }
}

/// What is kept of a secret with 256 bits of chance.
#[must_use]
pub fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}
