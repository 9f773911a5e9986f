//! Amounts of money have no more decimals than the team's currency: what nobody can pay is not kept.

use super::{
    path::Path,
    record::{Record, Value},
};
use crate::{
    model::{
        currency, decimal,
        finding::Findings,
        name::Name,
        records::{Records, find},
        rejection::Rejection,
    },
    proto::v1::{Format, Team},
};

/// Checks the amounts of a record that are not as they were.
pub(super) fn check(
    name: &Name,
    before: Option<&Record>,
    after: &Record,
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    let mut amounts = Vec::new();
    collect(after, before, Path::new(""), &mut amounts);
    if amounts.is_empty() {
        return Ok(());
    }
    let team = format!("{}/{}", Name::TEAMS, name.team());
    let Some(Team { currency, .. }) = find(records, &team)? else { return Ok(()) };
    let Some(accepted) = currency::decimals(&currency) else { return Ok(()) };
    for (path, amount) in amounts {
        let given = decimal::decimals(&amount);
        if given > usize::from(accepted) {
            let example =
                if accepted == 0 { "1250".to_owned() } else { format!("1250.{:0<1$}", 5, accepted.into()) };
            findings.field(
                path,
                format!("{amount} has {given} decimals: amounts in {currency} have at most {accepted}, like {example}"),
            );
        }
    }
    Ok(())
}

/// The amounts, and where they are.
fn collect(record: &Record, before: Option<&Record>, path: Path<'_>, amounts: &mut Vec<(String, String)>) {
    for (field, value) in record.values() {
        let before = before.and_then(|before| before.get(field.number));
        let path = path.field(&field.name);
        match value {
            value if before == Some(value) => {}
            // What is no number has been found already.
            Value::Text(amount) if field.format == Format::Money && decimal::normal(amount).is_some() => {
                amounts.push((path.to_string(), amount.clone()));
            }
            Value::Message(inner) => collect(inner, before.and_then(Value::message), path, amounts),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Message(inner) = item {
                        collect(inner, None, path.item(index), amounts);
                    }
                }
            }
            _ => {}
        }
    }
}
