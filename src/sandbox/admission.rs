//! What is checked of a component's bytes before the compiler sees them: form, size, imports, exports. Types are checked
//! when it is linked, in `contract`; what an instance takes is weighed in `weight`.

use wasmparser::{Encoding, Parser, Payload};

use super::{
    contract::INTERFACE,
    verdict::Verdict,
    weight::{Scales, Weight},
};
use crate::model::rejection::PluginReason;

/// Bytes of a function's body: what compiling costs grows faster than this does. The main loop of CPython
/// has 420 KiB.
const FUNCTION_BYTES: usize = 512 << 10;

/// Functions of all modules of a component; a Python interpreter with its libraries has some 30,000.
const FUNCTIONS: usize = 200_000;

/// Modules and components inside a component, and how deep they may nest.
const PARTS: usize = 256;
const DEPTH: usize = 8;

/// The imports that a refusal names.
const NAMED_IMPORTS: usize = 5;

/// What a component is, as far as its bytes tell.
#[derive(Debug)]
pub struct Admitted {
    /// The version of the contract that it exports.
    pub version: String,
    /// What an instance of it takes.
    pub weight: Weight,
}

/// Checks the bytes.
pub fn check(bytes: &[u8], component_bytes: usize) -> Result<Admitted, Verdict> {
    if bytes.len() > component_bytes {
        return Err(Verdict::invalid_component(format!(
            "it has {} bytes; at most {component_bytes} are accepted (component_bytes in the configuration)",
            bytes.len()
        )));
    }
    check_form(bytes)?;
    let found = scan(bytes)?;
    if !found.imports.is_empty() {
        return Err(refuse_imports(&found.imports));
    }
    let mut versions = found.exports.iter().filter_map(|name| name.strip_prefix(INTERFACE));
    match (versions.next(), versions.next()) {
        (Some(version), None) => Ok(Admitted { version: version.to_owned(), weight: found.scales.result()? }),
        (Some(_), Some(_)) => {
            Err(Verdict::invalid_component(format!("it exports several versions of {INTERFACE}…; keep one")))
        }
        (None, _) => Err(Verdict::invalid_component(format!(
            "it does not export {INTERFACE}…, the contract of plugins; it exports {}",
            if found.exports.is_empty() { "nothing".to_owned() } else { list(&found.exports) }
        ))),
    }
}

/// Tells a component from what people upload by mistake.
fn check_form(bytes: &[u8]) -> Result<(), Verdict> {
    let mistaken = |what: &str| Err(Verdict::invalid_component(what));
    if bytes.is_empty() {
        return mistaken("it is empty");
    }
    if !bytes.starts_with(b"\0asm") {
        return if bytes.starts_with(b"\x7fELF") {
            mistaken("it is machine code, perhaps a precompiled component; upload the component itself")
        } else if std::str::from_utf8(bytes).is_ok() {
            mistaken("it is text; upload the binary form (`wasm-tools parse` makes it)")
        } else {
            mistaken("it is not WebAssembly")
        };
    }
    if Parser::is_core_wasm(bytes) {
        return mistaken(
            "it is a core module; `merit plugin build MODULE.wasm --output COMPONENT.wasm` makes it a component",
        );
    }
    if !Parser::is_component(bytes) {
        return mistaken("it is not a component of the current binary format");
    }
    Ok(())
}

#[derive(Default)]
struct Found {
    imports: Vec<String>,
    exports: Vec<String>,
    functions: usize,
    parts: usize,
    scales: Scales,
}

/// Walks through all sections, nested ones too, and holds them to the limits.
fn scan(bytes: &[u8]) -> Result<Found, Verdict> {
    let mut found = Found::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(malformed)?;
        found.scales.add(&payload).map_err(malformed)?;
        match payload {
            Payload::Version { encoding, range, .. } => {
                depth += 1;
                found.parts += 1;
                if depth > DEPTH || found.parts > PARTS {
                    return Err(Verdict::invalid_component(format!(
                        "at byte {}: modules and components nest at most {DEPTH} deep, and there are at most {PARTS}",
                        range.start
                    )));
                }
                debug_assert!(depth > 1 || encoding == Encoding::Component, "checked by form");
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    found.imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    found.exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                found.functions += 1;
                if range.len() > FUNCTION_BYTES {
                    return Err(Verdict::invalid_component(format!(
                        "the function at byte {} has {} bytes; at most {FUNCTION_BYTES} are accepted",
                        range.start,
                        range.len()
                    )));
                }
                if found.functions > FUNCTIONS {
                    return Err(Verdict::invalid_component(format!(
                        "it has more than {FUNCTIONS} functions"
                    )));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn malformed(error: wasmparser::BinaryReaderError) -> Verdict {
    Verdict::invalid_component(format!("it is damaged at byte {}: {}", error.offset(), error.message()))
}

fn refuse_imports(imports: &[String]) -> Verdict {
    let message = format!(
        "it imports {}; plugins import nothing: no clock, files, network or randomness (for WASI, build without it or \
         stub it)",
        list(imports)
    );
    Verdict { reason: PluginReason::ImportRefused, row: None, message }
}

fn list(names: &[String]) -> String {
    let mut named: Vec<_> = names.iter().take(NAMED_IMPORTS).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMED_IMPORTS {
        named.push(format!("{} more", names.len() - NAMED_IMPORTS));
    }
    named.join(", ")
}
