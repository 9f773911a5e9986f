//! Names whose values are a closed set of texts, or texts of some form: a text they are compared with has to be one of them,
//! or the comparison never holds and nobody is told.

use crate::evaluate::texts::order;
use crate::problem::{Problems, did_you_mean};
use crate::text::check::{Node, Operation};
use crate::text::functions::{Comparison, Function};
use crate::{Kind, Scope};
use alloc::{format, string::String};

/// Tells the texts that a name is compared with and can never have.
pub(crate) fn check(root: &Node, names: &[String], scope: &dyn Scope, problems: &mut Problems) {
    let Operation::Call(function, nodes) = &root.operation else { return };
    match function {
        Function::Compare(Comparison::Equal | Comparison::Unequal) => {
            if let [left, right] = &nodes[..] {
                compared(left, right, names, scope, problems);
                compared(right, left, names, scope, problems);
            }
        }
        Function::In => {
            nodes.iter().skip(1).for_each(|text| compared(&nodes[0], text, names, scope, problems));
        }
        // The last of an even number is what SWITCH gives otherwise.
        Function::Switch => {
            nodes[1..].chunks_exact(2).for_each(|case| compared(&nodes[0], &case[0], names, scope, problems))
        }
        _ => {}
    }
    nodes.iter().for_each(|node| check(node, names, scope, problems));
}

fn compared(name: &Node, text: &Node, names: &[String], scope: &dyn Scope, problems: &mut Problems) {
    let (Operation::Name(at), Operation::Text(wanted)) = (&name.operation, &text.operation) else { return };
    let Some(path) = names.get(*at).filter(|_| name.kind == Kind::Text) else { return };
    let never = |hint: &str, what: &str| {
        format!("`{path}` is never \"{}\"{hint}; it is {what}", wanted.escape_debug())
    };
    let message = match (scope.values(path), scope.form(path, wanted)) {
        (Some(values), _) if values.iter().any(|value| order(value, wanted).is_eq()) => return,
        (Some(values), _) => never(&did_you_mean(wanted, &values), &format!("one of {}", values.join(", "))),
        (None, Some(form)) => never("", &form),
        (None, None) => return,
    };
    problems.add(text.span, message);
}
