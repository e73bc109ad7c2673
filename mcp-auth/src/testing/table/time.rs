//! Is it good now? Times are numbers of seconds since 1970, and a fraction is cut off (RFC 7519 §2, §4.1.4-6).

use serde_json::json;

use super::{
    Cause::{Claim, Early, Expired, Malformed},
    Row, close, refused, taken,
};

pub(super) const ROWS: &[Row] = &[
    refused("exp-missing", "`exp` is left out: good forever", Claim("exp"), |d| {
        d.without("exp").signed()
    }),
    refused("exp-null", "`exp` is null", Claim("exp"), |d| d.claim("exp", json!(null)).signed()),
    refused("exp-string", "`exp` is a string of digits", Claim("exp"), |d| {
        let exp = d.at(3600).to_string();
        d.claim("exp", exp).signed()
    }),
    refused("exp-empty", "`exp` is an empty string", Claim("exp"), |d| d.claim("exp", "").signed()),
    refused("exp-boolean", "`exp` is true: a number in some languages", Claim("exp"), |d| {
        d.claim("exp", true).signed()
    }),
    refused("exp-list", "`exp` is a list", Claim("exp"), |d| {
        let exp = json!([d.at(3600)]);
        d.claim("exp", exp).signed()
    }),
    refused("exp-negative", "`exp` is negative: large, if the sign is lost", Claim("exp"), |d| {
        let exp = -d.at(3600);
        d.claim("exp", exp).signed()
    }),
    refused("exp-huge", "`exp` is 2^64 - 1: over, if it wraps", Claim("exp"), |d| {
        d.claim("exp", u64::MAX).signed()
    }),
    refused("exp-huge-float", "`exp` is 1e300: good forever", Claim("exp"), |d| {
        d.claim("exp", 1e300).signed()
    }),
    refused(
        "exp-infinite",
        "`exp` is 1e999: infinite, for some readers",
        Malformed("the claims"),
        |d| {
            let text = d.claim("exp", "?");
            text.with_claims_text(text.claims_json().replace("\"?\"", "1e999"))
        },
    ),
    refused(
        "exp-milliseconds",
        "`exp` counts milliseconds: good for 50,000 years",
        Claim("exp"),
        |d| {
            let exp = d.at(3600).saturating_mul(1000);
            d.claim("exp", exp).signed()
        },
    ),
    refused("exp-zero", "`exp` is 0: no limit, for some", Expired, |d| d.claim("exp", 0).signed()),
    refused("expired", "expired an hour ago", Expired, |d| {
        let exp = d.at(-3600);
        d.claim("exp", exp).claim("iat", exp - 3600).signed()
    }),
    close(refused("expired-leeway-plus-1", "expired by the leeway and one second", Expired, |d| {
        let exp = d.over(1);
        d.claim("exp", exp).signed()
    })),
    close(refused(
        "expired-leeway",
        "expired by exactly the leeway: the first second past it",
        Expired,
        |d| {
            let exp = d.over(0);
            d.claim("exp", exp).signed()
        },
    )),
    close(taken("expired-leeway-minus-1", "expired by one second less than the leeway", |d| {
        let exp = d.over(-1);
        d.claim("exp", exp).signed()
    })),
    close(refused(
        "exp-float-rounds-down",
        "expired by the leeway, less a fraction",
        Expired,
        |d| {
            let exp = float(d.over(0)) + 0.9;
            d.claim("exp", exp).signed()
        },
    )),
    taken("exp-float", "legal: `exp` has a fraction", |d| {
        let exp = float(d.at(3600)) + 0.5;
        d.claim("exp", exp).signed()
    }),
    refused("nbf-ahead", "not valid before the next hour", Early("nbf"), |d| {
        let nbf = d.at(3600);
        d.claim("nbf", nbf).claim("exp", nbf + 3600).signed()
    }),
    close(refused(
        "nbf-leeway-plus-1",
        "valid only after the leeway and one second",
        Early("nbf"),
        |d| {
            let nbf = d.ahead(1);
            d.claim("nbf", nbf).signed()
        },
    )),
    close(taken("nbf-leeway", "valid only after the leeway", |d| {
        let nbf = d.ahead(0);
        d.claim("nbf", nbf).signed()
    })),
    refused("nbf-string", "`nbf` is a string", Claim("nbf"), |d| d.claim("nbf", "0").signed()),
    refused("nbf-null", "`nbf` is null", Claim("nbf"), |d| d.claim("nbf", json!(null)).signed()),
    refused("nbf-huge", "`nbf` is 1e300: over, if it wraps", Claim("nbf"), |d| {
        d.claim("nbf", 1e300).signed()
    }),
    taken("nbf-past", "legal: valid since an hour ago", |d| {
        let nbf = d.at(-3600);
        d.claim("nbf", nbf).signed()
    }),
    refused("iat-ahead", "made in the next hour: stocked up by somebody", Early("iat"), |d| {
        let iat = d.at(3600);
        d.claim("iat", iat).claim("exp", iat + 3600).signed()
    }),
    close(refused("iat-leeway-plus-1", "made one second after the leeway", Early("iat"), |d| {
        let iat = d.ahead(1);
        d.claim("iat", iat).signed()
    })),
    close(taken("iat-leeway", "made at the end of the leeway: our clock may be late", |d| {
        let iat = d.ahead(0);
        d.claim("iat", iat).signed()
    })),
    refused("iat-string", "`iat` is a string", Claim("iat"), |d| d.claim("iat", "now").signed()),
    refused("iat-boolean", "`iat` is false", Claim("iat"), |d| d.claim("iat", false).signed()),
    refused("iat-negative", "`iat` is negative: before 1970", Claim("iat"), |d| {
        d.claim("iat", -1).signed()
    }),
    taken("iat-missing", "legal: no `iat`", |d| d.without("iat").signed()),
];

/// A time as a number with a fraction; times are far below what that can hold exactly.
#[allow(clippy::cast_precision_loss)]
fn float(time: i64) -> f64 {
    time as f64
}
