//! What is published: a formula, a component or a standard plugin, with its parameters.

use bytes::Bytes;
use clap::{ArgGroup, Args};

use crate::{
    cli::{
        argument::{read_bytes, read_text, text_of},
        failure::Failure,
    },
    proto::v1::publish_plugin_revision_request as publish,
};

/// What is published.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub(super) struct Contents {
    /// The file of a formula sheet.
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) formula: Option<String>,
    /// The file of a WebAssembly component.
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) component: Option<String>,
    /// The id of a standard plugin: `merit plugin standard` lists them.
    #[arg(long, value_name = "ID", group = "source")]
    pub(super) standard: Option<String>,
    /// Parameters that become a part of the revision, JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    pub(super) parameters: Option<String>,
}

// === impl Contents ===

impl Contents {
    /// What is published, and its parameters.
    pub(super) fn read(&self) -> Result<(publish::Source, String), Failure> {
        let source = match (&self.formula, &self.component, &self.standard) {
            (Some(path), _, _) => publish::Source::Formula(read_text(path)?),
            (_, Some(path), _) => publish::Source::Component(Bytes::from(read_bytes(path)?)),
            (_, _, Some(id)) => publish::Source::Standard(id.clone()),
            _ => return Err(Failure::Usage("give --formula, --component or --standard".to_owned())),
        };
        Ok((source, parameters(self.parameters.as_deref())?))
    }
}

/// The text of parameters that were given, empty where none were.
pub(super) fn parameters(argument: Option<&str>) -> Result<String, Failure> {
    argument.map_or(Ok(String::new()), |argument| text_of("--parameters", argument))
}
