//! A section of the binary format of WebAssembly: for the tests, the fuzzing and the benches, which put modules into components.

/// A section of the binary format.
pub fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    let (mut bytes, mut length) = (vec![kind], content.len());
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}
