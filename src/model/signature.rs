//! Signatures of plugin revisions: what is signed, and whether a signature is one. Whose keys a team trusts is in `plugin`.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::proto::v1::PluginRevision;

/// What the signed text begins with: no signature for anything else is one for a revision.
const DOMAIN: &str = "merit plugin revision v1";

/// What is signed of a revision: its plugin with the team, its component, its parameters. Names and hashes hold no line
/// feed, so that no two revisions that differ have the same text.
#[must_use]
pub fn signed_text(revision: &PluginRevision) -> Vec<u8> {
    let team = revision.plugin.split("/plugins/").next().unwrap_or_default();
    let parameters = blake3::hash(revision.parameters.as_bytes()).to_hex();
    [DOMAIN, team, &revision.plugin, &revision.component, &revision.standard, &parameters]
        .iter()
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect()
}

/// Checks a signature. Strict: neither a small-order key nor another encoding of the same signature passes.
///
/// # Errors
/// In words.
pub fn verify(public_key: &str, signature: &str, text: &[u8]) -> Result<(), String> {
    let key = public(public_key)?;
    let bytes = from_hex::<64>(signature).ok_or("it is not 128 hex digits")?;
    key.verify_strict(text, &Signature::from_bytes(&bytes))
        .map_err(|_| "it is not the key's signature of this revision".to_owned())
}

/// A public key in the form that is kept: small letters.
///
/// # Errors
/// In words.
pub fn normal_public_key(text: &str) -> Result<String, String> {
    public(text)?;
    Ok(text.to_ascii_lowercase())
}

/// The public key that belongs to a secret one, both in hex.
///
/// # Errors
/// In words, where the secret is not 64 hex digits.
pub fn public_key(secret: &str) -> Result<String, String> {
    Ok(to_hex(&signing(secret)?.verifying_key().to_bytes()))
}

/// Signs a text with a secret key.
///
/// # Errors
/// In words, where the secret is not 64 hex digits.
pub fn sign(secret: &str, text: &[u8]) -> Result<String, String> {
    Ok(to_hex(&signing(secret)?.sign(text).to_bytes()))
}

fn signing(secret: &str) -> Result<SigningKey, String> {
    let bytes = from_hex::<32>(secret).ok_or("the secret key is not 64 hex digits")?;
    Ok(SigningKey::from_bytes(&bytes))
}

fn public(text: &str) -> Result<VerifyingKey, String> {
    let wrong =
        || "it is not a public key of Ed25519: 64 hex digits, as `merit plugin keygen` prints".to_owned();
    let key = VerifyingKey::from_bytes(&from_hex::<32>(text).ok_or_else(wrong)?).map_err(|_| wrong())?;
    if key.is_weak() {
        return Err("it is a weak key, for which anybody can sign".to_owned());
    }
    Ok(key)
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

/// Bytes in hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision() -> PluginRevision {
        PluginRevision {
            plugin: "teams/acme/plugins/kpi".into(),
            component: "ab".repeat(32),
            parameters: "{}".into(),
            ..PluginRevision::default()
        }
    }

    #[test]
    fn the_signed_text_is_as_documented() {
        let text = String::from_utf8(signed_text(&revision())).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        let parameters = blake3::hash(b"{}").to_hex();
        let hash = "ab".repeat(32);
        let expected =
            ["merit plugin revision v1", "teams/acme", "teams/acme/plugins/kpi", &hash, "", &parameters, ""];
        assert_eq!(lines, expected);
    }

    #[test]
    fn only_the_keys_own_signature_of_the_revision_passes() {
        let (secret, other) = ("11".repeat(32), "22".repeat(32));
        let (key, other_key) = (public_key(&secret).unwrap(), public_key(&other).unwrap());
        let text = signed_text(&revision());
        let signature = sign(&secret, &text).unwrap();
        verify(&key, &signature, &text).unwrap();
        verify(&key, &signature.to_ascii_uppercase(), &text).unwrap();

        let refused = |key: &str, signature: &str, text: &[u8]| verify(key, signature, text).unwrap_err();
        refused(&other_key, &signature, &text);
        refused(&key, &sign(&other, &text).unwrap(), &text);
        for changed in [
            PluginRevision { plugin: "teams/acme/plugins/other".into(), ..revision() },
            PluginRevision { plugin: "teams/other/plugins/kpi".into(), ..revision() },
            PluginRevision { component: "cd".repeat(32), ..revision() },
            PluginRevision { standard: "formula".into(), ..revision() },
            PluginRevision { parameters: "{ }".into(), ..revision() },
        ] {
            refused(&key, &signature, &signed_text(&changed));
        }
        // Every bit of it counts.
        let bytes = from_hex::<64>(&signature).unwrap();
        for bit in 0..512 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&key, &to_hex(&flipped), &text);
        }
        // S + L is the same signature to a verifier that is not strict.
        let order: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let (mut malleated, mut carry) = (bytes, 0u16);
        for (byte, more) in malleated[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
        }
        refused(&key, &to_hex(&malleated), &text);
        for malformed in ["", "00", &signature[2..], &format!("{signature}00"), &"zz".repeat(64)] {
            refused(&key, malformed, &text);
        }
    }

    #[test]
    fn keys_that_are_none_or_weak_are_refused() {
        let check =
            |text: &str, accepted: bool| assert_eq!(normal_public_key(text).is_ok(), accepted, "{text}");
        check(&public_key(&"11".repeat(32)).unwrap().to_ascii_uppercase(), true);
        check("", false);
        check(&"11".repeat(31), false);
        // The identity, of order 1.
        check(&format!("01{}", "00".repeat(31)), false);
        check(&"00".repeat(32), false);
        check(&"zz".repeat(32), false);
    }
}
