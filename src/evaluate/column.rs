//! Columns of a run: what goes into a plugin and what comes out, in the form that both the sandbox and the dataset
//! take. Where the values come from is in `input` and `lines`.

use std::{collections::HashMap, sync::Arc};

use crate::sandbox;

/// A column of a run, one value per row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The values. A missing row has 0, or code 0.
    pub values: Values,
    /// True where there is no value.
    pub missing: Vec<bool>,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// The number in row i is unscaled\[i\] × 10^-scale.
    Number {
        /// Decimals.
        scale: u8,
        /// The digits.
        unscaled: Vec<i64>,
    },
    /// Texts.
    Text(Texts),
}

/// Texts by dictionary: the text in row i is dictionary[codes\[i\]].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Each text once, in the order of first use.
    pub dictionary: Vec<Arc<str>>,
    /// One per row.
    pub codes: Vec<u32>,
}

/// Makes texts by dictionary, row by row.
#[derive(Default)]
pub struct TextsBuilder {
    texts: Texts,
    codes: HashMap<Arc<str>, u32>,
}

// === impl Column ===

impl Column {
    /// A column of numbers, all missing.
    #[must_use]
    pub fn missing_numbers(scale: u8, rows: usize) -> Self {
        Self { values: Values::Number { scale, unscaled: vec![0; rows] }, missing: vec![true; rows] }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.missing.len()
    }

    /// The digits in a row of a number column; nothing where the value is missing.
    #[must_use]
    pub fn number(&self, row: usize) -> Option<(i64, u8)> {
        match &self.values {
            Values::Number { scale, unscaled } if !self.missing[row] => Some((unscaled[row], *scale)),
            _ => None,
        }
    }

    /// The text in a row of a text column; nothing where the value is missing.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&str> {
        match &self.values {
            Values::Text(texts) if !self.missing[row] => Some(texts.get(row)),
            _ => None,
        }
    }

    /// These rows, as the sandbox takes them. The dictionary has only what they use, in the order of first use, so
    /// that a plugin sees the same in every chunking that gives it the same rows.
    #[must_use]
    pub fn gather(&self, name: &str, rows: &[u32]) -> sandbox::Column {
        let missing = positions(rows, |row| self.missing[row]);
        let values = match &self.values {
            Values::Number { scale, unscaled } => sandbox::Values::Decimals(sandbox::Decimals {
                scale: *scale,
                unscaled: rows.iter().map(|&row| unscaled[row as usize]).collect(),
            }),
            Values::Text(texts) => sandbox::Values::Texts(texts.gather(rows, &self.missing)),
        };
        sandbox::Column { name: name.to_owned(), values, missing }
    }

    /// Bytes it takes in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows()
            + match &self.values {
                Values::Number { unscaled, .. } => unscaled.len() * size_of::<i64>(),
                Values::Text(texts) => texts.bytes(),
            }
    }
}

// === impl Texts ===

impl Texts {
    /// The text in a row.
    #[must_use]
    pub fn get(&self, row: usize) -> &str {
        &self.dictionary[self.codes[row] as usize]
    }

    /// Bytes it takes in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts: usize = self.dictionary.iter().map(|text| text.len() + 32).sum();
        texts + self.codes.len() * size_of::<u32>()
    }

    fn gather(&self, rows: &[u32], missing: &[bool]) -> sandbox::Texts {
        let mut dictionary = Vec::new();
        let mut local: HashMap<u32, u32> = HashMap::new();
        let codes = rows
            .iter()
            .map(|&row| {
                if missing[row as usize] {
                    return 0;
                }
                let code = self.codes[row as usize];
                *local.entry(code).or_insert_with(|| {
                    dictionary.push(self.dictionary[code as usize].to_string());
                    count_u32(dictionary.len() - 1)
                })
            })
            .collect();
        if dictionary.is_empty() && !rows.is_empty() {
            // Every code has to be one of the dictionary, also where it means nothing.
            dictionary.push(String::new());
        }
        sandbox::Texts { dictionary, codes }
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut builder = TextsBuilder::default();
        for text in texts {
            builder.push(text);
        }
        builder.finish()
    }
}

// === impl TextsBuilder ===

impl TextsBuilder {
    /// Adds a row.
    pub fn push(&mut self, text: &str) {
        let code = match self.codes.get(text) {
            Some(&code) => code,
            None => {
                let shared: Arc<str> = text.into();
                let code = count_u32(self.texts.dictionary.len());
                self.texts.dictionary.push(shared.clone());
                self.codes.insert(shared, code);
                code
            }
        };
        self.texts.codes.push(code);
    }

    /// Adds a row without a text.
    pub fn push_missing(&mut self) {
        self.texts.codes.push(0);
    }

    /// The texts.
    #[must_use]
    pub fn finish(mut self) -> Texts {
        if self.texts.dictionary.is_empty() && !self.texts.codes.is_empty() {
            self.texts.dictionary.push("".into());
        }
        self.texts
    }
}

/// The places, among these rows, of those that a condition holds for.
#[must_use]
pub fn positions(rows: &[u32], condition: impl Fn(usize) -> bool) -> Vec<u32> {
    let places = rows.iter().enumerate().filter(|&(_, &row)| condition(row as usize));
    places.map(|(place, _)| count_u32(place)).collect()
}

/// A count or a row number as the contract has it.
///
/// # Panics
/// From 2^32 rows on, which views do not hold.
#[must_use]
pub fn count_u32(count: usize) -> u32 {
    u32::try_from(count).expect("views hold less than 2^32 rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gathered_dictionary_depends_on_the_rows_alone() {
        let texts: Texts = ["n", "s", "n", "w", "s"].into_iter().collect();
        let column = Column { values: Values::Text(texts), missing: vec![false, false, true, false, false] };
        let check = |rows: &[u32], dictionary: &[&str], codes: &[u32], missing: &[u32]| {
            let gathered = column.gather("region", rows);
            let sandbox::Values::Texts(texts) = gathered.values else { panic!("texts expected") };
            assert_eq!(texts.dictionary, dictionary);
            assert_eq!(texts.codes, codes);
            assert_eq!(gathered.missing, missing);
        };
        check(&[0, 1, 3], &["n", "s", "w"], &[0, 1, 2], &[]);
        check(&[4, 3], &["s", "w"], &[0, 1], &[]);
        check(&[2], &[""], &[0], &[0]);
        check(&[2, 1], &["s"], &[0, 0], &[0]);
        check(&[], &[], &[], &[]);
    }

    #[test]
    fn missing_texts_have_a_code_that_exists() {
        let mut builder = TextsBuilder::default();
        builder.push_missing();
        let texts = builder.finish();
        assert_eq!(texts.dictionary.len(), 1);
        assert_eq!(texts.codes, [0]);
    }
}
