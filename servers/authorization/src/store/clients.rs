//! Which clients have registered themselves (RFC 7591)?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sqlx::{
    Row as _, Transaction,
    sqlite::{Sqlite, SqliteRow},
};

use super::{Store, StoreError};

/// A client that has registered itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its `client_id`.
    pub id: String,
    /// Its metadata as it was accepted, an object of JSON.
    pub metadata: String,
    /// The hash of its secret, if it has one.
    pub secret: Option<String>,
    /// The hash of the token by which it is read, changed and deleted (RFC 7592).
    pub registration: String,
    /// Where it registered from.
    pub address: String,
    /// When, in seconds since 1970.
    pub created: i64,
    /// When it got a token last, give or take an hour.
    pub used: Option<i64>,
}

/// How many clients there may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// In all.
    pub most: i64,
    /// From one address, without a token yet.
    pub from_one: i64,
    /// Seconds that a client has for its first token before it may have to make room.
    pub spared: i64,
    /// As many of one net, or of one person, are no crowd: none of them makes room before its time.
    pub few: i64,
}

impl Default for Room {
    fn default() -> Self {
        Self { most: 10_000, from_one: 100, spared: 600, few: 20 }
    }
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Yes,
    /// There are as many as may be, and none that would make room.
    Full,
    /// So many are from its address and have got no token yet.
    TooManyFromOne(i64),
}

fn registered(row: &SqliteRow) -> Result<Registered, sqlx::Error> {
    Ok(Registered {
        id: row.try_get("id")?,
        metadata: row.try_get("metadata")?,
        secret: row.try_get("secret")?,
        registration: row.try_get("registration")?,
        address: row.try_get("address")?,
        created: row.try_get("created")?,
        used: row.try_get("used")?,
    })
}

impl Store {
    /// Keeps a client, if there is room, or if one makes room.
    pub async fn register(&self, client: &Registered, room: Room) -> Result<Kept, StoreError> {
        let mut writing = self.writing().await?;
        let from_one = "SELECT COUNT(*) FROM clients WHERE address = $1 AND used IS NULL";
        let from_one = sqlx::query_scalar(from_one).bind(&client.address);
        let from_one: i64 = from_one.fetch_one(&mut *writing).await?;
        if from_one >= room.from_one {
            return Ok(Kept::TooManyFromOne(from_one));
        }
        let all = sqlx::query_scalar("SELECT COUNT(*) FROM clients");
        let all: i64 = all.fetch_one(&mut *writing).await?;
        if all >= room.most {
            let gone = makes_room(&mut writing, client, room).await?;
            let Some(gone) = gone else { return Ok(Kept::Full) };
            remove(&mut writing, &gone, client.created).await?;
        }
        sqlx::query(
            "INSERT INTO clients (id, metadata, secret, registration, address, net, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&client.id)
        .bind(&client.metadata)
        .bind(&client.secret)
        .bind(&client.registration)
        .bind(&client.address)
        .bind(net(&client.address))
        .bind(client.created)
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(Kept::Yes)
    }

    /// The client of this id.
    pub async fn registered(&self, id: &str) -> Result<Option<Registered>, StoreError> {
        let row = sqlx::query("SELECT * FROM clients WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reading)
            .await?;
        Ok(row.as_ref().map(registered).transpose()?)
    }

    /// All clients, the newest first.
    pub async fn all_registered(&self) -> Result<Vec<Registered>, StoreError> {
        let rows = sqlx::query("SELECT * FROM clients ORDER BY created DESC, id");
        let rows = rows.fetch_all(&self.reading).await?;
        Ok(rows.iter().map(registered).collect::<Result<_, _>>()?)
    }

    /// Notes that a client has got a token, and by whom it was allowed first.
    pub async fn is_in_use(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let note = "UPDATE clients SET used = $1, person = \
             COALESCE(person, (SELECT person FROM grants WHERE client = $2 LIMIT 1)) WHERE id = $2";
        sqlx::query(note).bind(now).bind(id).execute(&self.writing).await?;
        Ok(())
    }

    /// Changes what a client says of itself.
    pub async fn change(&self, id: &str, metadata: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE clients SET metadata = $1 WHERE id = $2")
            .bind(metadata)
            .bind(id)
            .execute(&self.writing)
            .await?;
        Ok(())
    }

    /// Deletes a client, and ends what people have allowed it.
    pub async fn unregister(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let mut writing = self.writing().await?;
        remove(&mut writing, id, now).await?;
        Ok(writing.commit().await?)
    }

    /// Deletes clients that have got no token since `idle`, and those that have registered before `new` and never got one.
    pub async fn expire_clients(&self, idle: i64, new: i64) -> Result<u64, StoreError> {
        let gone = "DELETE FROM clients WHERE used < $1 OR (used IS NULL AND created < $2)";
        let gone = sqlx::query(gone).bind(idle).bind(new).execute(&self.writing);
        Ok(gone.await?.rows_affected())
    }
}

/// Who makes room for this client? The oldest that was never used, if it had its time; else the oldest of the net that has the
/// most of those, if they are a crowd, and more than this one's net has then: or a stranger with some hundred addresses, from each of which he
/// registers as many as he may, could keep everybody else out. Else, of the person with the most, the one that was used longest
/// ago: or somebody with an account could do the same by using each of his own once.
async fn makes_room(
    writing: &mut Transaction<'static, Sqlite>,
    client: &Registered,
    room: Room,
) -> Result<Option<String>, StoreError> {
    let oldest =
        "SELECT id FROM clients WHERE used IS NULL AND created < $1 ORDER BY created LIMIT 1";
    let oldest = sqlx::query_scalar(oldest).bind(client.created - room.spared);
    let oldest = oldest.fetch_optional(&mut **writing).await?;
    if oldest.is_some() {
        return Ok(oldest);
    }
    let of_the_net = "SELECT id FROM clients WHERE used IS NULL AND net = \
         (SELECT net FROM clients WHERE used IS NULL GROUP BY net \
          HAVING COUNT(*) > $2 AND COUNT(*) > 1 + (SELECT COUNT(*) FROM clients WHERE used IS NULL AND net = $1) \
          ORDER BY COUNT(*) DESC LIMIT 1) \
         ORDER BY created LIMIT 1";
    let of_the_net = sqlx::query_scalar(of_the_net).bind(net(&client.address)).bind(room.few);
    let of_the_net = of_the_net.fetch_optional(&mut **writing).await?;
    if of_the_net.is_some() {
        return Ok(of_the_net);
    }
    let of_the_person = "SELECT id FROM clients WHERE used IS NOT NULL AND person = \
         (SELECT person FROM clients WHERE person IS NOT NULL GROUP BY person HAVING COUNT(*) > $1 \
          ORDER BY COUNT(*) DESC LIMIT 1) \
         ORDER BY used, created LIMIT 1";
    let of_the_person = sqlx::query_scalar(of_the_person).bind(room.few);
    Ok(of_the_person.fetch_optional(&mut **writing).await?)
}

/// The addresses that one who has several is likely to have: a /24 of IPv4, a /48 of IPv6.
fn net(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
        Err(_) => address.to_owned(),
    }
}

/// Deletes a client, and ends what people have allowed it.
async fn remove(
    writing: &mut Transaction<'static, Sqlite>,
    id: &str,
    now: i64,
) -> Result<(), StoreError> {
    let ended = "UPDATE grants SET ended = COALESCE(ended, $1) WHERE client = $2";
    sqlx::query(ended).bind(now).bind(id).execute(&mut **writing).await?;
    for statement in ["DELETE FROM clients WHERE id = $1", "DELETE FROM consents WHERE client = $1"]
    {
        sqlx::query(statement).bind(id).execute(&mut **writing).await?;
    }
    Ok(())
}
