//! What came of a person's consent: a code, then tokens, until somebody ends it.

use mcp_auth::ScopeSet;
use sqlx::{
    Row as _, Transaction,
    sqlite::{Sqlite, SqliteRow},
};

use super::{Store, StoreError, hash, refresh};

/// What a person has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The client.
    pub client: String,
    /// The person.
    pub person: String,
    /// His stamp at that time.
    pub stamp: String,
    /// The server that it is for (RFC 8707).
    pub resource: String,
    /// The scopes.
    pub scope: ScopeSet,
}

/// The same, with its name: all that comes of it carries this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: String,
    /// What was allowed.
    pub allowed: Allowed,
}

/// What became of a code or a refresh token that somebody has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Redeemed<E> {
    /// It was good, and is used now.
    Good(Grant),
    /// It was used now, by somebody whom it does not fit.
    Unfit(E),
    /// It was used before: the grant has ended, and with it all that came of it.
    Again(String),
    /// Nobody was given it, or it has ended.
    Unknown,
}

/// What a code is bound to beside its grant.
#[derive(Debug, PartialEq, Eq)]
pub struct Binding {
    /// The redirect URI that it was sent to.
    pub redirect: String,
    /// The PKCE challenge (RFC 7636), S256.
    pub challenge: String,
}

pub(super) fn grant(row: &SqliteRow) -> Result<Grant, sqlx::Error> {
    let scope: String = row.try_get("scope")?;
    let allowed = Allowed {
        client: row.try_get("client")?,
        person: row.try_get("person")?,
        stamp: row.try_get("stamp")?,
        resource: row.try_get("resource")?,
        scope: scope.split(' ').collect(),
    };
    Ok(Grant { id: row.try_get("id")?, allowed })
}

impl Store {
    /// Keeps a grant of this name and its code.
    pub async fn keep_code(
        &self,
        grant: &Grant,
        code: &str,
        binding: &Binding,
        code_expires: i64,
        grant_expires: i64,
    ) -> Result<(), StoreError> {
        let Allowed { client, person, stamp, resource, scope } = &grant.allowed;
        let mut writing = self.writing().await?;
        sqlx::query(
            "INSERT INTO grants (id, client, person, stamp, resource, scope, expires) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&grant.id)
        .bind(client)
        .bind(person)
        .bind(stamp)
        .bind(resource)
        .bind(scope.to_string())
        .bind(grant_expires)
        .execute(&mut *writing)
        .await?;
        sqlx::query(
            "INSERT INTO codes (hash, grant_id, redirect, challenge, expires) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(hash(code))
        .bind(&grant.id)
        .bind(&binding.redirect)
        .bind(&binding.challenge)
        .bind(code_expires)
        .execute(&mut *writing)
        .await?;
        Ok(writing.commit().await?)
    }

    /// Uses a code, whoever sends it: it is good for one attempt, and a second one ends what the first gave (OAuth 2.1 §4.1.3). If
    /// the attempt `fits`, the refresh token is kept in the same step: so of fifty at once one is answered.
    pub async fn use_code<E>(
        &self,
        code: &str,
        next: (&str, i64),
        now: i64,
        fits: impl FnOnce(&Grant, &Binding) -> Result<bool, E>,
    ) -> Result<Redeemed<E>, StoreError> {
        let code = hash(code);
        let mut writing = self.writing().await?;
        let used = sqlx::query(
            "UPDATE codes SET used = $1 WHERE hash = $2 AND used IS NULL AND expires > $1 \
             RETURNING grant_id, redirect, challenge",
        )
        .bind(now)
        .bind(&code)
        .fetch_optional(&mut *writing)
        .await?;
        let Some(used) = used else {
            let ended = "UPDATE grants SET ended = COALESCE(ended, $1) WHERE id IN \
                 (SELECT grant_id FROM codes WHERE hash = $2 AND used IS NOT NULL) RETURNING id";
            return replayed(writing, ended, &code, now).await;
        };
        let id: String = used.try_get("grant_id")?;
        let row =
            sqlx::query("SELECT * FROM grants WHERE id = $1 AND ended IS NULL AND expires > $2")
                .bind(&id)
                .bind(now)
                .fetch_optional(&mut *writing)
                .await?;
        let Some(row) = row else {
            writing.commit().await?;
            return Ok(Redeemed::Unknown);
        };
        let grant = grant(&row)?;
        let binding =
            Binding { redirect: used.try_get("redirect")?, challenge: used.try_get("challenge")? };
        let fits = fits(&grant, &binding);
        if let Ok(true) = fits {
            refresh::insert(&mut writing, &id, next).await?;
        }
        writing.commit().await?;
        Ok(match fits {
            Ok(_) => Redeemed::Good(grant),
            Err(why) => Redeemed::Unfit(why),
        })
    }

    /// Ends a grant, and with it all that came of it.
    pub async fn end(&self, grant: &str, now: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE grants SET ended = COALESCE(ended, $1) WHERE id = $2")
            .bind(now)
            .bind(grant)
            .execute(&self.writing)
            .await?;
        Ok(())
    }
}

/// What becomes of a code or a refresh token that cannot be used: if it was used before, all that came of its grant ends.
pub(super) async fn replayed<E>(
    mut writing: Transaction<'static, Sqlite>,
    end: &'static str,
    hash: &str,
    now: i64,
) -> Result<Redeemed<E>, StoreError> {
    let ended = sqlx::query(end).bind(now).bind(hash).fetch_optional(&mut *writing).await?;
    writing.commit().await?;
    Ok(match ended {
        Some(row) => Redeemed::Again(row.try_get("id")?),
        None => Redeemed::Unknown,
    })
}
