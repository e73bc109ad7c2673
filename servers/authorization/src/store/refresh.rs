//! Refresh tokens: each is used once, and gives the next one (S9).

use std::convert::Infallible;

use sqlx::{Row as _, SqliteConnection};

use super::{
    Grant, Redeemed, Store, StoreError,
    grants::{grant, replayed},
    hash,
};

/// Keeps a refresh token of this grant.
pub(super) async fn insert(
    writing: &mut SqliteConnection,
    grant: &str,
    (token, expires): (&str, i64),
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO refresh_tokens (hash, grant_id, expires) VALUES ($1, $2, $3)")
        .bind(hash(token))
        .bind(grant)
        .bind(expires)
        .execute(writing)
        .await?;
    Ok(())
}

impl Store {
    /// Uses a refresh token of this client and keeps the next one, in one step: of two that send it at the same time one gets
    /// something, and the grant has ended for both (RFC 9700 §4.14.2).
    pub async fn rotate(
        &self,
        token: &str,
        client: &str,
        next: (&str, i64),
        now: i64,
    ) -> Result<Redeemed<Infallible>, StoreError> {
        let hash_of_old = hash(token);
        let mut writing = self.writing().await?;
        let used = sqlx::query(
            "UPDATE refresh_tokens SET used = $1 WHERE hash = $2 AND used IS NULL AND expires > $1 AND grant_id IN \
             (SELECT id FROM grants WHERE client = $3 AND ended IS NULL AND expires > $1) RETURNING grant_id",
        )
        .bind(now)
        .bind(&hash_of_old)
        .bind(client)
        .fetch_optional(&mut *writing)
        .await?;
        let Some(used) = used else {
            let ended = "UPDATE grants SET ended = COALESCE(ended, $1) WHERE id IN \
                 (SELECT grant_id FROM refresh_tokens WHERE hash = $2 AND used IS NOT NULL) RETURNING id";
            return replayed(writing, ended, &hash_of_old, now).await;
        };
        let id: String = used.try_get("grant_id")?;
        insert(&mut writing, &id, next).await?;
        let row = sqlx::query("SELECT * FROM grants WHERE id = $1")
            .bind(&id)
            .fetch_one(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(Redeemed::Good(grant(&row)?))
    }

    /// Ends the grant that this refresh token of this client is of, if it stands, and says which. Also by one that was used: whoever never got
    /// the answer has no newer one to end it by.
    pub async fn end_of(
        &self,
        token: &str,
        client: &str,
        now: i64,
    ) -> Result<Option<String>, StoreError> {
        // what comes back comes before it is committed; outside of a transaction nobody would hear that this has failed
        let mut writing = self.writing().await?;
        let ended = sqlx::query(
            "UPDATE grants SET ended = $1 WHERE client = $2 AND ended IS NULL AND id IN \
             (SELECT grant_id FROM refresh_tokens WHERE hash = $3) RETURNING id",
        )
        .bind(now)
        .bind(client)
        .bind(hash(token))
        .fetch_optional(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(ended.map(|row| row.try_get("id")).transpose()?)
    }

    /// The grant of a refresh token that could be used now.
    pub async fn refresh_token(&self, token: &str, now: i64) -> Result<Option<Grant>, StoreError> {
        let row = sqlx::query(
            "SELECT grants.* FROM refresh_tokens JOIN grants ON grants.id = grant_id \
             WHERE hash = $1 AND used IS NULL AND refresh_tokens.expires > $2 AND ended IS NULL",
        )
        .bind(hash(token))
        .bind(now)
        .fetch_optional(&self.reading)
        .await?;
        Ok(row.as_ref().map(grant).transpose()?)
    }
}
