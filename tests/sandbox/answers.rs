//! Answers that are well formed and still break the contract, one thing wrong at a time; and those that are right.

use merit::{
    model::rejection::PluginReason::{BadBatch, BadParameters, ContractViolation, OutputTooLarge},
    sandbox::{
        Column, Context, Fault, Input, Kind, Manifest, Outcome, Output, Role, Step, Texts, Values, Verdict,
        verify_steps,
    },
};

use crate::{
    guest::{Guest, LIMITS, batch, context, decimals, manifest, the_neighbour_is_well},
    image::words,
};

/// A payout and a grade, of three rows.
fn outputs() -> Manifest {
    let output = |name: &str, role| Output { name: name.into(), role, scale: 4 };
    Manifest {
        outputs: vec![
            output("bonus", Role::Payout),
            output("letter", Role::Grade),
            output("rate", Role::Score),
        ],
        ..manifest()
    }
}

fn outcome() -> Outcome {
    let texts = Texts { dictionary: vec!["A".into(), "ü".into()], codes: vec![1, 0, 1] };
    let letter = Column { name: "letter".into(), values: Values::Texts(texts), missing: vec![] };
    let mut rate = decimals("rate", vec![1, 2, 3]);
    let Values::Decimals(values) = &mut rate.values else { unreachable!("made of decimals") };
    values.scale = 4;
    Outcome { columns: vec![decimals("bonus", vec![i64::MIN, 0, 7]), letter, rate], faults: vec![] }
}

fn evaluate(outcome: &Outcome, context: &Context) -> Result<Outcome, Verdict> {
    let plugin = Guest::answering(outcome).load().expect("a plugin");
    plugin.evaluate("{}", context, &outputs(), &batch(vec![1, 2, 3]), &LIMITS)
}

/// An outcome with one thing wrong, the row that is named, and words of the verdict.
fn check(spoil: impl FnOnce(&mut Outcome), row: Option<u32>, said: &str) {
    let mut outcome = outcome();
    spoil(&mut outcome);
    let verdict = evaluate(&outcome, &context()).expect_err("a verdict");
    assert_eq!((verdict.reason, verdict.row), (ContractViolation, row), "{verdict}");
    assert!(verdict.message.contains(said), "{said:?} is not in {:?}", verdict.message);
}

fn codes(outcome: &mut Outcome, codes: &[u32]) {
    let Values::Texts(texts) = &mut outcome.columns[1].values else { unreachable!("made of texts") };
    texts.codes = codes.to_vec();
}

fn fault(row: u32) -> Fault {
    Fault { row, message: "no".into() }
}

#[test]
fn outcomes_are_held_to_the_manifest_and_the_batch() {
    check(|outcome| outcome.columns.truncate(2), None, "gave 2 columns; the manifest has 3 outputs");
    check(|outcome| outcome.columns.swap(0, 2), None, "\"rate\" in the place of the output `bonus`");
    check(|outcome| outcome.columns[0].name = "Bonus".into(), None, "\"Bonus\"");
    check(
        |outcome| outcome.columns[0] = decimals("bonus", vec![1, 2]),
        None,
        "it has 2 rows, the batch has 3",
    );
    check(|outcome| outcome.columns[0] = decimals("bonus", vec![1; 4]), None, "it has 4 rows");
    check(|outcome| outcome.columns[2] = decimals("rate", vec![1; 3]), None, "its scale is 2, 4 was agreed");
    check(|outcome| outcome.columns[1] = decimals("letter", vec![1; 3]), None, "a grade is text");
    check(
        |outcome| outcome.columns[2].values = outcome.columns[1].values.clone(),
        None,
        "`rate`: only a grade is text",
    );
    check(|outcome| codes(outcome, &[0, 1, 2]), Some(2), "row 2 has the code 2, the dictionary has 2 texts");
    check(|outcome| codes(outcome, &[0, 1]), None, "it has 2 rows");
    check(|outcome| outcome.columns[0].missing = vec![3], None, "no row 3 in a batch of 3");
    check(|outcome| outcome.columns[0].missing = vec![1, 0], Some(0), "the missing rows of `bonus`");
    check(|outcome| outcome.columns[1].missing = vec![1, 1], Some(1), "there twice");
    check(|outcome| outcome.faults = vec![fault(3)], None, "faults: there is no row 3");
    check(|outcome| outcome.faults = vec![fault(u32::MAX)], None, "no row 4294967295");
    check(|outcome| outcome.faults = vec![fault(2), fault(1)], Some(1), "rows ascend");
    check(|outcome| outcome.faults = vec![fault(1), fault(1)], Some(1), "there twice");
    the_neighbour_is_well();
}

#[test]
fn a_payout_has_the_scale_of_its_currency() {
    let yen = Context { currency: "JPY".into(), currency_scale: 0, ..context() };
    let verdict = evaluate(&outcome(), &yen).expect_err("two decimals of a yen");
    assert!(verdict.message.contains("`bonus`: its scale is 2, 0 was agreed"), "{verdict}");
}

#[test]
fn right_outcomes_come_through_as_they_are() {
    let mut full = outcome();
    full.faults = vec![fault(0), fault(2)];
    // A code means nothing in a row without a value.
    full.columns[1].missing = vec![1];
    codes(&mut full, &[0, 77, 1]);
    for right in [outcome(), full] {
        assert_eq!(evaluate(&right, &context()), Ok(right));
    }
}

/// A grade is kept and sent for each row that has it, however little room it takes in an answer.
#[test]
fn grades_have_a_bound() {
    let graded = |bytes: usize, codes: &[u32], missing: &[u32]| {
        let mut graded = outcome();
        self::codes(&mut graded, codes);
        let Values::Texts(texts) = &mut graded.columns[1].values else { unreachable!("made of texts") };
        texts.dictionary[1] = "x".repeat(bytes);
        graded.columns[1].missing = missing.to_vec();
        graded
    };
    let right = [
        graded(1_024, &[0, 1, 1], &[]),
        // Nobody has it.
        graded(10_000, &[0, 0, 0], &[]),
        graded(10_000, &[0, 1, 0], &[1]),
    ];
    for right in right {
        assert_eq!(evaluate(&right, &context()), Ok(right));
    }
    let verdict = evaluate(&graded(1_025, &[0, 1, 1], &[]), &context()).expect_err("a verdict");
    assert_eq!((verdict.reason, verdict.row), (OutputTooLarge, Some(1)), "{verdict}");
    let said = "gave `letter` a text of 1025 bytes; a grade may have 1024, and nothing raises that";
    assert!(verdict.message.contains(said), "{verdict}");
}

#[test]
fn long_words_are_cut_at_a_character() {
    let mut long = outcome();
    long.faults = vec![Fault { row: 0, message: "ü".repeat(10_000) }];
    let faults = evaluate(&long, &context()).expect("an outcome").faults;
    assert_eq!(faults[0].message, format!("{}…", "ü".repeat(498)));
}

#[test]
fn a_refusal_is_told_in_the_plugins_words() {
    let refusing = |case| {
        Guest::good().with(|guest| {
            let refusal = format!("(i32.const {})", guest.image.refusal(case, "tiers overlap"));
            guest.describe.clone_from(&refusal);
            guest.evaluate = refusal;
        })
    };
    let plugin = refusing(0).load().expect("a plugin");
    let verdict = plugin.describe("{}", &LIMITS).expect_err("a refusal");
    assert_eq!(verdict.reason, BadParameters);
    assert_eq!(verdict.message, "the plugin refuses its parameters: tiers overlap");
    let plugin = refusing(1).load().expect("a plugin");
    let verdict =
        plugin.evaluate("{}", &context(), &manifest(), &batch(vec![1]), &LIMITS).expect_err("a refusal");
    assert_eq!((verdict.reason, verdict.row), (BadBatch, None));
    assert_eq!(verdict.message, "the plugin refuses the batch: tiers overlap");
}

#[test]
fn all_that_is_wrong_with_parameters_is_kept() {
    let said = |words: &str| {
        let guest = Guest::good().with(|guest| {
            guest.describe = format!("(i32.const {})", guest.image.refusal(0, words));
        });
        let verdict = guest.load().expect("a plugin").describe("{}", &LIMITS).expect_err("a refusal");
        verdict.message.strip_prefix("the plugin refuses its parameters: ").expect("its words").to_owned()
    };
    assert!(said(&"ü".repeat(10_000)) == "ü".repeat(10_000));
    let cut = said(&"ü".repeat(40_000));
    assert!(cut.ends_with("ü…") && (65_530..=65_536).contains(&cut.len()), "{} bytes", cut.len());
}

/// A manifest with one thing wrong, and words of the verdict.
fn check_manifest(spoil: impl FnOnce(&mut Manifest), said: &str) {
    let mut manifest = manifest();
    spoil(&mut manifest);
    let guest = Guest::good()
        .with(|guest| guest.describe = format!("(i32.const {})", guest.image.manifest(&manifest)));
    let verdict = guest.load().expect("a plugin").describe("{}", &LIMITS).expect_err("a verdict");
    assert_eq!(verdict.reason, ContractViolation, "{verdict}");
    assert!(verdict.message.contains(said), "{said:?} is not in {:?}", verdict.message);
}

#[test]
fn manifests_name_columns_that_can_be() {
    check_manifest(|manifest| manifest.outputs.clear(), "outputs is empty");
    check_manifest(|manifest| manifest.inputs[1].name = "a".into(), "inputs[1]: the name `a` is there twice");
    check_manifest(|manifest| manifest.outputs.push(manifest.outputs[0].clone()), "outputs[1]");
    for name in ["", "A", "1a", "_a", "a-b", "a b", "é", "a\0", &"a".repeat(64)] {
        check_manifest(|manifest| manifest.inputs[0].name = name.into(), "inputs[0]");
    }
    check_manifest(|manifest| manifest.inputs[0].scale = 13, "the scale is 13; at most 12");
    check_manifest(|manifest| manifest.outputs[0].scale = 255, "outputs[0] `sum`: the scale is 255");
    check_manifest(
        |manifest| {
            let input =
                |index| Input { name: format!("i{index}"), kind: Kind::Text, scale: 0, required: false };
            manifest.line_inputs = (0..513).map(input).collect();
        },
        "line-inputs has 513 entries; at most 512",
    );
}

fn step(output: Option<&str>, unscaled: i64, scale: u8) -> Step {
    Step { label: "x".into(), output: output.map(Into::into), unscaled, scale, note: String::new() }
}

fn explain(steps: &[Step]) -> Result<Vec<Step>, Verdict> {
    let guest =
        Guest::good().with(|guest| guest.explain = format!("(i32.const {})", guest.image.steps(steps)));
    let plugin = guest.load().expect("a plugin");
    plugin.explain("{}", &context(), &manifest(), &batch(vec![1, 2, 3]), 2, &LIMITS)
}

#[test]
fn steps_name_outputs_of_the_manifest() {
    let right = vec![step(None, 1, 18), step(Some("sum"), 2, 0)];
    assert_eq!(explain(&right), Ok(right));
    for (steps, said) in [
        (vec![step(Some("other"), 1, 2)], "step 0 names the output \"other\""),
        (vec![step(None, 1, 2), step(None, 1, 19)], "step 1 has the scale 19; at most 18"),
    ] {
        let verdict = explain(&steps).expect_err("a verdict");
        assert_eq!((verdict.reason, verdict.row), (ContractViolation, Some(2)), "{verdict}");
        assert!(verdict.message.contains(said), "{said:?} is not in {:?}", verdict.message);
    }
}

#[test]
fn steps_have_a_bound() {
    // Where nothing was written, memory holds steps without a name or an amount.
    let guest = Guest::good().with(|guest| {
        guest.memory = "(memory (export \"memory\") 20)".into();
        let steps = guest.image.put(&words(&[0, 4 * 65_536, 10_001]));
        guest.explain = format!("(i32.const {steps})");
    });
    let plugin = guest.load().expect("a plugin");
    let verdict =
        plugin.explain("{}", &context(), &manifest(), &batch(vec![1]), 0, &LIMITS).expect_err("a verdict");
    assert_eq!(verdict.reason, ContractViolation, "{verdict}");
    assert!(verdict.message.contains("gave 10001 steps; at most 10000"), "{verdict}");
}

#[test]
fn steps_add_up_exactly() {
    let mut column = decimals("sum", vec![12_345, -1, i64::MAX, 5]);
    column.missing = vec![3];
    let sum = |unscaled, scale| step(Some("sum"), unscaled, scale);
    let check =
        |row, steps: &[Step], wanted: Result<(), &str>| match (verify_steps(&column, row, steps), wanted) {
            (Ok(()), Ok(())) => {}
            (Err(verdict), Err(said)) => {
                assert_eq!((verdict.reason, verdict.row), (ContractViolation, Some(row)));
                assert!(verdict.message.contains(said), "{said:?} is not in {:?}", verdict.message);
            }
            (verdict, wanted) => panic!("{verdict:?} for {steps:?}, wanted {wanted:?}"),
        };
    check(0, &[sum(12_345, 2)], Ok(()));
    check(0, &[sum(123, 0), sum(45, 2)], Ok(()));
    check(0, &[sum(123_450_001, 6), sum(-1, 6)], Ok(()));
    check(0, &[sum(123_450_001, 6)], Err("add up to 123450001, its value is 123450000 (both × 10^-6)"));
    check(0, &[sum(12_345, 2), step(Some("other"), 9, 2), step(None, 9, 2)], Ok(()));
    check(0, &[step(None, 9, 2)], Ok(()));
    check(1, &[sum(i64::MAX, 18), sum(i64::MIN, 18)], Err("its value is"));
    check(1, &[sum(i64::MAX, 2), sum(i64::MIN, 2)], Ok(()));
    check(2, &[sum(i64::MAX, 2)], Ok(()));
    check(2, &vec![sum(i64::MAX, 0); 20], Err("add up to"));
    check(2, &vec![[sum(i64::MAX, 0), sum(1, 18)]; 20].concat(), Err("too large to add up"));
    check(3, &[], Ok(()));
    check(4, &[], Err("has no row 4"));
}
