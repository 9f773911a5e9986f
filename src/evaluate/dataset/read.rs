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
    BaseKind, Behind, Dataset, Faults, Header, InputData, Kind, LineData, RecordLists, RowFault, StepData,
    StepHeader,
    decimal::from_wide_bytes,
    layout::{self, ABOVE, ACCOUNT_MANAGER, DISPLAY_NAME, HEADER_KEY},
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
    let behind = file.behind(&ids)?;
    let steps = file.header.steps.iter().map(|step| file.step(step, ids.len())).collect::<Result<_, _>>()?;
    Ok(Dataset { header: file.header, ids, display_names, behind, steps })
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

    /// Which records figures were made of.
    fn behind(&self, ids: &[Arc<str>]) -> Result<Behind, ReadError> {
        let rolls_up = self.header.bases.iter().any(|base| base.kind == BaseKind::ReportingLine);
        let above = if rolls_up { Some(Arc::new(self.above(ids)?)) } else { None };
        let mut columns = Vec::new();
        let mut all: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
        for base in &self.header.bases {
            let name = layout::base(base);
            let leaf = self.read(&name)?;
            let (ends, texts) = (leaf.ends(&name, ids.len())?, leaf.texts(&name)?.column);
            all.entry(base.collection.clone()).or_default().extend(texts.dictionary.iter().cloned());
            columns.push((&base.collection, ends, texts));
        }
        let sorted = all.into_iter().map(|(collection, mut ids)| {
            ids.sort_unstable();
            ids.dedup();
            (collection, Arc::new(ids))
        });
        let all: BTreeMap<String, Arc<Vec<Arc<str>>>> = sorted.collect();
        let list = |(collection, ends, texts): (&String, Vec<u32>, Texts)| {
            let ids = &all[collection];
            let places: Vec<u32> = texts
                .dictionary
                .iter()
                .map(|id| count_u32(ids.binary_search(id).unwrap_or_default()))
                .collect();
            let records = texts.codes.iter().map(|&code| places[code as usize]).collect();
            Arc::new(RecordLists { ends, records })
        };
        let lists = columns.into_iter().map(list).collect();
        Ok(Behind { ids: all, lists, above })
    }

    fn above(&self, ids: &[Arc<str>]) -> Result<Vec<Option<u32>>, ReadError> {
        let ReadTexts { column, missing } = self.read(ABOVE)?.texts(ABOVE)?;
        let row = |row: usize| ids.binary_search_by(|id| (**id).cmp(column.get(row))).ok().map(count_u32);
        let above = (0..missing.len()).map(|place| match missing[place] {
            true => Ok(None),
            false => row(place).map(Some).ok_or_else(|| wrong(ABOVE, "names nobody of the dataset")),
        });
        above.collect()
    }

    fn lines(&self, header: &StepHeader, rows: usize) -> Result<LineData, ReadError> {
        let name = layout::line_record(&header.step);
        let leaf = self.read(&name)?;
        let ends = leaf.ends(&name, rows)?;
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

    /// Where the list of each row ends.
    fn ends(&self, name: &str, rows: usize) -> Result<Vec<u32>, ReadError> {
        let mut ends = Vec::with_capacity(rows);
        let mut end = 0;
        for (place, (&definition, &repetition)) in self.definition.iter().zip(&self.repetition).enumerate() {
            if repetition == 0 && place > 0 {
                ends.push(count_u32(end));
            }
            end += usize::from(definition > 0);
        }
        if rows > 0 {
            ends.push(count_u32(end));
        }
        if ends.len() != rows {
            return Err(wrong(name, format!("has {} rows, {rows} are expected", ends.len())));
        }
        Ok(ends)
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
