//! How do people write and read times? `1h30m`, and a date in UTC and where they are.

use std::str::FromStr;

use chrono::{DateTime, Local, Utc};

/// A length of time in seconds, negative for one that lies in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub i64);

const FORM: &str =
    "a length of time is numbers with units (s, m, h, d or w), such as 1h, 90s, 1h30m or -5m";

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        if rest == "0" {
            return Ok(Self(0));
        }
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
            let number: i64 = rest[..end].parse().map_err(|_| FORM)?;
            let unit = match &rest.as_bytes()[end] {
                b's' => 1,
                b'm' => 60,
                b'h' => 3600,
                b'd' => 86_400,
                b'w' => 604_800,
                _ => return Err(FORM),
            };
            total =
                number.checked_mul(unit).and_then(|more| total.checked_add(more)).ok_or(FORM)?;
            rest = &rest[end + 1..];
        }
        // a hundred years either way: more is a slip of the finger
        Some(Self(sign * total))
            .filter(|_| !text.trim_start_matches('-').is_empty() && total <= 3_155_760_000)
            .ok_or(FORM)
    }
}

/// Seconds since 1970, now.
pub fn now() -> i64 {
    Utc::now().timestamp()
}

/// A time in UTC, in the time zone of this machine if that is another, and as seen from now.
pub fn told(time: i64, now: i64) -> String {
    let Some(utc) = DateTime::<Utc>::from_timestamp(time, 0) else {
        return format!("{time}, which is no time that a calendar has");
    };
    let local = utc.with_timezone(&Local);
    let here = match local.offset().local_minus_utc() {
        0 => String::new(),
        _ => format!(", {} here", local.format("%Y-%m-%d %H:%M:%S %:z")),
    };
    format!("{} UTC{here} ({})", utc.format("%Y-%m-%d %H:%M:%S"), from_now(time - now))
}

/// `in 59 min`, `3 d ago`.
fn from_now(seconds: i64) -> String {
    let units = [(86_400 * 2, 86_400, "d"), (7200, 3600, "h"), (120, 60, "min")];
    let size = seconds.saturating_abs();
    let unit = units.into_iter().find(|(from, ..)| size >= *from);
    let text =
        unit.map_or(format!("{size} s"), |(_, unit, name)| format!("{} {name}", size / unit));
    match seconds {
        0 => "now".into(),
        1.. => format!("in {text}"),
        _ => format!("{text} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_units() {
        for (text, seconds) in [
            ("1h", 3600),
            ("90s", 90),
            ("-5m", -300),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("1w", 604_800),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Span(seconds)), "{text}");
        }
        for text in [
            "",
            "-",
            "h",
            "5",
            "1x",
            "1h 30m",
            "1.5h",
            "--1h",
            "99999999999999999999s",
            "9999w9d",
            "9223372036854775807w",
            "1ü",
        ] {
            assert_eq!(text.parse::<Span>(), Err(FORM), "{text}");
        }
    }

    #[test]
    fn a_time_is_told_in_utc_and_from_now() {
        let text = told(1_700_000_000, 1_700_000_000 - 3600);
        assert!(text.starts_with("2023-11-14 22:13:20 UTC"), "{text}");
        assert!(text.ends_with(" (in 60 min)"), "{text}");
        assert!(told(i64::MAX, 0).contains("no time"));
        for (seconds, expected) in [
            (0, "now"),
            (59, "in 59 s"),
            (-300, "5 min ago"),
            (7200, "in 2 h"),
            (-200_000, "2 d ago"),
        ] {
            assert_eq!(from_now(seconds), expected);
        }
    }
}
