//! Who calls, as far as that can be told today: what the client claims in its metadata. It is trusted as the loopback
//! address is, and no further; authentication will replace the claim, and nothing but this file.

use http::HeaderMap;
use tonic::{Status, metadata::MetadataMap};

use super::status;
use crate::model::caller::{ANONYMOUS, Caller, author_name};

/// The metadata that names the author, in ASCII.
pub const AUTHOR: &str = "merit-author";
/// The same for names in any script, as UTF-8 bytes.
pub const AUTHOR_BIN: &str = "merit-author-bin";
/// The longest author, in bytes.
const AUTHOR_BYTES: usize = 256;

/// Who calls the method.
///
/// # Errors
/// `MALFORMED_REQUEST` where the metadata is not a name, or several.
pub fn caller(headers: &HeaderMap, method: &str) -> Result<Caller, Status> {
    let plain: Vec<_> = headers.get_all(AUTHOR).iter().collect();
    let author = match (&plain[..], headers.get_all(AUTHOR_BIN).iter().count()) {
        ([], 0) => ANONYMOUS.to_owned(),
        ([value], 0) => checked(AUTHOR, value.as_bytes())?,
        ([], 1) => {
            let metadata = MetadataMap::from_headers(headers.clone());
            let bytes = metadata.get_bin(AUTHOR_BIN).and_then(|value| value.to_bytes().ok());
            checked(AUTHOR_BIN, &bytes.unwrap_or_default())?
        }
        _ => {
            let what =
                format!("there are several authors in the metadata: give one {AUTHOR}, or one {AUTHOR_BIN}");
            return Err(status::malformed(what));
        }
    };
    Ok(Caller { author, method: method.to_owned() })
}

fn checked(key: &str, bytes: &[u8]) -> Result<String, Status> {
    let name = std::str::from_utf8(bytes).ok().map(str::trim).and_then(author_name);
    name.filter(|name| name.len() <= AUTHOR_BYTES).ok_or_else(|| {
        status::malformed(format!(
            "the metadata {key} is not a name: 1 to {AUTHOR_BYTES} bytes of UTF-8 with something to see, without control \
             characters or such as mean nothing, and each word in letters of one script; names beyond ASCII go into \
             {AUTHOR_BIN}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataValue;

    use super::*;

    fn check(key: &'static str, value: &str, expected: Option<&str>) {
        let mut metadata = MetadataMap::new();
        if key.ends_with("-bin") {
            metadata.insert_bin(key, MetadataValue::from_bytes(value.as_bytes()));
        } else {
            metadata.insert(key, value.parse().unwrap());
        }
        let caller = caller(&metadata.into_headers(), "merit.v1.GoalService/GetGoal");
        assert_eq!(caller.ok().map(|caller| caller.author).as_deref(), expected, "{key}: {value:?}");
    }

    #[test]
    fn authors() {
        check("other", "x", Some(ANONYMOUS));
        check(AUTHOR, "anna@example.com", Some("anna@example.com"));
        check(AUTHOR, " anna ", Some("anna"));
        check(AUTHOR, "", None);
        check(AUTHOR, &"a".repeat(AUTHOR_BYTES), Some(&"a".repeat(AUTHOR_BYTES)));
        check(AUTHOR, &"a".repeat(AUTHOR_BYTES + 1), None);
        check(AUTHOR_BIN, "张伟", Some("张伟"));
        check(AUTHOR_BIN, "a\nb", None);
        check(AUTHOR_BIN, "", None);
        check(AUTHOR_BIN, "Zoe\u{308}  Li", Some("Zo\u{eb} Li"));
        check(AUTHOR, "Anonymous", Some(ANONYMOUS));
        check(AUTHOR_BIN, "anna\u{200b}", Some("anna"));
        check(AUTHOR_BIN, "\u{430}nn", None);
    }

    #[test]
    fn one_author_calls() {
        let check = |names: &[(&'static str, &str)], accepted: bool| {
            let mut headers = HeaderMap::new();
            for (key, value) in names {
                headers.append(*key, value.parse().unwrap());
            }
            let method = "merit.v1.GoalService/GetGoal";
            assert_eq!(caller(&headers, method).is_ok(), accepted, "{names:?}");
        };
        check(&[(AUTHOR, "anna")], true);
        check(&[(AUTHOR_BIN, "YW5uYQ")], true);
        check(&[(AUTHOR, "anna"), (AUTHOR, "anna")], false);
        check(&[(AUTHOR, "anna"), (AUTHOR, "boris")], false);
        check(&[(AUTHOR, "anna"), (AUTHOR_BIN, "YW5uYQ")], false);
        check(&[(AUTHOR_BIN, "YW5uYQ"), (AUTHOR_BIN, "YW5uYQ")], false);
    }
}
