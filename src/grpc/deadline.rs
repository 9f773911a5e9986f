//! Until when a call may take: the client's `grpc-timeout`, and the service's own cap.

use std::time::Duration;

use http::HeaderMap;
use tonic::Status;

use super::status;

/// The time that the client gives, if it gives one.
///
/// # Errors
/// `MALFORMED_REQUEST` where the header is not of the form that the protocol has: up to eight digits and a unit.
pub fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    parse(value.as_bytes()).map(Some).ok_or_else(|| {
        status::malformed("grpc-timeout is not up to 8 digits and one of the units H, M, S, m, u, n")
    })
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<Duration>) {
        assert_eq!(parse(value.as_bytes()), expected, "{value:?}");
    }

    #[test]
    fn timeouts() {
        check("1H", Some(Duration::from_secs(3600)));
        check("2M", Some(Duration::from_secs(120)));
        check("10S", Some(Duration::from_secs(10)));
        check("250m", Some(Duration::from_millis(250)));
        check("99999999u", Some(Duration::from_micros(99_999_999)));
        check("0n", Some(Duration::ZERO));
        check("100000000n", None);
        check("S", None);
        check("", None);
        check("-1S", None);
        check("+1S", None);
        check("1s", None);
        check("1.5S", None);
    }
}
