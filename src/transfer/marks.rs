//! What a rejected row is marked with, so that its file can be mended and imported again: its line and the reason, under names
//! that no field has. An import reads over them.

use serde_json::{Map, Value as Json};

/// The line of the file that a row came from first.
pub(super) const LINE: &str = "_line";

/// Why it was rejected.
pub(super) const REASON: &str = "_reason";

/// Whether a file of these columns is one of rejected rows.
pub(super) fn are_marked(columns: &[Vec<u8>]) -> bool {
    matches!(columns, [line, reason, ..] if line.trim_ascii() == LINE.as_bytes() && reason.trim_ascii() == REASON.as_bytes())
}

/// The names of the columns of a file of rejected rows, before those of the file that they come from.
pub(super) fn csv_names(delimiter: u8) -> Vec<u8> {
    let delimiter = char::from(delimiter);
    format!("{LINE}{delimiter}{REASON}{delimiter}").into_bytes()
}

/// A row of CSV with its marks before it.
pub(super) fn marked_csv(line: u64, reason: &str, delimiter: u8, raw: &[u8]) -> Vec<u8> {
    let quoted = reason.replace('"', "\"\"");
    let sign = char::from(delimiter);
    let reason = if reason.contains([sign, '"', '\n', '\r']) { format!("\"{quoted}\"") } else { quoted };
    [format!("{line}{sign}{reason}{sign}").as_bytes(), raw, b"\n"].concat()
}

/// A line of JSON with its marks: in its object, or, where it is none, on a line before it.
pub(super) fn marked_json(line: u64, reason: &str, raw: &[u8]) -> Vec<u8> {
    let marks = format!("{{{LINE:?}:{line},{REASON:?}:{}", Json::from(reason));
    match serde_json::from_slice::<Map<String, Json>>(raw) {
        Ok(object) if object.is_empty() => [marks.as_bytes(), b"}\n"].concat(),
        Ok(mut object) => {
            // As it was, but for the marks that an import before may have left.
            let clean = object.remove(LINE).is_none() & object.remove(REASON).is_none();
            let again = Json::Object(object).to_string().into_bytes();
            let inner = if clean { raw.trim_ascii() } else { &again };
            [marks.as_bytes(), b",", inner[1..].trim_ascii_start(), b"\n"].concat()
        }
        Err(_) => [marks.as_bytes(), b"}\n", raw, b"\n"].concat(),
    }
}

/// The line that an object says it came from first.
pub(super) fn line_of(object: &Map<String, Json>) -> Option<u64> {
    object.get(LINE).and_then(Json::as_u64)
}

/// Whether an object has marks and nothing else: it belongs to the line behind it.
pub(super) fn is_remark(object: &Map<String, Json>) -> bool {
    object.contains_key(LINE) && object.keys().all(|key| is_mark(key))
}

/// Whether a name is one of a mark.
pub(super) fn is_mark(name: &str) -> bool {
    name == LINE || name == REASON
}

#[cfg(test)]
mod tests {
    use super::{is_remark, line_of, marked_csv, marked_json};

    #[test]
    fn rows_of_csv_are_marked() {
        let check = |reason: &str, delimiter: u8, raw: &[u8], expected: &[u8]| {
            assert_eq!(marked_csv(5, reason, delimiter, raw), expected);
        };
        check("too short", b',', b"z", b"5,too short,z\n");
        check("no \"x\"; none", b';', b"\"a;b\";\xe9", b"5;\"no \"\"x\"\"; none\";\"a;b\";\xe9\n");
    }

    #[test]
    fn lines_of_json_are_marked() {
        let check = |raw: &[u8], expected: &[u8]| {
            let marked = marked_json(5, "no \"x\"", raw);
            assert_eq!(marked, expected, "{}", String::from_utf8_lossy(&marked));
        };
        check(
            br#"{ "z": 1.50, "a": "b" }"#,
            b"{\"_line\":5,\"_reason\":\"no \\\"x\\\"\",\"z\": 1.50, \"a\": \"b\" }\n",
        );
        check(b"{}", b"{\"_line\":5,\"_reason\":\"no \\\"x\\\"\"}\n");
        check(
            br#"{"_line":3,"_reason":"another","z":1.50}"#,
            b"{\"_line\":5,\"_reason\":\"no \\\"x\\\"\",\"z\":1.50}\n",
        );
        check(b"[1]", b"{\"_line\":5,\"_reason\":\"no \\\"x\\\"\"}\n[1]\n");
        check(b"{\"a\": \"\xe9\"}", b"{\"_line\":5,\"_reason\":\"no \\\"x\\\"\"}\n{\"a\": \"\xe9\"}\n");
    }

    #[test]
    fn marks_are_known_again() {
        let check = |text: &str, line: Option<u64>, remark: bool| {
            let object = serde_json::from_str(text).unwrap();
            assert_eq!((line_of(&object), is_remark(&object)), (line, remark), "{text}");
        };
        check(r#"{"_line":5,"_reason":"r"}"#, Some(5), true);
        check(r#"{"_line":5,"_reason":"r","a":1}"#, Some(5), false);
        check("{}", None, false);
    }
}
