//! The plugins that ship, in the sandbox: inputs as text in, outputs and steps out.

use std::{collections::HashMap, fs, path::Path, sync::Mutex};

use merit::sandbox::{
    Batch, Column, Context, Decimals, Input, Kind, Limits, Lines, Manifest, Outcome, Plugin, Rounding, Step,
    Texts, Values, verify_steps,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::case::decimal;
use crate::guest::{LIMITS, SANDBOX};

/// The cells of a row or line by name; what is absent is missing.
pub type Cells = Vec<(&'static str, String)>;

/// A plugin with its parameters, about to score.
pub struct Scoring {
    plugin: &'static str,
    parameters: String,
    currency_scale: u8,
    rows: Vec<Cells>,
    lines: Vec<Cells>,
}

/// What it said.
pub struct Scored {
    outcome: Outcome,
    steps: Vec<Vec<Step>>,
}

/// A standard plugin with parameters. Amounts keep six decimals, so that they can be held against those of others, who
/// round elsewhere or not at all.
pub fn standard(plugin: &'static str, parameters: Value) -> Scoring {
    Scoring {
        plugin,
        parameters: parameters.to_string(),
        currency_scale: 6,
        rows: Vec::new(),
        lines: Vec::new(),
    }
}

/// A formula.
pub fn formula(sheet: &str) -> Scoring {
    standard("formula", json!({ "sheet": sheet }))
}

// === impl Scoring ===

impl Scoring {
    /// With another row.
    pub fn row(mut self, cells: Cells) -> Self {
        self.rows.push(cells);
        self
    }

    /// With another detail line, of the only row.
    pub fn line(mut self, cells: Cells) -> Self {
        self.lines.push(cells);
        self
    }

    /// In a currency of so many decimals.
    pub fn currency(mut self, scale: u8) -> Self {
        self.currency_scale = scale;
        self
    }

    /// Scores, explains every row, and holds the steps to the outputs.
    pub fn score(self) -> Result<Scored, String> {
        let plugin = loaded(self.plugin);
        let limits = Limits { wall_time: LIMITS.wall_time, ..Limits::default() };
        let manifest = plugin.describe(&self.parameters, &limits).map_err(|verdict| verdict.to_string())?;
        let batch = self.batch(&manifest);
        let context = Context {
            period_start: "2026-01-01".into(),
            period_end: "2026-04-01".into(),
            currency: "EUR".into(),
            currency_scale: self.currency_scale,
            rounding: Rounding::HalfUp,
        };
        let outcome = plugin.evaluate(&self.parameters, &context, &manifest, &batch, &limits);
        let outcome = outcome.map_err(|verdict| verdict.to_string())?;
        if let Some(fault) = outcome.faults.first() {
            return Err(format!("row {} faults: {}", fault.row, fault.message));
        }
        let mut steps = Vec::new();
        for row in 0..batch.rows {
            let explained = plugin.explain(&self.parameters, &context, &manifest, &batch, row, &limits);
            let explained = explained.map_err(|verdict| verdict.to_string())?;
            for column in &outcome.columns {
                verify_steps(column, row, &explained).map_err(|verdict| verdict.to_string())?;
            }
            steps.push(explained);
        }
        Ok(Scored { outcome, steps })
    }

    fn batch(&self, manifest: &Manifest) -> Batch {
        let lines = || Lines {
            row_ends: vec![self.lines.len() as u32; self.rows.len().max(1)],
            columns: manifest.line_inputs.iter().map(|input| column(input, &self.lines)).collect(),
        };
        let rows = if self.rows.is_empty() { vec![Vec::new()] } else { self.rows.clone() };
        Batch {
            rows: rows.len() as u32,
            columns: manifest.inputs.iter().map(|input| column(input, &rows)).collect(),
            lines: (!manifest.line_inputs.is_empty()).then(lines),
        }
    }
}

// === impl Scored ===

impl Scored {
    /// An output that is a number; nothing where it is missing.
    pub fn number(&self, output: &str, row: usize) -> Option<Decimal> {
        let column = self.outcome.columns.iter().find(|column| column.name == output);
        let column = column.unwrap_or_else(|| panic!("there is no output {output}"));
        let Values::Decimals(decimals) = &column.values else { panic!("{output} is no number") };
        let there = !column.missing.contains(&(row as u32));
        there.then(|| Decimal::new(decimals.unscaled[row], u32::from(decimals.scale)))
    }

    /// An output that is a text.
    pub fn text(&self, output: &str) -> &str {
        let column = self.outcome.columns.iter().find(|column| column.name == output).expect("the output");
        let Values::Texts(texts) = &column.values else { panic!("{output} is no text") };
        &texts.dictionary[texts.codes[0] as usize]
    }

    /// The steps of an output of the first row: label and amount.
    pub fn steps(&self, output: &str) -> Vec<(&str, Decimal)> {
        let of = self.steps[0].iter().filter(|step| step.output.as_deref() == Some(output));
        of.map(|step| (step.label.as_str(), Decimal::new(step.unscaled, u32::from(step.scale)))).collect()
    }
}

/// A plugin that ships, loaded once.
fn loaded(id: &'static str) -> Plugin {
    static LOADED: Mutex<Option<HashMap<&'static str, Plugin>>> = Mutex::new(None);
    let mut loaded = LOADED.lock().expect("no test panics here");
    let load = || {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plugins/standard/built/{id}.wasm"));
        SANDBOX.load(&fs::read(path).expect("a component")).expect("it loads")
    };
    loaded.get_or_insert_default().entry(id).or_insert_with(load).clone()
}

fn column(input: &Input, rows: &[Cells]) -> Column {
    let cell =
        |cells: &Cells| cells.iter().find(|(name, _)| *name == input.name).map(|(_, value)| value.clone());
    let cells: Vec<Option<String>> = rows.iter().map(cell).collect();
    let missing = (0..).zip(&cells).filter(|(_, cell)| cell.is_none()).map(|(row, _)| row).collect();
    let unscaled = |cell: &Option<String>| {
        let mut number = decimal(cell.as_deref().unwrap_or("0"));
        assert!(number.normalize().scale() <= u32::from(input.scale), "{number} has too many decimals");
        number.rescale(u32::from(input.scale));
        i64::try_from(number.mantissa()).expect("it fits")
    };
    let values = match input.kind {
        Kind::Number => {
            Values::Decimals(Decimals { scale: input.scale, unscaled: cells.iter().map(unscaled).collect() })
        }
        Kind::Text => Values::Texts(Texts {
            codes: (0..cells.len() as u32).collect(),
            dictionary: cells.into_iter().map(Option::unwrap_or_default).collect(),
        }),
    };
    Column { name: input.name.clone(), values, missing }
}
