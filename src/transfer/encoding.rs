//! Names the encoding of a file that is not UTF-8, as well as a few bytes tell it.

/// What the first bytes of a file say about its encoding, where it is none that is read.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    match start {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32LE"),
        [0xff, 0xfe, ..] => Some("UTF-16LE"),
        [0xfe, 0xff, ..] => Some("UTF-16BE"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive or a workbook (.xlsx); save the sheet as CSV"),
        [0x1f, 0x8b, ..] => Some("gzip; unpack it first"),
        _ if zeros(1) > start.len() / 4 => Some("UTF-16LE"),
        _ if zeros(0) > start.len() / 4 => Some("UTF-16BE"),
        _ => None,
    }
}

/// What is wrong with bytes that are not UTF-8, and which encoding they look like.
pub(super) fn describe(bytes: &[u8]) -> String {
    let at = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
    let encoding = guess(&bytes[at..]);
    format!(
        "byte {} (0x{:02X}) is not UTF-8 (it looks like {encoding}): convert the file, \
         `iconv -f {encoding} -t UTF-8`",
        at + 1,
        bytes[at]
    )
}

/// Letters of Western languages stand alone among ASCII; those of Chinese come in pairs, and in rows.
fn guess(bytes: &[u8]) -> &'static str {
    let high = bytes.iter().take_while(|byte| **byte >= 0x80).count();
    let pairs = bytes.chunks_exact(2).take_while(|pair| pair[0] >= 0x81 && pair[1] >= 0x40).count();
    if high >= 2 && pairs >= 2 { "GB18030" } else { "WINDOWS-1252" }
}

#[cfg(test)]
mod tests {
    use super::{describe, foreign};

    #[test]
    fn encodings_are_named() {
        assert_eq!(foreign(b"\xff\xfea\0b\0"), Some("UTF-16LE"));
        assert_eq!(foreign(b"a\0b\0c\0d\0"), Some("UTF-16LE"));
        assert_eq!(foreign(b"\0a\0b\0c\0d"), Some("UTF-16BE"));
        assert_eq!(foreign("id,名字\n".as_bytes()), None);
        assert!(
            describe(b"Caf\xe9, Paris").contains("byte 4 (0xE9) is not UTF-8 (it looks like WINDOWS-1252)")
        );
        assert!(describe(b"x \xbf\xcd\xbb\xa7\xbe\xad\xc0\xed").contains("GB18030"));
    }
}
