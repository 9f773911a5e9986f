//! Reads a dataset back from Parquet. What it does not find as the header says is damage, and named.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::Type as Physical,
    column::reader::ColumnReader,
    data_type::{ByteArray, FixedLenByteArray},
    errors::ParquetError,
    file::{
        reader::{FileReader, SerializedFileReader},
        serialized_reader::SerializedFileReader as Reader,
    },
};

use super::{
    Dataset, Faults, Header, InputData, Kind, LineData, RowFault, StepData, StepHeader,
    decimal::from_wide_bytes,
    layout::{self, ACCOUNT_MANAGER, DISPLAY_NAME, HEADER_KEY},
};
use crate::evaluate::column::{Column, Texts, TextsBuilder, Values, count_u32};

/// Why bytes are no dataset.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// They are no Parquet file, or a damaged one.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// The header is missing or not one.
    #[error("the header is no header of a dataset: {0}")]
    Header(String),
    /// A column is not as the header says.
    #[error("the column {column} {what}")]
    Column {
        /// Which.
        column: String,
        /// What is wrong.
        what: String,
    },
}

/// The dataset in a Parquet file.
///
/// # Errors
/// When the bytes are no dataset.
pub fn read(bytes: Bytes) -> Result<Dataset, ReadError> {
    let file = File::open(bytes)?;
    let ids = file.read(ACCOUNT_MANAGER)?.texts(ACCOUNT_MANAGER)?.column;
    let ids: Vec<Arc<str>> =
        (0..ids.codes.len()).map(|row| ids.dictionary[ids.codes[row] as usize].clone()).collect();
    let display_names = file.read(DISPLAY_NAME)?.texts(DISPLAY_NAME)?.column;
    let steps = file.header.steps.iter().map(|step| file.step(step, ids.len())).collect::<Result<_, _>>()?;
    Ok(Dataset { header: file.header, ids, display_names, steps })
}

/// A file under way.
struct File {
    reader: Reader<Bytes>,
    header: Header,
    /// Leaves by the first part of their path.
    leaves: BTreeMap<String, usize>,
}

/// The values and levels of a leaf.
struct Leaf {
    definition: Vec<i16>,
    repetition: Vec<i16>,
    /// The definition level of a value; 0 where every row has one.
    full: i16,
    values: LeafValues,
}

enum LeafValues {
    Longs(Vec<i64>),
    Bytes(Vec<ByteArray>),
    Wide(Vec<FixedLenByteArray>),
}

/// Texts, and where there are none.
struct ReadTexts {
    column: Texts,
    missing: Vec<bool>,
}

// === impl File ===

impl File {
    fn open(bytes: Bytes) -> Result<Self, ReadError> {
        let reader = SerializedFileReader::new(bytes)?;
        let file = reader.metadata().file_metadata();
        let header = file
            .key_value_metadata()
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == HEADER_KEY))
            .and_then(|pair| pair.value.as_deref())
            .ok_or_else(|| ReadError::Header("it is missing".to_owned()))?;
        let header = serde_json::from_str(header).map_err(|error| ReadError::Header(error.to_string()))?;
        let columns = file.schema_descr().columns();
        let name = |path: &[String]| path.first().cloned().unwrap_or_default();
        let leaves =
            columns.iter().enumerate().map(|(index, leaf)| (name(leaf.path().parts()), index)).collect();
        Ok(Self { reader, header, leaves })
    }

    fn step(&self, header: &StepHeader, rows: usize) -> Result<StepData, ReadError> {
        let step = &header.step;
        let mut inputs = Vec::new();
        for input in &header.inputs {
            let column = self.column(&layout::value(step, &input.name), input.kind, input.scale)?;
            let records = match input.source.has_records() {
                true => Some(Arc::new(self.counts(&layout::records(step, &input.name))?)),
                false => None,
            };
            inputs.push(InputData { column: Arc::new(column), records });
        }
        let lines = match &header.lines {
            Some(_) => Some(self.lines(header, rows)?),
            None => None,
        };
        let groups = match header.group_by {
            Some(_) => Some(Arc::new(self.column(&layout::group(step), Kind::Text, 0)?)),
            None => None,
        };
        let outputs = header
            .outputs
            .iter()
            .map(|output| self.column(&layout::value(step, &output.name), output.role.kind(), output.scale));
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok(StepData { inputs, lines, groups, outputs, faults: self.faults(step)? })
    }

    fn lines(&self, header: &StepHeader, rows: usize) -> Result<LineData, ReadError> {
        let name = layout::line_record(&header.step);
        let leaf = self.read(&name)?;
        let mut ends = Vec::with_capacity(rows);
        let mut end = 0;
        for (place, (&definition, &repetition)) in leaf.definition.iter().zip(&leaf.repetition).enumerate() {
            if repetition == 0 && place > 0 {
                ends.push(count_u32(end));
            }
            end += usize::from(definition > 0);
        }
        if rows > 0 {
            ends.push(count_u32(end));
        }
        if ends.len() != rows {
            return Err(wrong(&name, format!("has {} rows, {rows} are expected", ends.len())));
        }
        let records = leaf.texts(&name)?.column;
        let mut columns = Vec::new();
        for input in header.lines.iter().flat_map(|lines| &lines.inputs) {
            columns.push(self.column(&layout::line(&header.step, &input.name), input.kind, input.scale)?);
        }
        Ok(LineData { ends, records, columns })
    }

    fn faults(&self, step: &str) -> Result<Faults, ReadError> {
        let (reasons, messages) = (layout::fault(step), layout::fault_message(step));
        let reasons = self.read(&reasons)?.texts(&reasons)?;
        let messages = self.read(&messages)?.texts(&messages)?;
        let rows = reasons.missing.iter().enumerate().filter(|&(_, &missing)| !missing);
        let fault = |row: usize| RowFault {
            reason: reasons.column.get(row).to_owned(),
            message: messages.column.get(row).to_owned(),
        };
        Ok(rows.map(|(row, _)| (count_u32(row), fault(row))).collect())
    }

    fn counts(&self, name: &str) -> Result<Vec<u32>, ReadError> {
        match self.read(name)?.values {
            LeafValues::Longs(counts) => {
                let counts = counts.into_iter().map(u32::try_from).collect::<Result<_, _>>();
                counts.map_err(|_| wrong(name, "holds what is no count"))
            }
            _ => Err(wrong(name, "holds no whole numbers")),
        }
    }

    fn column(&self, name: &str, kind: Kind, scale: u8) -> Result<Column, ReadError> {
        let leaf = self.read(name)?;
        if kind == Kind::Text {
            let ReadTexts { column, missing } = leaf.texts(name)?;
            return Ok(Column { values: Values::Text(column), missing });
        }
        let missing = leaf.missing();
        let digits: Vec<i64> = match leaf.values {
            LeafValues::Longs(digits) => digits,
            LeafValues::Wide(digits) => {
                let digits = digits.iter().map(|bytes| from_wide_bytes(bytes.data())).collect::<Option<_>>();
                digits.ok_or_else(|| wrong(name, "holds numbers of more than 64 bits"))?
            }
            LeafValues::Bytes(_) => return Err(wrong(name, "holds texts, numbers are expected")),
        };
        let mut digits = digits.into_iter();
        let unscaled = missing.iter().map(|&missing| if missing { Some(0) } else { digits.next() });
        let unscaled =
            unscaled.collect::<Option<_>>().ok_or_else(|| wrong(name, "has fewer values than rows"))?;
        Ok(Column { values: Values::Number { scale, unscaled }, missing })
    }

    /// Reads a leaf, all row groups.
    fn read(&self, name: &str) -> Result<Leaf, ReadError> {
        let index = *self.leaves.get(name).ok_or_else(|| wrong(name, "is missing"))?;
        let descriptor = self.reader.metadata().file_metadata().schema_descr().column(index);
        let values = match descriptor.physical_type() {
            Physical::INT64 => LeafValues::Longs(Vec::new()),
            Physical::BYTE_ARRAY => LeafValues::Bytes(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => LeafValues::Wide(Vec::new()),
            other => return Err(wrong(name, format!("is a {other}"))),
        };
        let full = descriptor.max_def_level();
        let mut leaf = Leaf { definition: Vec::new(), repetition: Vec::new(), full, values };
        for group in 0..self.reader.num_row_groups() {
            leaf.append(name, self.reader.get_row_group(group)?.get_column_reader(index)?)?;
        }
        Ok(leaf)
    }
}

// === impl Leaf ===

impl Leaf {
    fn append(&mut self, name: &str, reader: ColumnReader) -> Result<(), ReadError> {
        let (definition, repetition) = (Some(&mut self.definition), Some(&mut self.repetition));
        match (reader, &mut self.values) {
            (ColumnReader::Int64ColumnReader(mut reader), LeafValues::Longs(values)) => {
                reader.read_records(usize::MAX, definition, repetition, values)?;
            }
            (ColumnReader::ByteArrayColumnReader(mut reader), LeafValues::Bytes(values)) => {
                reader.read_records(usize::MAX, definition, repetition, values)?;
            }
            (ColumnReader::FixedLenByteArrayColumnReader(mut reader), LeafValues::Wide(values)) => {
                reader.read_records(usize::MAX, definition, repetition, values)?;
            }
            _ => return Err(wrong(name, "changes its type from row group to row group")),
        }
        Ok(())
    }

    /// One flag per row, or per line of a list; an empty list has none.
    fn missing(&self) -> Vec<bool> {
        if self.full == 0 {
            return vec![false; self.values.len()];
        }
        let list = self.full > 1;
        let places = self.definition.iter().filter(|&&level| !list || level > 0);
        places.map(|&level| level < self.full).collect()
    }

    fn texts(&self, name: &str) -> Result<ReadTexts, ReadError> {
        let LeafValues::Bytes(values) = &self.values else { return Err(wrong(name, "holds no texts")) };
        let missing = self.missing();
        let mut values = values.iter();
        let mut builder = TextsBuilder::default();
        for &missing in &missing {
            if missing {
                builder.push_missing();
                continue;
            }
            let value = values.next().ok_or_else(|| wrong(name, "has fewer values than rows"))?;
            builder.push(value.as_utf8().map_err(|_| wrong(name, "holds what is no UTF-8"))?);
        }
        Ok(ReadTexts { column: builder.finish(), missing })
    }
}

// === impl LeafValues ===

impl LeafValues {
    fn len(&self) -> usize {
        match self {
            Self::Longs(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Wide(values) => values.len(),
        }
    }
}

fn wrong(column: &str, what: impl Into<String>) -> ReadError {
    ReadError::Column { column: column.to_owned(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use parquet::{file::reader::FileReader, record::Field};
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::dataset::{
        InputHeader, LineHeader, OutputHeader, Role, Source, StoredLimits, StoredRounding, write,
    };

    /// A row: its input, its lines, and whether it is faulted.
    type Row = (Option<i64>, Vec<Option<i64>>, bool);

    /// A dataset of one step with every kind of column; each row has an input, some lines and an output, or a fault.
    fn dataset(rows: &[Row], scale: u8) -> Dataset {
        let number = |values: Vec<Option<i64>>| Column {
            missing: values.iter().map(Option::is_none).collect(),
            values: Values::Number {
                scale,
                unscaled: values.into_iter().map(Option::unwrap_or_default).collect(),
            },
        };
        let ids: Vec<Arc<str>> = (0..rows.len()).map(|row| format!("a-{row:06}").into()).collect();
        let names: Vec<String> = (0..rows.len()).map(|row| format!("Zoë \"{}\"", row % 3)).collect();
        let mut regions = TextsBuilder::default();
        for (row, (input, ..)) in rows.iter().enumerate() {
            match input {
                Some(_) => regions.push(["North", "South", ""][row % 3]),
                None => regions.push_missing(),
            }
        }
        let regions = Column {
            values: Values::Text(regions.finish()),
            missing: rows.iter().map(|row| row.0.is_none()).collect(),
        };
        let mut ends = Vec::new();
        let mut lines = Vec::new();
        for (_, row_lines, _) in rows {
            lines.extend(row_lines);
            ends.push(count_u32(lines.len()));
        }
        let records: Vec<String> = (0..lines.len()).map(|line| format!("deal-{line}")).collect();
        let faults = rows.iter().enumerate().filter(|(_, row)| row.2).map(|(row, _)| {
            (count_u32(row), RowFault { reason: "PLUGIN_FAULT".to_owned(), message: format!("row {row}") })
        });
        let step = StepData {
            inputs: vec![
                InputData {
                    column: Arc::new(number(rows.iter().map(|row| row.0).collect())),
                    records: Some(Arc::new((0..count_u32(rows.len())).collect())),
                },
                InputData { column: Arc::new(regions.clone()), records: None },
            ],
            lines: Some(LineData {
                ends,
                records: records.iter().map(String::as_str).collect(),
                columns: vec![number(lines)],
            }),
            groups: Some(Arc::new(regions)),
            outputs: vec![number(rows.iter().map(|row| row.0.filter(|_| !row.2)).collect())],
            faults: faults.collect(),
        };
        let display_names = names.iter().map(String::as_str).collect();
        Dataset { header: header(scale), ids, display_names, steps: vec![step] }
    }

    fn header(scale: u8) -> Header {
        let input = |name: &str, kind, source| InputHeader { name: name.to_owned(), kind, scale, source };
        Header {
            merit: "0.1.0".to_owned(),
            run: "teams/t/runs/r".to_owned(),
            period_start: "2026-01-01".to_owned(),
            period_end: "2026-04-01".to_owned(),
            currency: "EUR".to_owned(),
            currency_scale: 2,
            rounding: StoredRounding::HalfUp,
            sequence: 7,
            engine: "engine 1".to_owned(),
            limits: StoredLimits {
                fuel_per_call: 1,
                fuel_per_row: 2,
                memory_bytes: 3,
                output_bytes: 4,
                at_ceiling: vec!["memory_bytes".to_owned()],
            },
            steps: vec![StepHeader {
                shadow_of: None,
                step: "kpi".to_owned(),
                revision: "teams/t/pluginRevisions/p-1".to_owned(),
                component: "00".to_owned(),
                parameters: "{}".to_owned(),
                group_by: Some("region".to_owned()),
                inputs: vec![
                    input("revenue", Kind::Number, Source::Measure("revenue".to_owned())),
                    input("region", Kind::Text, Source::Attribute("region".to_owned())),
                ],
                lines: Some(LineHeader {
                    collection: "opportunities".to_owned(),
                    inputs: vec![input("amount", Kind::Number, Source::Field("amount".to_owned()))],
                }),
                outputs: vec![OutputHeader { name: "score".to_owned(), role: Role::Score, scale }],
            }],
        }
    }

    fn round_trip(dataset: &Dataset) -> Dataset {
        let bytes = write(dataset).unwrap();
        assert_eq!(bytes, write(dataset).unwrap(), "the same dataset, the same bytes");
        read(bytes.into()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let check = |rows: &[Row], scale| {
            let dataset = dataset(rows, scale);
            assert_eq!(round_trip(&dataset), dataset);
        };
        check(&[], 2);
        check(&[(Some(1), vec![], false)], 2);
        check(
            &[(None, vec![], true), (Some(-1), vec![Some(1), None, Some(3)], false), (Some(0), vec![], true)],
            2,
        );
        // More digits than a DECIMAL of 64 bits may have, and more decimals.
        check(&[(Some(i64::MAX), vec![Some(i64::MIN)], false), (Some(1), vec![None], false)], 0);
        check(&[(Some(i64::MIN), vec![Some(1)], false)], 19);
        // More than one row group.
        let many: Vec<_> = (0..70_000)
            .map(|row| ((row % 5 != 0).then_some(row), vec![Some(row); (row % 3) as usize], row % 7 == 0))
            .collect();
        check(&many, 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_dataset_comes_back(
            rows in prop::collection::vec(
                (any::<Option<i64>>(), prop::collection::vec(any::<Option<i64>>(), 0..4), any::<bool>()),
                0..40,
            ),
            scale in 0u8..=12,
        ) {
            let dataset = dataset(&rows, scale);
            prop_assert_eq!(round_trip(&dataset), dataset);
        }
    }

    #[test]
    fn any_reader_sees_decimals_and_texts() {
        let dataset = dataset(&[(Some(1250), vec![Some(-5)], false), (None, vec![], true)], 2);
        let reader = SerializedFileReader::new(Bytes::from(write(&dataset).unwrap())).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let field = |row: usize, name: &str| {
            let found = rows[row].get_column_iter().find(|(column, _)| *column == name);
            found.unwrap_or_else(|| panic!("{name} is missing")).1.clone()
        };
        assert_eq!(field(0, "account_manager"), Field::Str("a-000000".to_owned()));
        let Field::Decimal(revenue) = field(0, "kpi.revenue") else { panic!("a decimal is expected") };
        assert_eq!((revenue.data(), revenue.scale()), (1250i64.to_be_bytes().as_slice(), 2));
        assert_eq!(field(1, "kpi.revenue"), Field::Null);
        assert_eq!(field(1, "kpi#fault"), Field::Str("PLUGIN_FAULT".to_owned()));
        assert_eq!(field(0, "kpi#fault"), Field::Null);
        assert!(matches!(field(0, "kpi#lines.amount"), Field::ListInternal(list) if list.len() == 1));
        assert!(matches!(field(1, "kpi#lines.amount"), Field::ListInternal(list) if list.len() == 0));
    }

    #[test]
    fn damage_is_named() {
        let bytes = write(&dataset(&[(Some(1), vec![], false)], 2)).unwrap();
        assert!(matches!(read(Bytes::from_static(b"PAR1")), Err(ReadError::Parquet(_))));
        assert!(read(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])).is_err());
        let mut other = dataset(&[(Some(1), vec![], false)], 2);
        other.header.steps[0].outputs[0].name = "other".to_owned();
        let renamed = write(&other).unwrap();
        let header = serde_json::to_string(&header(2)).unwrap();
        assert!(read(renamed.into()).unwrap().header.steps[0].outputs[0].name == "other", "{header}");
    }
}
