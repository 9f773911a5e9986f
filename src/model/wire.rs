//! Walks an encoded message field by field without decoding it, and appends to one. What the fields mean is in `resource` and
//! `cell`.

/// The value of a field as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no protobuf message")]
pub struct Malformed;

/// Goes through the fields of an encoded message, in the order of the bytes.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    rest: &'a [u8],
}

// === impl Walk ===

impl<'a> Walk<'a> {
    /// A walk through this message.
    #[must_use]
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Takes a number of variable length off the front.
    ///
    /// # Errors
    /// Where the bytes end within it, or it does not fit 64 bits.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            if index == 9 && byte > 1 {
                return Err(Malformed);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// Takes so many bytes off the front.
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes four bytes off the front.
    ///
    /// # Errors
    /// Where there are not as many.
    pub fn fixed32(&mut self) -> Result<u32, Malformed> {
        self.take(4)?.try_into().map(u32::from_le_bytes).map_err(|_| Malformed)
    }

    /// Takes eight bytes off the front.
    ///
    /// # Errors
    /// Where there are not as many.
    pub fn fixed64(&mut self) -> Result<u64, Malformed> {
        self.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| Malformed)
    }

    fn field(&mut self) -> Result<(u32, Wire<'a>), Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|&number| number > 0).ok_or(Malformed)?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(self.fixed64()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(self.fixed32()?),
            _ => return Err(Malformed),
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<(u32, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Appends a number of variable length.
pub fn put_varint(mut number: u64, encoded: &mut Vec<u8>) {
    while number >= 0x80 {
        encoded.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    encoded.push(number as u8);
}

/// Appends a field of bytes: a text, or a message.
pub fn put_bytes(number: u32, bytes: &[u8], encoded: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | 2, encoded);
    put_varint(bytes.len() as u64, encoded);
    encoded.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::v1;

    #[test]
    fn walks_what_prost_encodes() {
        let page = v1::ListGoalsRequest { page_size: 300, filter: "x".into(), ..Default::default() };
        let encoded = page.encode_to_vec();
        let fields: Vec<_> = Walk::new(&encoded).collect::<Result<_, _>>().unwrap();
        assert_eq!(fields, [(2, Wire::Varint(300)), (4, Wire::Bytes(b"x"))]);
    }

    #[test]
    fn walks_what_it_appends() {
        let check = |number: u64| {
            let mut encoded = Vec::new();
            put_varint(7 << 3, &mut encoded);
            put_varint(number, &mut encoded);
            put_bytes(300, b"x", &mut encoded);
            let fields: Vec<_> = Walk::new(&encoded).collect::<Result<_, _>>().unwrap();
            assert_eq!(fields, [(7, Wire::Varint(number)), (300, Wire::Bytes(b"x"))]);
        };
        [0, 127, 128, 300, u64::MAX].into_iter().for_each(check);
    }

    #[test]
    fn refuses_what_is_no_message() {
        let check = |bytes: &[u8]| assert_eq!(Walk::new(bytes).last(), Some(Err(Malformed)), "{bytes:?}");
        check(&[0x08]);
        check(&[0x08, 0x80]);
        check(&[0x00, 0x01]);
        check(&[0x0b]);
        check(&[0x12, 0x05, 1, 2]);
        check(&[0x0d, 1, 2, 3]);
        check(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]);
    }
}
