//! `merit plugin build`: a core module, as a compiler writes it, into the component that a server takes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{argument::read_bytes, failure::Failure, output::print_line},
    sandbox,
};

#[derive(Debug, Args)]
pub(super) struct BuildArguments {
    /// The core module; a component is copied as it is.
    module: String,
    /// The component [default: the module's name, in this directory].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Packs a module.
pub(super) fn run(arguments: &BuildArguments) -> Result<(), Failure> {
    let module = Path::new(&arguments.module);
    let output = arguments.output.clone().unwrap_or_else(|| module.file_name().unwrap_or_default().into());
    if arguments.output.is_none() && output.exists() {
        let message = format!("{} is there already: say where to with --output", output.display());
        return Err(Failure::Usage(message));
    }
    let component = sandbox::pack(&read_bytes(&arguments.module)?)
        .map_err(|what| Failure::Differs(format!("{}: {what}", arguments.module)))?;
    fs::write(&output, &component)
        .map_err(|error| Failure::file(format!("writing {}", output.display()), error))?;
    print_line(&format!("{}: {} bytes", output.display(), component.len()))
}
