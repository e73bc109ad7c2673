//! How is a database opened or made, and why can one not be used?

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_auth::issuer::disk::{DiskError, must_be_private, write_new};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, place::Place, standing::Asked};

/// How long a write waits for another process, and how long for its turn: somebody is waiting for an answer.
const LOCKED: Duration = Duration::from_secs(2);
const TURN: Duration = Duration::from_secs(3);
/// Connections that read. More would not read faster: each is a thread.
const READERS: u32 = 3;

/// Why something could not be stored or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process does not let go of it, or there is more to do than can be done. It may be better in a moment.
    #[error("the database is locked by another process, or there is too much to write")]
    Busy,
    /// What is written goes where nobody will read it.
    #[error(
        "the database {} has been deleted, or another one stands in its place: what is written now will be lost; stop this server, bring the file back, and start again",
        .0.display()
    )]
    Gone(PathBuf),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_BUSY is 5; what stands above the lowest byte says how it came to that
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            _ if code.is_some_and(|code| code & 0xff == 5) => Self::Busy,
            error => Self::Database(error),
        }
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its file cannot be made, or others can read it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It cannot be opened, or is none.
    #[error("the database {}: {error}", file.display())]
    Failed {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: StoreError,
    },
    /// It has tables that are not ours.
    #[error("{} is a database of another program", .0.display())]
    Foreign(PathBuf),
    /// It knows more than we do.
    #[error("{} was written by a newer version of this program: start that one", .0.display())]
    Newer(PathBuf),
    /// It cannot be brought up to date.
    #[error("the database {} cannot be brought up to date: {error}", file.display())]
    Migration {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: MigrateError,
    },
}

impl Store {
    /// The database in this file, which is made if it is not there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(file: &Path) -> Result<Self, OpenError> {
        private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // committed is committed when the program is killed; when the power fails, the last moments may be lost
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(LOCKED)
            .foreign_keys(true);
        let failed =
            |error: sqlx::Error| OpenError::Failed { file: file.into(), error: error.into() };
        let writing = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        if is_foreign(&mut *writing.acquire().await.map_err(failed)?).await.map_err(failed)? {
            return Err(OpenError::Foreign(file.into()));
        }
        migrate(&writing, file).await?;
        let reading = pool(READERS).connect_with(options.read_only(true)).await.map_err(failed)?;
        let place = Place::of(file).map_err(|error| failed(error.into()))?;
        Ok(Self { reading, writing, file: Some(place), _kept: None, asked: Asked::default() })
    }

    /// A database that ends with this value.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn in_memory() -> Result<Self, OpenError> {
        let file = Path::new("in memory");
        let failed =
            |error: sqlx::Error| OpenError::Failed { file: file.into(), error: error.into() };
        // by this name, unlike by `in_memory`, several connections find the same
        let options: SqliteConnectOptions = "sqlite::memory:".parse().map_err(failed)?;
        let options = options.foreign_keys(true);
        // the database ends with its last connection, and a pool may close its own when somebody hangs up
        let kept = options.connect().await.map_err(failed)?;
        let pool = pool(1).connect_with(options).await.map_err(failed)?;
        migrate(&pool, file).await?;
        let kept = Some(Arc::new(Mutex::new(kept)));
        Ok(Self {
            reading: pool.clone(),
            writing: pool,
            file: None,
            _kept: kept,
            asked: Asked::default(),
        })
    }
}

/// So many connections, for as long as there is a store.
fn pool(most: u32) -> SqlitePoolOptions {
    let pool = SqlitePoolOptions::new().max_connections(most).acquire_timeout(TURN);
    // a connection to a file does not go stale by lying there, and to ask whether it has takes as long as a query
    let pool = pool.test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    pool.after_release(|connection, _| {
        Box::pin(async move {
            // where a commit has failed, or somebody has hung up, it may not have ended: what others wrote by this connection
            // would be a part of it, and never be committed
            if connection.is_in_transaction() {
                connection.ping().await?; // when this is answered, a rollback that was on its way is done
            }
            Ok(!connection.is_in_transaction())
        })
    })
}

async fn migrate(pool: &SqlitePool, file: &Path) -> Result<(), OpenError> {
    sqlx::migrate!().run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) => OpenError::Newer(file.into()),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            OpenError::Failed { file: file.into(), error: error.into() }
        }
        error => OpenError::Migration { file: file.into(), error },
    })
}

/// Has it tables, and none that says which of ours?
async fn is_foreign(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(connection).await?;
    Ok(!names.is_empty() && !names.iter().any(|name| name == "_sqlx_migrations"))
}

/// Makes the file if it is not there, for its owner alone: hashes of tokens, and who uses what, are nobody else's business.
fn private(file: &Path) -> Result<(), DiskError> {
    match write_new(file, "", true) {
        Err(DiskError::Io { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {
            must_be_private(file)
        }
        made => made,
    }
}
