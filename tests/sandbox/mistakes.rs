//! What an author gets wrong in a language with exceptions is told with its message: the host sees no trap. The components are
//! those of `plugins/examples/mistakes`, there after `plugins/examples/build.sh`.

use std::{fs, path::Path};

use merit::{
    evaluate::author::{AuthoredPlugin, Draft, Scored},
    proto::v1,
};

use crate::guest::{SANDBOX, context};

/// What a plugin with a mistake says: of itself, or of a row.
fn said(component: &[u8], mistake: &str) -> String {
    let parameters = format!("{{\"mistake\": \"{mistake}\"}}");
    let draft = Draft::Wasm(component.to_vec());
    let plugin = match AuthoredPlugin::load(&SANDBOX, &draft, Some(&parameters)) {
        Ok(plugin) => plugin,
        Err(rejection) => return rejection.message,
    };
    let inputs = [("revenue".to_owned(), "5".to_owned())].into();
    let row = v1::PluginRow { inputs, lines: Vec::new() };
    match plugin.score(&context(), &[&row]).unwrap().remove(0) {
        Scored::Fault(fault) => fault,
        Scored::Outputs(outputs) => format!("{outputs:?}"),
    }
}

fn check(language: &str, expected: &[(&str, &str)]) {
    let path = format!("target/examples/{language}_mistakes.wasm");
    let Ok(component) = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) else {
        return println!("skipped: {language} is not built here (plugins/examples/build.sh --all)");
    };
    for (mistake, expected) in expected {
        let said = said(&component, mistake);
        assert!(said.contains(expected), "{language}, {mistake}: {said}");
    }
}

#[test]
fn mistakes_in_javascript_are_told() {
    check(
        "javascript",
        &[
            ("fine", r#"("pay", Some("1.00"))"#),
            ("throw", "the plugin refuses its parameters: no such plan"),
            ("name", "ReferenceError: summery is not defined"),
            (
                "field",
                r#"a key of the manifest is "input"; give one of summary, inputs, lineInputs, outputs"#,
            ),
            ("column", r#"a key of inputs.revenue is "decimals"; give one of kind, scale, required"#),
            ("role", r#"outputs.pay.role is "payot"; give one of score, payout, grade, detail"#),
            ("throw later", "PLUGIN_FAULT: oops"),
            ("name later", "PLUGIN_FAULT: ReferenceError: revenu is not defined"),
            ("output", r#"the output of a step is "pai"; give one of pay"#),
            ("amount", "the amount of all is 1; give a BigInt"),
            ("scale", "the scale of all is 13; give decimals from 0 to 12"),
            ("grade", "pay is a number: give it no grade"),
            ("large", "RangeError: all is beyond what JavaScript hands over exactly"),
        ],
    );
}

#[test]
fn mistakes_in_python_are_told() {
    check(
        "python",
        &[
            ("fine", r#"("pay", Some("1.00"))"#),
            ("throw", "the plugin refuses its parameters: no such plan"),
            ("name", "NameError: name 'summery' is not defined"),
            ("field", "a key of the manifest is 'input'; give one of summary, inputs, line_inputs, outputs"),
            ("column", "a key of inputs.revenue is 'decimals'; give one of kind, scale, required"),
            ("role", "outputs.pay.role is 'payot'; give one of score, payout, grade, detail"),
            ("throw later", "PLUGIN_FAULT: oops"),
            ("name later", "PLUGIN_FAULT: NameError: name 'revenu' is not defined"),
            ("output", "the output of a step is 'pai'; give one of pay"),
            ("amount", "all is 0.5; give a whole number of digits"),
            ("scale", "the scale of all is 13; give decimals from 0 to 12"),
            ("grade", "pay is a number: give it no grade"),
            ("large", "OverflowError: pay is too large"),
        ],
    );
}
