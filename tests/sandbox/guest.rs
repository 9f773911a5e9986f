//! The guest that behaves, which adds two columns, and its parts, which the others replace; and how it is called.

#[path = "section.rs"]
mod section;

use std::{sync::LazyLock, time::Duration};

use merit::sandbox::{
    AtCeiling, Batch, Column, Context, Decimals, Input, Kind, Limits, Manifest, Outcome, Output, Plugin,
    Role, Rounding, Sandbox, SandboxConfig, Scope, Step, Values, Verdict,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

pub use section::section;

use crate::image::{Image, words};

/// Offsets in the arguments of `evaluate` and `explain`, by the canonical ABI; and of a list in a column of decimals.
const ROWS: usize = 36;
const COLUMNS: usize = 40;
const ROW: usize = 68;
const COLUMN: usize = 36;
const LIST: usize = 16;

/// A guest in parts, each in the text format.
#[derive(Clone)]
pub struct Guest {
    /// Anything more at the level of the module.
    pub module: String,
    /// The memory, exported as `memory`.
    pub memory: String,
    /// What stands in it.
    pub image: Image,
    /// `(param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)`
    pub realloc: String,
    /// `(param $text i32) (param $length i32) (result i32)`
    pub describe: String,
    /// `(param $in i32) (result i32)`, with locals `$i`, `$a`, `$b`, `$out`, `$rows`
    pub evaluate: String,
    /// The same.
    pub explain: String,
    /// `(param $out i32)`: after `evaluate`.
    pub post_return: String,
}

/// What `describe` answers.
pub fn manifest() -> Manifest {
    let input = |name: &str| Input { name: name.into(), kind: Kind::Number, scale: 2, required: true };
    Manifest {
        summary: "Adds a and b.".into(),
        scope: Scope::Row,
        inputs: vec![input("a"), input("b")],
        line_inputs: vec![],
        outputs: vec![Output { name: "sum".into(), role: Role::Score, scale: 2 }],
    }
}

/// A column of numbers with two decimals.
pub fn decimals(name: &str, unscaled: Vec<i64>) -> Column {
    Column { name: name.into(), values: Values::Decimals(Decimals { scale: 2, unscaled }), missing: vec![] }
}

/// A batch with these values of `a`; `b` is always 100.
pub fn batch(a: Vec<i64>) -> Batch {
    let b = vec![100; a.len()];
    let rows = u32::try_from(a.len()).expect("a small batch");
    Batch { rows, columns: vec![decimals("a", a), decimals("b", b)], lines: None }
}

/// The context of all calls.
pub fn context() -> Context {
    Context {
        period_start: "2026-07-01".into(),
        period_end: "2026-10-01".into(),
        currency: "EUR".into(),
        currency_scale: 2,
        rounding: Rounding::HalfUp,
    }
}

/// Small limits, but for the time, which is not to strike.
pub const LIMITS: Limits = Limits {
    fuel_per_call: 2_000_000,
    fuel_per_row: 1_000,
    memory_bytes: 8 << 20,
    output_bytes: 1 << 20,
    wall_time: Duration::from_secs(3_600),
    fuel_ns: 0,
    at_ceiling: AtCeiling::NONE,
};

// === impl Guest ===

impl Guest {
    /// The guest that behaves.
    pub fn good() -> Self {
        Self::poisoned("")
    }

    /// The same, but for what it does in `evaluate` when `a` is 666.
    pub fn poisoned(poison: &str) -> Self {
        let mut image = Image::default();
        let described = image.manifest(&manifest());
        let name = image.put(b"sum");
        // The lists and the amount are filled in by code.
        let column = image.put(&words(&[name, 3, 0, 2, 0, 0, 0, 0, 0]));
        let outcome = image.put(&words(&[0, column, 1, 0, 0]));
        let step = image.put(&words(&[name, 3, 1, name, 3, 0, 0, 0, 2, 0, 0, 0]));
        let steps = image.put(&words(&[0, step, 1]));
        let (list, length, unscaled) =
            (column as usize + LIST, column as usize + LIST + 4, step as usize + 24);
        Self {
            module: String::new(),
            memory: "(memory (export \"memory\") 2)".into(),
            image,
            realloc: "(call $alloc (local.get $size))".into(),
            describe: format!("(i32.const {described})"),
            evaluate: format!(
                "(local.set $rows (i32.load offset={ROWS} (local.get $in)))
                (call $inputs (local.get $in)) (local.set $b) (local.set $a)
                (local.set $out (call $alloc (i32.mul (local.get $rows) (i32.const 8))))
                (i32.store (i32.const {list}) (local.get $out))
                (i32.store (i32.const {length}) (local.get $rows))
                (block $done (loop $next
                    (br_if $done (i32.ge_u (local.get $i) (local.get $rows)))
                    (if (i64.eq (call $at (local.get $a) (local.get $i)) (i64.const 666)) (then {poison}))
                    (i64.store
                        (i32.add (local.get $out) (i32.mul (local.get $i) (i32.const 8)))
                        (i64.add
                            (call $at (local.get $a) (local.get $i))
                            (call $at (local.get $b) (local.get $i))))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br $next)))
                (i32.const {outcome})"
            ),
            explain: format!(
                "(call $inputs (local.get $in)) (local.set $b) (local.set $a)
                (local.set $i (i32.load offset={ROW} (local.get $in)))
                (i64.store (i32.const {unscaled}) (i64.add
                    (call $at (local.get $a) (local.get $i))
                    (call $at (local.get $b) (local.get $i))))
                (i32.const {steps})"
            ),
            post_return: String::new(),
        }
    }

    /// One that answers every `evaluate` with this, whatever it is asked.
    pub fn answering(outcome: &Outcome) -> Self {
        Self::good().with(|guest| guest.evaluate = format!("(i32.const {})", guest.image.outcome(outcome)))
    }

    /// One with a part replaced.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The core module.
    pub fn module(&self) -> Vec<u8> {
        let Self { module, memory, image, realloc, describe, evaluate, explain, post_return } = self;
        let segment = image.segment();
        let interface = "merit:scoring/plugin@1.0.0";
        let second = COLUMN + LIST;
        let locals = "(local $i i32) (local $a i32) (local $b i32) (local $out i32) (local $rows i32)";
        let text = format!(
            r#"(module {memory} {segment} {module}
                (global $heap (mut i32) (i32.const 65536))
                (func $alloc (param $size i32) (result i32) (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                    (global.set $heap (i32.add (local.get $at) (local.get $size)))
                    (block $enough (loop $more
                        (br_if $enough (i32.le_u
                            (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
                        unreachable))
                    (local.get $at))
                (func $inputs (param $in i32) (result i32 i32)
                    (i32.load offset={LIST} (i32.load offset={COLUMNS} (local.get $in)))
                    (i32.load offset={second} (i32.load offset={COLUMNS} (local.get $in))))
                (func $at (param $list i32) (param $row i32) (result i64)
                    (i64.load (i32.add (local.get $list) (i32.mul (local.get $row) (i32.const 8)))))
                (func (export "cabi_realloc")
                    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                    {realloc})
                (func (export "{interface}#describe") (param $text i32) (param $length i32) (result i32)
                    {describe})
                (func (export "{interface}#evaluate") (param $in i32) (result i32) {locals} {evaluate})
                (func (export "{interface}#explain") (param $in i32) (result i32) {locals} {explain})
                (func (export "cabi_post_{interface}#evaluate") (param $out i32) {post_return}))"#
        );
        let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/wit/1.0.0/scoring.wit");
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_file(wit).expect("the contract");
        let world = resolve.select_world(&[package], Some("scoring")).expect("its world");
        let mut core = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false).expect("metadata");
        core
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let mut encoder = ComponentEncoder::default();
        encoder.module(&self.module()).expect("a module").encode().expect("a component")
    }

    /// Loaded into the sandbox that all tests share.
    pub fn load(&self) -> Result<Plugin, Verdict> {
        SANDBOX.load(&self.component())
    }
}

/// The component of the guest that behaves.
pub static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| Guest::good().component());

/// The guest that behaves, whole, with a module beside its own that it does not use.
pub fn beside(module: &[u8]) -> Vec<u8> {
    let mut bytes = GOOD.clone();
    bytes.extend(section(1, module));
    bytes
}

/// The sandbox that all tests share, as the plugins of a service do.
pub static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(SandboxConfig::default()).expect("a sandbox"));

static NEIGHBOUR: LazyLock<Plugin> = LazyLock::new(|| Guest::good().load().expect("the guest that behaves"));

/// The guest that behaves gives its answers, whatever happened before.
pub fn the_neighbour_is_well() {
    let manifest = NEIGHBOUR.describe("{}", &LIMITS).expect("a manifest");
    assert_eq!(manifest, self::manifest());
    let batch = batch(vec![1, 2, -300, i64::MAX - 100]);
    let outcome = NEIGHBOUR.evaluate("{}", &context(), &manifest, &batch, &LIMITS).expect("an outcome");
    let sums = decimals("sum", vec![101, 102, -200, i64::MAX]);
    assert_eq!(outcome, Outcome { columns: vec![sums.clone()], faults: vec![] });
    let steps: Vec<Step> =
        NEIGHBOUR.explain("{}", &context(), &manifest, &batch, 2, &LIMITS).expect("an explanation");
    assert_eq!(steps.len(), 1);
    merit::sandbox::verify_steps(&sums, 2, &steps).expect("steps that add up");
}
