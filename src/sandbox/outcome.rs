//! What an outcome must satisfy beyond its types: the manifest's columns in its order, of the batch's rows, in the scales
//! agreed, with faults that name rows of the batch.

use super::{
    Column, Context, Manifest, Outcome, Output, Role, Texts, Values,
    verdict::{Verdict, shorten},
};

/// Bytes of a grade. It is kept, shown and sent for each row that has it, however little room it takes in an answer.
pub const GRADE_BYTES: usize = 1_024;

/// Holds the outcome of a batch of `rows` rows to the contract. A fault's message is cut to the length that is kept.
pub fn check(
    mut outcome: Outcome,
    manifest: &Manifest,
    context: &Context,
    rows: u32,
) -> Result<Outcome, Verdict> {
    if outcome.columns.len() != manifest.outputs.len() {
        return Err(Verdict::contract(format!(
            "`evaluate` gave {} columns; the manifest has {} outputs",
            outcome.columns.len(),
            manifest.outputs.len()
        )));
    }
    for (column, output) in outcome.columns.iter().zip(&manifest.outputs) {
        if column.name != output.name {
            return Err(Verdict::contract(format!(
                "`evaluate` gave the column {:?} in the place of the output `{}`; columns come in the manifest's order",
                column.name.chars().take(64).collect::<String>(),
                output.name
            )));
        }
        check_column(column, output, context, rows)?;
    }
    check_ascending("faults", outcome.faults.iter().map(|fault| fault.row), rows)?;
    for fault in &mut outcome.faults {
        shorten(&mut fault.message);
    }
    Ok(outcome)
}

fn check_column(column: &Column, output: &Output, context: &Context, rows: u32) -> Result<(), Verdict> {
    let wrong = |what: String| Verdict::contract(format!("the column `{}`: {what}", output.name));
    let check_length = |length: usize| {
        if u32::try_from(length) == Ok(rows) {
            Ok(())
        } else {
            Err(wrong(format!("it has {length} rows, the batch has {rows}")))
        }
    };
    check_ascending(&format!("the missing rows of `{}`", output.name), column.missing.iter().copied(), rows)?;
    match (&column.values, output.role) {
        (Values::Decimals(decimals), Role::Score | Role::Payout | Role::Detail) => {
            let scale = if output.role == Role::Payout { context.currency_scale } else { output.scale };
            if decimals.scale != scale {
                return Err(wrong(format!("its scale is {}, {scale} was agreed", decimals.scale)));
            }
            check_length(decimals.unscaled.len())
        }
        (Values::Texts(texts), Role::Grade) => {
            check_length(texts.codes.len())?;
            check_texts(texts, &column.missing, &output.name)
        }
        (Values::Decimals(_), Role::Grade) => Err(wrong("a grade is text, it has decimals".into())),
        (Values::Texts(_), _) => Err(wrong("only a grade is text, all others are decimals".into())),
    }
}

/// Looks at the text of every row that is not missing (`missing` is ascending).
fn check_texts(texts: &Texts, missing: &[u32], output: &str) -> Result<(), Verdict> {
    for (row, &code) in (0_u32..).zip(&texts.codes) {
        let text = texts.dictionary.get(usize::try_from(code).unwrap_or(usize::MAX));
        match text {
            Some(text) if text.len() <= GRADE_BYTES => {}
            _ if missing.binary_search(&row).is_ok() => {}
            Some(text) => return Err(Verdict::grade_too_long(output, text.len(), GRADE_BYTES).at_row(row)),
            None => {
                let known = texts.dictionary.len();
                let what = format!("row {row} has the code {code}, the dictionary has {known} texts");
                return Err(Verdict::contract(format!("the column `{output}`: {what}")).at_row(row));
            }
        }
    }
    Ok(())
}

fn check_ascending(what: &str, rows: impl Iterator<Item = u32>, limit: u32) -> Result<(), Verdict> {
    let mut next = 0;
    for row in rows {
        if row >= limit {
            return Err(Verdict::contract(format!("{what}: there is no row {row} in a batch of {limit}")));
        }
        if row < next {
            return Err(Verdict::contract(format!(
                "{what}: row {row} is there twice or comes after a later one; rows ascend"
            ))
            .at_row(row));
        }
        next = row + 1;
    }
    Ok(())
}
