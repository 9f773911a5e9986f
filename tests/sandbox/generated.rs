//! Modules and components made at random, the same in every run, and a good one with bits turned: each is refused, or runs to
//! an answer or a verdict. MERIT_GENERATED_ROUNDS=100 makes a hundred times as many, each round from other seeds.

use arbitrary::Unstructured;
use wasm_smith::{Component, Config, Module};

use crate::{
    enclosed::instantiated,
    guest::{GOOD, LIMITS, SANDBOX, batch, beside, context, manifest, section, the_neighbour_is_well},
};

/// Bytes at random: xorshift64.
struct Random(u64);

// === impl Random ===

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

/// The seeds of as many rounds as the environment asks for; that of the first is always the same.
fn rounds(first: u64) -> impl Iterator<Item = Random> {
    let asked = std::env::var("MERIT_GENERATED_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    (0..asked.unwrap_or(1_u64)).map(move |round| Random(first ^ round.wrapping_mul(0x5851_f42d_4c95_7f2d)))
}

/// What plugins may be made of.
fn allowed() -> Config {
    Config {
        max_imports: 0,
        max_memories: 1,
        reference_types_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        relaxed_simd_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: true,
        max_memory32_bytes: 4 << 20,
        max_table_elements: 1_000,
        ..Config::default()
    }
}

/// Loads; what loads is called. Answers whether it was loaded.
fn survive(component: &[u8]) -> bool {
    let Ok(plugin) = SANDBOX.load(component) else { return false };
    let _ = plugin.describe("{}", &LIMITS);
    let _ = plugin.evaluate("{}", &context(), &manifest(), &batch(vec![1, 2, 3]), &LIMITS);
    let _ = plugin.explain("{}", &context(), &manifest(), &batch(vec![1, 2, 3]), 1, &LIMITS);
    true
}

#[test]
fn generated_modules_inside_a_plugin_are_survived() {
    let (mut loaded, mut refused) = (0, 0);
    for mut random in rounds(0x9e37_79b9_7f4a_7c15) {
        for number in 0..60 {
            let seed = random.bytes(1_500);
            // Every other one uses whatever there is.
            let config = if number % 2 == 0 { allowed() } else { Config::default() };
            let Ok(module) = Module::new(config, &mut Unstructured::new(&seed)) else { continue };
            let module = module.to_bytes();
            assert!(!survive(&module), "a core module is no plugin");
            for component in [beside(&module), instantiated(&module)] {
                if survive(&component) { loaded += 1 } else { refused += 1 }
            }
        }
    }
    the_neighbour_is_well();
    println!("generated modules: {loaded} loaded, {refused} refused");
    assert!(loaded > 20 && refused > 5, "{loaded} loaded, {refused} refused");
}

#[test]
fn generated_components_are_survived() {
    let (mut loaded, mut refused) = (0, 0);
    for mut random in rounds(0x2545_f491_4f6c_dd1d) {
        for _ in 0..100 {
            let seed = random.bytes(1_000);
            let Ok(component) = Component::new(allowed(), &mut Unstructured::new(&seed)) else { continue };
            let component = component.to_bytes();
            assert!(!survive(&component), "it lacks the contract");
            // Inside a plugin, where they are looked at before they are found to be unused.
            let mut bytes = GOOD.clone();
            bytes.extend(section(4, &component));
            if survive(&bytes) { loaded += 1 } else { refused += 1 }
        }
    }
    the_neighbour_is_well();
    println!("generated components: {loaded} loaded, {refused} refused");
    assert!(loaded + refused > 50, "{loaded} loaded, {refused} refused");
}

#[test]
fn a_plugin_with_bits_turned_is_survived() {
    let good = GOOD.clone();
    let (mut loaded, mut refused) = (0, 0);
    for mut random in rounds(0xda94_2042_e4dd_58b5) {
        for _ in 0..300 {
            let mut bytes = good.clone();
            for _ in 0..=random.next() % 3 {
                let place = usize::try_from(random.next()).expect("64 bits") % bytes.len();
                bytes[place] ^= 1 << (random.next() % 8);
            }
            if survive(&bytes) { loaded += 1 } else { refused += 1 }
        }
    }
    the_neighbour_is_well();
    println!("bits turned: {loaded} loaded, {refused} refused");
    assert!(loaded >= 10 && refused >= 10, "{loaded} loaded, {refused} refused");
}
