//! Core modules inside a plugin: the guest that behaves, whole, which instantiates a module of somebody else's besides, and
//! has a function of it called at the start.

use wasmparser::{CompositeInnerType, ExternalKind, FuncType, Parser, Payload, ValType};

use crate::guest::{GOOD, section};

/// The guest that behaves, which instantiates a module without imports as well: its start function runs.
pub fn instantiated(module: &[u8]) -> Vec<u8> {
    let mut bytes = GOOD.clone();
    let (modules, _) = counts(&bytes);
    bytes.extend(section(1, module));
    bytes.extend(section(2, &[1, 0, small(modules), 0]));
    bytes
}

/// The same, and an export of the module is called at the start with these constants; nothing where there is no such export.
pub fn calling(module: &[u8], export: &str, arguments: &[String]) -> Option<Vec<u8>> {
    let signature = signature(module, export)?;
    let caller = caller(&signature, export, arguments)?;
    let mut bytes = GOOD.clone();
    let (modules, instances) = counts(&bytes);
    bytes.extend(section(1, module));
    bytes.extend(section(2, &[1, 0, small(modules), 0]));
    bytes.extend(section(1, &caller));
    bytes.extend(section(2, &[1, 0, small(modules + 1), 1, 1, b'm', 0x12, small(instances)]));
    Some(bytes)
}

fn small(count: usize) -> u8 {
    u8::try_from(count).ok().filter(|count| *count < 0x80).expect("a few")
}

/// Core modules and core instances of a component, not counting those of components inside it.
fn counts(component: &[u8]) -> (usize, usize) {
    let (mut depth, mut modules, mut instances) = (0, 0, 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a good component") {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ModuleSection { .. } if depth == 1 => modules += 1,
            Payload::InstanceSection(section) if depth == 1 => instances += section.count() as usize,
            _ => {}
        }
    }
    (modules, instances)
}

/// A module that calls an import at its start, and drops what it gives.
fn caller(signature: &FuncType, export: &str, arguments: &[String]) -> Option<Vec<u8>> {
    let words = |types: &[ValType]| -> Option<String> {
        let word = |kind: &ValType| match kind {
            ValType::I32 => Some("i32 "),
            ValType::I64 => Some("i64 "),
            ValType::F32 => Some("f32 "),
            ValType::F64 => Some("f64 "),
            ValType::V128 | ValType::Ref(_) => None,
        };
        types.iter().map(word).collect()
    };
    let (parameters, results) = (words(signature.params())?, words(signature.results())?);
    let drops = "drop ".repeat(signature.results().len());
    let text = format!(
        "(module (import \"m\" {export:?} (func $f (param {parameters}) (result {results})))
            (func $s {} call $f {drops}) (start $s))",
        arguments.join(" ")
    );
    wat::parse_str(&text).ok()
}

/// The type of an exported function.
fn signature(module: &[u8], export: &str) -> Option<FuncType> {
    let (mut types, mut functions, mut found) = (Vec::new(), Vec::new(), None);
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                for group in section {
                    for kind in group.ok()?.into_types() {
                        types.push(match kind.composite_type.inner {
                            CompositeInnerType::Func(function) => Some(function),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(_) => return None,
            Payload::FunctionSection(section) => {
                functions = section.into_iter().collect::<Result<_, _>>().ok()?;
            }
            Payload::ExportSection(section) => {
                for exported in section {
                    let exported = exported.ok()?;
                    if exported.name == export && exported.kind == ExternalKind::Func {
                        found = Some(exported.index);
                    }
                }
            }
            _ => {}
        }
    }
    let kind: u32 = *functions.get(found? as usize)?;
    types.get(kind as usize)?.clone()
}

/// Whether a module imports anything.
pub fn imports(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).any(|payload| match payload {
        Ok(Payload::ImportSection(section)) => section.count() > 0,
        _ => false,
    })
}

/// The index of the last core module of a component.
pub fn last_module(component: &[u8]) -> u8 {
    small(counts(component).0 - 1)
}
