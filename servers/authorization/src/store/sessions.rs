//! Who has logged in here, and what need he not be asked again?

use mcp_auth::ScopeSet;
use sqlx::Row as _;

use super::{Store, StoreError, hash};

impl Store {
    /// Keeps the session of a person.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_session(
        &self,
        secret: &str,
        person: &str,
        stamp: &str,
        expires: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO sessions (hash, person, stamp, expires) VALUES ($1, $2, $3, $4)")
            .bind(hash(secret))
            .bind(person)
            .bind(stamp)
            .bind(expires)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whose session is this, and under which stamp of his did it begin?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        secret: &str,
        now: i64,
    ) -> Result<Option<(String, String)>, StoreError> {
        let row =
            sqlx::query("SELECT person, stamp FROM sessions WHERE hash = $1 AND expires > $2")
                .bind(hash(secret))
                .bind(now)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row
            .map(|row| Ok::<_, sqlx::Error>((row.try_get("person")?, row.try_get("stamp")?)))
            .transpose()?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(hash(secret))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What a person has allowed this client at this server before, for answers that go to this place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consent(
        &self,
        person: &str,
        client: &str,
        resource: &str,
        place: &str,
        now: i64,
    ) -> Result<ScopeSet, StoreError> {
        let row = sqlx::query(
            "SELECT scope FROM consents WHERE person = $1 AND client = $2 AND resource = $3 AND place = $4 AND expires > $5",
        )
        .bind(person)
        .bind(client)
        .bind(resource)
        .bind(place)
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        let scope: Option<String> = row.map(|row| row.try_get("scope")).transpose()?;
        Ok(scope.unwrap_or_default().split(' ').collect())
    }

    /// Remembers what a person has allowed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember_consent(
        &self,
        person: &str,
        client: &str,
        resource: &str,
        place: &str,
        scope: &ScopeSet,
        expires: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO consents (person, client, resource, place, scope, expires) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (person, client, resource, place) DO UPDATE SET scope = excluded.scope, expires = excluded.expires",
        )
        .bind(person)
        .bind(client)
        .bind(resource)
        .bind(place)
        .bind(scope.to_string())
        .bind(expires)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
