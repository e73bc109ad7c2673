//! What must outlive a restart? Grants, codes, refresh tokens, sessions, consents and registered clients, in SQLite.
//!
//! What is consumed is consumed by one `UPDATE … WHERE used IS NULL`: of fifty at the same time one finds a row. A
//! transaction is committed before the answer is sent, so what a client has received is there after `kill -9` too; what
//! was not committed was not answered.

mod clients;
mod grants;
mod opening;
mod place;
mod refresh;
mod seen;
mod sessions;
mod standing;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_auth::issuer::disk::random;
use sqlx::{Row as _, SqliteConnection, SqlitePool, Transaction, sqlite::Sqlite};

pub use clients::{Kept, Registered, Room};
pub use grants::{Allowed, Binding, Grant, Redeemed};
pub use opening::{OpenError, StoreError};
use place::Place;
pub use sessions::About;
pub use standing::Token;

/// The database. What is asked of it fails when it does.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where nothing is written: who only reads waits for nobody, also while another process has the database locked.
    reading: SqlitePool,
    /// One connection, because one at a time can write: here they wait for each other in the order in which they came.
    writing: SqlitePool,
    /// The file, and by what it is known again.
    file: Option<Place>,
    /// A database in memory is there for as long as this.
    _kept: Option<Arc<Mutex<SqliteConnection>>>,
    asked: standing::Asked,
}

impl Store {
    /// A secret that is made when it is asked for first, and is the same for all who share this database.
    pub async fn secret(&self, name: &str) -> Result<String, StoreError> {
        let new = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(new).bind(name).bind(random()).execute(&self.writing).await?;
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1").bind(name);
        Ok(row.fetch_one(&self.reading).await?.try_get("value")?)
    }

    /// Can it be written, where the next start will look for it? A disk that is full can still be read, and a file that is gone
    /// can still be written.
    ///
    /// # Errors
    /// When it cannot, within a second.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if let Some(place) = &self.file {
            place.is_the_same()?;
        }
        let write = "INSERT INTO secrets (name, value) VALUES ('ready', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let written = sqlx::query(write).bind(random()).execute(&self.writing);
        match tokio::time::timeout(Duration::from_secs(1), written).await {
            Ok(written) => Ok(written.map(drop)?),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Writes everything into its one file, and lets go of it; waits some seconds at most for who is still at work.
    pub async fn close(&self) {
        for pool in [&self.reading, &self.writing] {
            let _ = tokio::time::timeout(Duration::from_secs(5), pool.close()).await; // the last one is the one that can write
        }
    }

    /// Forgets what has ended at this time.
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
            sqlx::query(statement).bind(now).execute(&self.writing).await?;
        }
        Ok(())
    }

    /// A transaction that writes. It takes its turn at once: one that reads first and then wants to write would fail.
    ///
    /// It does so by a first write of nothing: of a `begin_with("BEGIN IMMEDIATE")` that is cut off, when somebody hangs up, SQLx
    /// 0.8 leaves the transaction open, and the only connection that writes is lost.
    async fn writing(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let mut writing = self.writing.begin().await?;
        sqlx::query("DELETE FROM secrets WHERE FALSE").execute(&mut *writing).await?;
        Ok(writing)
    }
}

/// What is kept of a secret with 256 bits of chance.
#[must_use]
pub fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}
