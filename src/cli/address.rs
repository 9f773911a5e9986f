//! Where a server is: `http://` speaks in the clear, `https://` by TLS, and nothing else is spoken. Which server is meant is
//! in `connection`.

use std::path::{Path, PathBuf};

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::{
    argument::read_bytes,
    failure::{Failure, innermost},
};

/// The address of a server that was started without saying where.
pub(super) const DEFAULT_SERVER: &str = "http://127.0.0.1:7171";

/// How a file of certificates begins each of them.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// With its scheme.
    pub(super) text: String,
    tls: bool,
}

// === impl Address ===

impl Address {
    /// Reads an address; one without a scheme is in the clear.
    ///
    /// # Errors
    /// Another scheme, no host, a path behind it.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let wrong = |what: String| {
            Failure::Usage(format!("--server {text}: {what}; an address is like {DEFAULT_SERVER}"))
        };
        let uri: http::Uri = text.parse().map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            scheme => {
                let scheme = scheme.unwrap_or_default();
                return Err(wrong(format!(
                    "{scheme} is not spoken: http:// is in the clear, https:// is TLS"
                )));
            }
        };
        if uri.host().unwrap_or_default().is_empty() {
            return Err(wrong("no host is named".to_owned()));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(wrong("nothing may stand behind the host and the port".to_owned()));
        }
        Ok(Self { text, tls })
    }

    /// The end of a connection. By TLS, the server has to have a certificate of an authority that the file names, or else of
    /// one that the system trusts.
    ///
    /// # Errors
    /// A file that cannot be read, or has no certificate.
    pub(super) fn endpoint(&self, authority: Option<&PathBuf>) -> Result<Endpoint, Failure> {
        let endpoint = Endpoint::from_shared(self.text.clone());
        let endpoint =
            endpoint.map_err(|error| Failure::Usage(format!("--server {}: {error}", self.text)))?;
        if !self.tls {
            return Ok(endpoint);
        }
        let trust = match authority {
            Some(file) => ClientTlsConfig::new().ca_certificate(certificates(file)?),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        endpoint.tls_config(trust).map_err(|error| {
            let cause = innermost(&error);
            Failure::Usage(match authority {
                Some(file) => format!("--ca {}: {cause}", file.display()),
                None => format!("--server {}: {cause}", self.text),
            })
        })
    }

    /// Whether what is said is kept from those in between.
    pub(super) fn is_secure(&self) -> bool {
        self.tls
    }
}

fn certificates(file: &Path) -> Result<Certificate, Failure> {
    let bytes = read_bytes(&file.display().to_string())?;
    if !bytes.windows(CERTIFICATE.len()).any(|window| window == CERTIFICATE) {
        return Err(Failure::Usage(format!("--ca {}: it has no certificate in PEM", file.display())));
    }
    Ok(Certificate::from_pem(bytes))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn two_schemes_are_spoken() {
        let check = |text: &str, expected: Result<(&str, bool), &str>| {
            let found = Address::parse(text).map(|address| (address.text.clone(), address.is_secure()));
            match (found, expected) {
                (Ok(found), Ok((text, tls))) => assert_eq!(found, (text.to_owned(), tls)),
                (Err(found), Err(part)) => assert!(found.message().contains(part), "{}", found.message()),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check("https://merit.example.com", Ok(("https://merit.example.com", true)));
        check("HTTPS://merit.example.com:7171/", Ok(("HTTPS://merit.example.com:7171/", true)));
        check("http://[::1]:7171", Ok(("http://[::1]:7171", false)));
        check("localhost:7171", Ok(("http://localhost:7171", false)));
        check("ftp://localhost", Err("ftp is not spoken: http:// is in the clear, https:// is TLS"));
        check("file:///etc/passwd", Err("--server file:///etc/passwd: "));
        check("http://", Err("--server http://: "));
        check("https://merit.example.com/v1", Err("nothing may stand behind the host"));
        check("http://local host", Err("--server http://local host: invalid uri character"));
    }
}
