//! Makes a component of a core module, so that authors of plugins need no tool for it: the contract's types are embedded,
//! and exports that a language cannot name as the contract does are renamed.

use wasmparser::{BinaryReaderError, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::contract::{INTERFACE, VERSIONS, unknown, v1_0_0};

/// The contract that modules are packed for.
const CONTRACT: &str = include_str!("../../plugins/wit/1.0.0/scoring.wit");

/// Its functions, which languages without colons in names export under these names alone.
const FUNCTIONS: [&str; 3] = ["describe", "evaluate", "explain"];

/// What the custom section begins with in which the bindings of a language keep the types.
const EMBEDDED: &str = "component-type";

/// The exports section in a binary.
const EXPORTS: u8 = 7;

/// Makes a component of a core module that exports the contract's functions by the canonical ABI, as
/// `merit:scoring/plugin@1.0.0#describe` or as plain `describe`. A component comes back as it is.
///
/// # Errors
/// What is wrong with the module, in words.
pub fn pack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if Parser::is_component(bytes) {
        return Ok(bytes.to_vec());
    }
    if !Parser::is_core_wasm(bytes) {
        return Err("it is not WebAssembly: give a core module (.wasm) as a compiler writes it".to_owned());
    }
    let damaged =
        |error: BinaryReaderError| format!("it is damaged at byte {}: {}", error.offset(), error.message());
    if let Some(version) = exported_version(bytes).map_err(damaged)?
        && !VERSIONS.contains(&version.as_str())
    {
        return Err(unknown(&version));
    }
    let (mut module, embedded) = renamed(bytes).map_err(damaged)?;
    let wrong = |error: &dyn std::fmt::Display| format!("it cannot be made a component: {error:#}");
    if !embedded {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("scoring.wit", CONTRACT).map_err(|error| wrong(&error))?;
        let world = resolve.select_world(&[package], Some("scoring")).map_err(|error| wrong(&error))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .map_err(|error| wrong(&error))?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| wrong(&format!("{error:#}")))
}

/// The version of the contract that the module's exports are named for, where they name one:
/// `merit:scoring/plugin@1.0.0#describe`.
fn exported_version(bytes: &[u8]) -> Result<Option<String>, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::ExportSection(section) = payload? else { continue };
        for export in section {
            let name = export?.name;
            let version = name.strip_prefix(INTERFACE).and_then(|rest| rest.split_once('#'));
            if let Some((version, _)) = version {
                return Ok(Some(version.to_owned()));
            }
        }
    }
    Ok(None)
}

/// The module with the contract's names on its exports, and whether it has the types in it.
fn renamed(bytes: &[u8]) -> Result<(Vec<u8>, bool), BinaryReaderError> {
    let (mut module, mut embedded) = (bytes[..8.min(bytes.len())].to_vec(), false);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Payload::CustomSection(section) = &payload {
            embedded |= section.name().starts_with(EMBEDDED);
        }
        if let Payload::ExportSection(section) = &payload {
            let mut content = Vec::new();
            leb128(section.count(), &mut content);
            for export in section.clone() {
                let export = export?;
                let name = contract_name(export.name);
                leb128(name.len() as u32, &mut content);
                content.extend_from_slice(name.as_bytes());
                content.push(export.kind as u8);
                leb128(export.index, &mut content);
            }
            put_section(EXPORTS, &content, &mut module);
        } else if let Some((id, range)) = payload.as_section() {
            put_section(id, &bytes[range], &mut module);
        }
    }
    Ok((module, embedded))
}

fn contract_name(name: &str) -> String {
    let (prefix, function) = match name.strip_prefix("cabi_post_") {
        Some(function) => ("cabi_post_", function),
        None => ("", name),
    };
    if FUNCTIONS.contains(&function) {
        return format!("{prefix}{INTERFACE}{}#{function}", v1_0_0::VERSION);
    }
    name.to_owned()
}

fn put_section(id: u8, content: &[u8], module: &mut Vec<u8>) {
    module.push(id);
    leb128(u32::try_from(content.len()).unwrap_or(u32::MAX), module);
    module.extend_from_slice(content);
}

fn leb128(mut number: u32, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::pack;

    /// A module that traps in every function.
    fn module(describe: &str) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(module (memory (export "memory") 1)
              (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
              (func (export "{describe}") (param i32 i32) (result i32) unreachable)
              (func (export "cabi_post_describe") (param i32))
              (func (export "evaluate") (param i32) (result i32) unreachable)
              (func (export "merit:scoring/plugin@1.0.0\23explain") (param i32) (result i32) unreachable))"#
        ))
        .unwrap()
    }

    #[test]
    fn a_module_becomes_a_component() {
        let component = pack(&module("describe")).unwrap();
        assert!(wasmparser::Parser::is_component(&component));
        assert_eq!(pack(&component).unwrap(), component, "a component stays as it is");
        super::super::Sandbox::new(Default::default()).unwrap().load(&component).unwrap();
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |bytes: &[u8], expected: &str| {
            let told = pack(bytes).unwrap_err();
            assert!(told.contains(expected), "{told}");
        };
        check(b"(module)", "it is not WebAssembly");
        check(&module("description"), "describe");
        check(&module("describe")[..60], "it is damaged at byte");
        check(
            &module("merit:scoring/plugin@2.0.0\\23describe"),
            "it exports merit:scoring/plugin@2.0.0; this version of Merit speaks 1.0.0",
        );
    }
}
