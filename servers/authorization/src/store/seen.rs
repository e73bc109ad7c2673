//! What must not be taken again, until it would have ended by itself: access tokens that were revoked, assertions that were used.

use super::{Store, StoreError};

impl Store {
    /// Revokes one access token, until it would have ended.
    pub async fn revoke(&self, jti: &str, expires: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO revoked (jti, expires) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
        )
        .bind(jti)
        .bind(expires)
        .execute(&self.writing)
        .await?;
        Ok(())
    }

    /// Is this the first time that a client's assertion of this name comes (RFC 7523 §3)?
    pub async fn is_first(
        &self,
        client: &str,
        jti: &str,
        expires: i64,
    ) -> Result<bool, StoreError> {
        let kept = sqlx::query(
            "INSERT INTO assertions (client, jti, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(client)
        .bind(jti)
        .bind(expires)
        .execute(&self.writing)
        .await?;
        Ok(kept.rows_affected() == 1)
    }
}
