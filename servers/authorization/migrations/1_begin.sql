-- Times are seconds since 1970. Codes, tokens and sessions are kept as SHA-256 in base64url: whoever reads this file
-- finds nothing to log in with. Nothing here is SQLite's alone.

-- What a person has allowed a client, once: all codes and tokens that came of it end with it.
CREATE TABLE grants (
    id       TEXT   NOT NULL PRIMARY KEY,
    client   TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    resource TEXT   NOT NULL,
    stamp    TEXT   NOT NULL,
    scope    TEXT   NOT NULL,
    expires  BIGINT NOT NULL,
    ended    BIGINT
);

CREATE TABLE codes (
    hash      TEXT   NOT NULL PRIMARY KEY,
    grant_id  TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect  TEXT   NOT NULL,
    challenge TEXT   NOT NULL,
    expires   BIGINT NOT NULL,
    used      BIGINT
);
CREATE INDEX codes_of_grant ON codes (grant_id);

CREATE TABLE refresh_tokens (
    hash     TEXT   NOT NULL PRIMARY KEY,
    grant_id TEXT   NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires  BIGINT NOT NULL,
    used     BIGINT
);
CREATE INDEX refresh_tokens_of_grant ON refresh_tokens (grant_id);

-- Access tokens that were revoked one by one, until they would have ended.
CREATE TABLE revoked (
    jti     TEXT   NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);

-- Assertions of clients that were seen (RFC 7523 §3, jti), until they would have ended.
CREATE TABLE assertions (
    client  TEXT   NOT NULL,
    jti     TEXT   NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (client, jti)
);

CREATE TABLE sessions (
    hash    TEXT   NOT NULL PRIMARY KEY,
    person  TEXT   NOT NULL,
    stamp   TEXT   NOT NULL,
    expires BIGINT NOT NULL
);

-- What a person need not be asked again, for answers that go to the same place.
CREATE TABLE consents (
    person   TEXT NOT NULL,
    client   TEXT NOT NULL,
    resource TEXT NOT NULL,
    place    TEXT NOT NULL,
    scope    TEXT NOT NULL,
    expires  BIGINT NOT NULL,
    PRIMARY KEY (person, client, resource, place)
);

-- Clients that registered themselves (RFC 7591).
CREATE TABLE clients (
    id           TEXT   NOT NULL PRIMARY KEY,
    metadata     TEXT   NOT NULL,
    secret       TEXT,
    registration TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    used         BIGINT
);
CREATE INDEX clients_by_address ON clients (address);

-- What all servers of this database share: by `forms` they know which forms are theirs.
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
