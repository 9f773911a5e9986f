//! Columns of the contract as columns of the expression language, and back.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use merit_expression::{Column, Kind, SheetInput, Unscaled, Values};
use merit_sdk::{Decimals, Refusal, Texts};

/// The columns that the inputs ask for, in their order, each of `rows` rows.
pub fn from_contract(
    inputs: &[SheetInput],
    columns: &[merit_sdk::Column],
    rows: usize,
) -> Result<Vec<Column>, Refusal> {
    inputs.iter().map(|input| from_one(input, columns, rows).map_err(Refusal::BadBatch)).collect()
}

fn from_one(input: &SheetInput, columns: &[merit_sdk::Column], rows: usize) -> Result<Column, String> {
    let name = &input.name;
    let column = columns.iter().find(|column| column.name == *name);
    let column = column.ok_or_else(|| format!("there is no column {name}"))?;
    let (values, length) = match (&column.values, input.kind) {
        (merit_sdk::Values::Texts(texts), Kind::Text) => (text(texts), texts.codes.len()),
        (merit_sdk::Values::Decimals(decimals), kind) if kind != Kind::Text => {
            let unscaled = Unscaled::Narrow(Arc::new(decimals.unscaled.clone()));
            (Values::Number { scale: decimals.scale, unscaled }, decimals.unscaled.len())
        }
        _ => return Err(format!("the column {name} is of the wrong kind")),
    };
    if length != rows {
        return Err(format!("the column {name} has {length} rows, not {rows}"));
    }
    Ok(Column { values, missing: missing(&column.missing, rows) })
}

fn text(texts: &Texts) -> Values {
    Values::Text {
        dictionary: Arc::new(texts.dictionary.iter().map(|text| Arc::from(text.as_str())).collect()),
        codes: Arc::new(texts.codes.clone()),
    }
}

fn missing(rows_missing: &[u32], rows: usize) -> Option<Arc<Vec<bool>>> {
    if rows_missing.is_empty() {
        return None;
    }
    let mut flags = vec![false; rows];
    for &row in rows_missing {
        if let Some(flag) = flags.get_mut(row as usize) {
            *flag = true;
        }
    }
    Some(Arc::new(flags))
}

/// An output column, as the contract carries it.
pub fn to_contract(name: &str, column: &Column) -> Result<merit_sdk::Column, String> {
    let values = match &column.values {
        Values::Number { scale, unscaled } => {
            merit_sdk::Values::Decimals(Decimals { scale: *scale, unscaled: narrow(name, unscaled)? })
        }
        Values::Text { dictionary, codes } => {
            let mut dictionary: Vec<String> = dictionary.iter().map(|text| text.to_string()).collect();
            // Missing rows still need something for their codes to point at.
            if dictionary.is_empty() && !codes.is_empty() {
                dictionary.push(String::new());
            }
            merit_sdk::Values::Texts(Texts { dictionary, codes: codes.to_vec() })
        }
        Values::Boolean(_) | Values::Date(_) => return Err(format!("{name} is neither a number nor a text")),
    };
    let missing = column.missing.as_deref().map(|flags| flags.as_slice()).unwrap_or_default();
    let rows = missing.iter().zip(0_u32..).filter(|(flag, _)| **flag).map(|(_, row)| row);
    Ok(merit_sdk::Column { name: name.to_string(), values, missing: rows.collect() })
}

fn narrow(name: &str, unscaled: &Unscaled) -> Result<Vec<i64>, String> {
    match unscaled {
        Unscaled::Narrow(digits) => Ok(digits.to_vec()),
        Unscaled::Wide(digits) => digits
            .iter()
            .map(|&digits| {
                i64::try_from(digits).map_err(|_| format!("a value of {name} is too large for a column"))
            })
            .collect(),
    }
}
