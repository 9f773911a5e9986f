//! Writes the guest's side of the plugin contract: `cargo run --manifest-path plugins/sdk/generate/Cargo.toml`, from
//! the top of the project, after the contract changed.
//!
//! The output is checked in because generating takes longer than compiling everything else of a plugin.

use wit_bindgen_core::{Files, WorldGenerator, wit_parser::Resolve};
use wit_bindgen_rust::Opts;

const CONTRACT: &str = "plugins/wit/1.0.0";
const OUTPUT: &str = "plugins/sdk/src/bindings.rs";

fn main() -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(CONTRACT)?;
    let world = resolve.select_world(&[package], Some("scoring"))?;
    let options = Opts {
        generate_all: true,
        pub_export_macro: true,
        default_bindings_module: Some("merit_sdk::bindings".to_owned()),
        export_macro_name: Some("export_bindings".to_owned()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, contents) = files.iter().next().ok_or_else(|| anyhow::anyhow!("nothing was generated"))?;
    std::fs::write(OUTPUT, contents)?;
    Ok(())
}
