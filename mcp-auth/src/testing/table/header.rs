//! What else does the header say? Nothing by which a token would choose how it is checked (RFC 8725 §3.9, §3.10), and
//! that it is an access token (RFC 9068 §4).

use serde_json::json;

use super::{
    Cause::{Header, Type},
    Row, refused, taken,
};

pub(super) const ROWS: &[Row] = &[
    refused("jwk", "brings its own key along (`jwk`), and is signed with it", Header("jwk"), |d| {
        let other = d.issuer().other()?;
        d.header("jwk", other.jwk()?).header("kid", other.kid()).signed_by(other)
    }),
    refused("jwk-without-kid", "brings its own key along, and names none", Header("jwk"), |d| {
        let other = d.issuer().other()?;
        d.header("jwk", other.jwk()?).no_header("kid").signed_by(other)
    }),
    refused("jwk-ours", "brings the genuine key along", Header("jwk"), |d| {
        let jwk = d.issuer().ours().jwk()?;
        d.header("jwk", jwk).signed()
    }),
    refused("jku", "says where to fetch its key (`jku`)", Header("jku"), |d| {
        d.header("jku", "https://evil.example/jwks.json").signed()
    }),
    refused("x5u", "says where to fetch its certificate (`x5u`)", Header("x5u"), |d| {
        d.header("x5u", "https://evil.example/cert.pem").signed()
    }),
    refused("x5c", "brings its own certificate along (`x5c`)", Header("x5c"), |d| {
        d.header("x5c", json!(["MIIB"])).signed()
    }),
    refused("crit", "demands a rule that the server does not know (`crit`)", Header("crit"), |d| {
        d.header("crit", json!(["unheard-of"])).header("unheard-of", true).signed()
    }),
    refused("crit-known", "`crit` names what everybody knows", Header("crit"), |d| {
        d.header("crit", json!(["exp"])).signed()
    }),
    refused("crit-empty", "`crit` is an empty list (RFC 7515 §4.1.11)", Header("crit"), |d| {
        d.header("crit", json!([])).signed()
    }),
    refused("b64", "says that its claims are not encoded (`b64`, RFC 7797)", Header("b64"), |d| {
        d.header("b64", false).signed()
    }),
    refused("b64-crit", "says so, and demands that it counts", Header("crit"), |d| {
        d.header("b64", false).header("crit", json!(["b64"])).signed()
    }),
    refused("zip", "says that it is compressed: a bomb in small", Header("zip"), |d| {
        d.header("zip", "DEF").signed()
    }),
    refused("enc", "says that it is encrypted, in three parts", Header("enc"), |d| {
        d.header("enc", "A256GCM").signed()
    }),
    refused("typ-id", "another kind of token: `typ` id+jwt", Type("header"), |d| {
        d.header("typ", "id+jwt").signed()
    }),
    refused("typ-logout", "another kind of token: `typ` logout+jwt", Type("header"), |d| {
        d.header("typ", "logout+jwt").signed()
    }),
    refused("typ-dpop", "a proof for a token: `typ` dpop+jwt", Type("header"), |d| {
        d.header("typ", "dpop+jwt").signed()
    }),
    refused("typ-jws", "any signed text: `typ` JOSE", Type("header"), |d| {
        d.header("typ", "JOSE").signed()
    }),
    refused("typ-longer", "`typ` begins as it should: at+jwt2", Type("header"), |d| {
        d.header("typ", "at+jwt2").signed()
    }),
    refused("typ-empty", "`typ` is empty", Type("header"), |d| d.header("typ", "").signed()),
    refused("typ-null", "`typ` is null", Type("header"), |d| d.header("typ", json!(null)).signed()),
    refused("typ-list", "`typ` is a list that has the right one in it", Type("header"), |d| {
        d.header("typ", json!(["at+jwt"])).signed()
    }),
    taken("typ-absent", "legal: no `typ`, as many issuers do", |d| d.no_header("typ").signed()),
    taken("typ-jwt", "legal: `typ` JWT, as Keycloak does", |d| d.header("typ", "JWT").signed()),
    taken("typ-jwt-lower", "legal: `typ` jwt (case does not count, RFC 2045 §5.1)", |d| {
        d.header("typ", "jwt").signed()
    }),
    taken("typ-at-upper", "legal: `typ` AT+JWT", |d| d.header("typ", "AT+JWT").signed()),
    taken("typ-at-lower", "legal: `typ` at+jwt (RFC 9068 §2.1)", |d| {
        d.header("typ", "at+jwt").signed()
    }),
    taken("typ-application", "legal: `typ` application/at+jwt", |d| {
        d.header("typ", "application/at+jwt").signed()
    }),
    taken("typ-application-mixed", "legal: `typ` Application/AT+jwt", |d| {
        d.header("typ", "Application/AT+jwt").signed()
    }),
    taken("header-unknown-member", "legal: a member that nobody knows, without `crit`", |d| {
        d.header("x5t", "abc").header("note", json!({"a": 1})).signed()
    }),
];
