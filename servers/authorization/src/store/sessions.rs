//! Who has logged in here, and what need he not be asked again?

use mcp_auth::ScopeSet;
use sqlx::Row as _;

use super::{Store, StoreError, hash};

/// What a consent is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Who allows.
    pub person: &'a str,
    /// His stamp: whoever has the name after him has not allowed it.
    pub stamp: &'a str,
    /// Whom he allows.
    pub client: &'a str,
    /// At which server.
    pub resource: &'a str,
    /// Where the answers go ([`crate::redirect::place`]).
    pub place: &'a str,
}

impl Store {
    /// Keeps the session of a person.
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
            .execute(&self.writing)
            .await?;
        Ok(())
    }

    /// Whose session is this, and under which stamp of his did it begin?
    pub async fn session(
        &self,
        secret: &str,
        now: i64,
    ) -> Result<Option<(String, String)>, StoreError> {
        let row =
            sqlx::query("SELECT person, stamp FROM sessions WHERE hash = $1 AND expires > $2")
                .bind(hash(secret))
                .bind(now)
                .fetch_optional(&self.reading)
                .await?;
        Ok(row
            .map(|row| Ok::<_, sqlx::Error>((row.try_get("person")?, row.try_get("stamp")?)))
            .transpose()?)
    }

    /// Ends a session.
    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(hash(secret))
            .execute(&self.writing)
            .await?;
        Ok(())
    }

    /// What a person has allowed before, under this stamp of his.
    pub async fn consent(&self, about: &About<'_>, now: i64) -> Result<ScopeSet, StoreError> {
        let row = sqlx::query(
            "SELECT scope FROM consents WHERE person = $1 AND stamp = $2 AND client = $3 AND resource = $4 AND place = $5 AND expires > $6",
        )
        .bind(about.person)
        .bind(about.stamp)
        .bind(about.client)
        .bind(about.resource)
        .bind(about.place)
        .bind(now)
        .fetch_optional(&self.reading)
        .await?;
        let scope: Option<String> = row.map(|row| row.try_get("scope")).transpose()?;
        Ok(scope.unwrap_or_default().split(' ').collect())
    }

    /// Remembers what a person has allowed.
    pub async fn remember_consent(
        &self,
        about: &About<'_>,
        scope: &ScopeSet,
        expires: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO consents (person, stamp, client, resource, place, scope, expires) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (person, client, resource, place) DO UPDATE SET stamp = excluded.stamp, scope = excluded.scope, expires = excluded.expires",
        )
        .bind(about.person)
        .bind(about.stamp)
        .bind(about.client)
        .bind(about.resource)
        .bind(about.place)
        .bind(scope.to_string())
        .bind(expires)
        .execute(&self.writing)
        .await?;
        Ok(())
    }
}
