//! Writes a dataset as Parquet. The same dataset gives the same bytes: no time, no machine, no thread shows in them.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type},
    errors::Result,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{
    Dataset, LineData, RecordLists, RowFault, StepData, StepHeader,
    behind::range,
    decimal::wide_bytes,
    layout::{self, ABOVE, ACCOUNT_MANAGER, DISPLAY_NAME, HEADER_KEY},
};
use crate::evaluate::column::{Column, Texts, Values};

/// Rows of a row group: a fixed number, so that the bytes depend on the rows alone.
const GROUP_ROWS: usize = 65_536;

/// The largest number of digits that a DECIMAL of 64 bits may have.
const NARROW_DIGITS: u8 = 18;

/// The dataset as a Parquet file.
///
/// # Errors
/// When the columns do not fit the header or each other; a dataset that a run makes always does.
pub fn write(dataset: &Dataset) -> Result<Vec<u8>> {
    let fields = fields(dataset);
    let types = fields.iter().map(Field::parquet_type).collect::<Result<Vec<TypePtr>>>()?;
    let schema = Type::group_type_builder("evaluations").with_fields(types).build()?;
    let header = serde_json::to_string(&dataset.header)
        .map_err(|error| parquet::errors::ParquetError::External(Box::new(error)))?;
    let properties = WriterProperties::builder()
        .set_created_by("merit".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(HEADER_KEY.to_owned(), header)]))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let rows = dataset.rows();
    for start in (0..rows).step_by(GROUP_ROWS) {
        let range = start..rows.min(start + GROUP_ROWS);
        let mut group = writer.next_row_group()?;
        for field in &fields {
            let mut column = group.next_column()?.expect("one column for each field");
            field.content.write(&mut column, range.clone())?;
            column.close()?;
        }
        group.close()?;
    }
    writer.into_inner()
}

/// A column of the file.
struct Field<'a> {
    name: String,
    content: Content<'a>,
}

/// What a column of the file holds.
enum Content<'a> {
    /// A text in every row, by what gives it.
    Ids(&'a [Arc<str>]),
    /// A text in every row.
    Texts(&'a Texts),
    /// A value in each row that is not missing.
    Values(Typed<'a>),
    /// A count in every row.
    Counts(&'a [u32]),
    /// What a fault says, in the rows that have one.
    Faults(&'a StepData, fn(&RowFault) -> &str),
    /// A list of values in every row.
    Lists(&'a LineData, Typed<'a>),
    /// A list of texts in every row.
    Records(&'a LineData),
    /// A list of ids in every row.
    Behind(&'a RecordLists, &'a [Arc<str>]),
    /// The id of another row, in the rows that have one.
    Above(&'a [Option<u32>], &'a [Arc<str>]),
}

/// A column, and whether its numbers need more digits than a DECIMAL of 64 bits may have.
#[derive(Clone, Copy)]
struct Typed<'a> {
    column: &'a Column,
    wide: bool,
}

/// The columns of the file, in their order.
fn fields(dataset: &Dataset) -> Vec<Field<'_>> {
    let mut fields = vec![
        Field { name: ACCOUNT_MANAGER.to_owned(), content: Content::Ids(&dataset.ids) },
        Field { name: DISPLAY_NAME.to_owned(), content: Content::Texts(&dataset.display_names) },
    ];
    let behind = &dataset.behind;
    if let Some(above) = &behind.above {
        fields.push(Field { name: ABOVE.to_owned(), content: Content::Above(above, &dataset.ids) });
    }
    for (base, lists) in dataset.header.bases.iter().zip(&behind.lists) {
        let ids = behind.ids.get(&base.collection).map_or(&[][..], |ids| ids);
        fields.push(Field { name: layout::base(base), content: Content::Behind(lists, ids) });
    }
    for (header, data) in dataset.header.steps.iter().zip(&dataset.steps) {
        step_fields(header, data, &mut fields);
    }
    fields
}

fn step_fields<'a>(header: &StepHeader, data: &'a StepData, fields: &mut Vec<Field<'a>>) {
    let step = &header.step;
    let mut add = |name, content| fields.push(Field { name, content });
    for (input, values) in header.inputs.iter().zip(&data.inputs) {
        add(layout::value(step, &input.name), Content::Values(Typed::of(&values.column)));
        if let Some(records) = &values.records {
            add(layout::records(step, &input.name), Content::Counts(records));
        }
    }
    if let (Some(line_header), Some(lines)) = (&header.lines, &data.lines) {
        add(layout::line_record(step), Content::Records(lines));
        for (input, column) in line_header.inputs.iter().zip(&lines.columns) {
            add(layout::line(step, &input.name), Content::Lists(lines, Typed::of(column)));
        }
    }
    if let Some(groups) = &data.groups {
        add(layout::group(step), Content::Values(Typed::of(groups)));
    }
    for (output, column) in header.outputs.iter().zip(&data.outputs) {
        add(layout::value(step, &output.name), Content::Values(Typed::of(column)));
    }
    add(layout::fault(step), Content::Faults(data, |fault| &fault.reason));
    add(layout::fault_message(step), Content::Faults(data, |fault| &fault.message));
}

// === impl Field ===

impl Field<'_> {
    fn parquet_type(&self) -> Result<TypePtr> {
        let name = &self.name;
        let built = match &self.content {
            Content::Ids(_) | Content::Texts(_) => text_type(name, Repetition::REQUIRED),
            Content::Values(typed) => value_type(name, *typed),
            Content::Counts(_) => Type::primitive_type_builder(name, Physical::INT64)
                .with_repetition(Repetition::REQUIRED)
                .build(),
            Content::Faults(..) | Content::Above(..) => text_type(name, Repetition::OPTIONAL),
            Content::Lists(_, typed) => list_type(name, value_type("element", *typed)?),
            Content::Records(_) | Content::Behind(..) => {
                list_type(name, text_type("element", Repetition::OPTIONAL)?)
            }
        };
        built.map(Arc::new)
    }
}

fn text_type(name: &str, repetition: Repetition) -> Result<Type> {
    Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::String))
        .build()
}

fn value_type(name: &str, Typed { column, wide }: Typed<'_>) -> Result<Type> {
    let Values::Number { scale, .. } = &column.values else {
        return text_type(name, Repetition::OPTIONAL);
    };
    let (physical, precision) =
        if wide { (Physical::FIXED_LEN_BYTE_ARRAY, 38) } else { (Physical::INT64, i32::from(NARROW_DIGITS)) };
    let mut builder = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::decimal(i32::from(*scale), precision)))
        .with_precision(precision)
        .with_scale(i32::from(*scale));
    if wide {
        builder = builder.with_length(16);
    }
    builder.build()
}

/// The list of three levels that the format asks for; lists are never missing, only empty.
fn list_type(name: &str, element: Type) -> Result<Type> {
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(list)])
        .build()
}

// === impl Typed ===

impl<'a> Typed<'a> {
    fn of(column: &'a Column) -> Self {
        const LIMIT: u64 = 10u64.pow(NARROW_DIGITS as u32);
        let wide = match &column.values {
            Values::Number { scale, unscaled } => {
                *scale > NARROW_DIGITS || unscaled.iter().any(|value| value.unsigned_abs() >= LIMIT)
            }
            Values::Text(_) => false,
        };
        Self { column, wide }
    }
}

// === impl Content ===

impl Content<'_> {
    fn write(&self, writer: &mut SerializedColumnWriter<'_>, rows: Range<usize>) -> Result<()> {
        match self {
            Self::Ids(ids) => {
                let texts: Vec<ByteArray> = ids[rows].iter().map(|id| bytes(id)).collect();
                writer.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
            }
            Self::Texts(texts) => {
                let present: Vec<usize> = rows.collect();
                write_texts(writer, texts, &present, None)?;
            }
            Self::Values(typed) => {
                let column = typed.column;
                let levels: Vec<i16> = rows.clone().map(|row| i16::from(!column.missing[row])).collect();
                let present: Vec<usize> = rows.filter(|&row| !column.missing[row]).collect();
                write_values(writer, *typed, &present, (&levels, None))?;
            }
            Self::Counts(counts) => {
                let counts: Vec<i64> = counts[rows].iter().map(|&count| i64::from(count)).collect();
                writer.typed::<Int64Type>().write_batch(&counts, None, None)?;
            }
            Self::Faults(step, said) => write_faults(writer, step, *said, rows)?,
            Self::Lists(lines, typed) => {
                let missing = |line: usize| typed.column.missing[line];
                let (definition, repetition, present) = list_levels(&lines.ends, missing, rows);
                write_values(writer, *typed, &present, (&definition, Some(&repetition)))?;
            }
            Self::Records(lines) => {
                let (definition, repetition, present) = list_levels(&lines.ends, |_| false, rows);
                write_texts(writer, &lines.records, &present, Some((&definition, Some(&repetition))))?;
            }
            Self::Behind(lists, ids) => {
                let (definition, repetition, present) = list_levels(&lists.ends, |_| false, rows);
                let id = |place: usize| bytes(&ids[lists.records[place] as usize]);
                let texts: Vec<ByteArray> = present.into_iter().map(id).collect();
                writer.typed::<ByteArrayType>().write_batch(&texts, Some(&definition), Some(&repetition))?;
            }
            Self::Above(above, ids) => {
                let levels: Vec<i16> =
                    above[rows.clone()].iter().map(|above| i16::from(above.is_some())).collect();
                let above = above[rows].iter().flatten();
                let texts: Vec<ByteArray> = above.map(|&row| bytes(&ids[row as usize])).collect();
                writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
            }
        }
        Ok(())
    }
}

/// Definition and repetition levels.
type Levels<'a> = (&'a [i16], Option<&'a [i16]>);

fn write_values(
    writer: &mut SerializedColumnWriter<'_>,
    typed: Typed<'_>,
    present: &[usize],
    levels: Levels<'_>,
) -> Result<()> {
    let (definition, repetition) = levels;
    match &typed.column.values {
        Values::Text(texts) => return write_texts(writer, texts, present, Some(levels)),
        Values::Number { unscaled, .. } if typed.wide => {
            let values: Vec<FixedLenByteArray> =
                present.iter().map(|&row| wide_bytes(unscaled[row]).into()).collect();
            writer.typed::<FixedLenByteArrayType>().write_batch(&values, Some(definition), repetition)?;
        }
        Values::Number { unscaled, .. } => {
            let values: Vec<i64> = present.iter().map(|&row| unscaled[row]).collect();
            writer.typed::<Int64Type>().write_batch(&values, Some(definition), repetition)?;
        }
    }
    Ok(())
}

fn write_texts(
    writer: &mut SerializedColumnWriter<'_>,
    texts: &Texts,
    present: &[usize],
    levels: Option<Levels<'_>>,
) -> Result<()> {
    let values: Vec<ByteArray> = if texts.dictionary.len() <= present.len() {
        // Shared by all rows of the text: a clone is a count, not a copy.
        let dictionary: Vec<ByteArray> = texts.dictionary.iter().map(|text| bytes(text)).collect();
        present.iter().map(|&row| dictionary[texts.codes[row] as usize].clone()).collect()
    } else {
        present.iter().map(|&row| bytes(texts.get(row))).collect()
    };
    let definition = levels.map(|levels| levels.0);
    let repetition = levels.and_then(|levels| levels.1);
    writer.typed::<ByteArrayType>().write_batch(&values, definition, repetition)?;
    Ok(())
}

fn write_faults(
    writer: &mut SerializedColumnWriter<'_>,
    step: &StepData,
    said: fn(&RowFault) -> &str,
    rows: Range<usize>,
) -> Result<()> {
    let mut levels = vec![0; rows.len()];
    let mut values = Vec::new();
    for (&row, fault) in &step.faults {
        let row = row as usize;
        if rows.contains(&row) {
            levels[row - rows.start] = 1;
            values.push(bytes(said(fault)));
        }
    }
    writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
    Ok(())
}

/// The levels of the lists of these rows, and the items among them that have a value.
fn list_levels(
    ends: &[u32],
    missing: impl Fn(usize) -> bool,
    rows: Range<usize>,
) -> (Vec<i16>, Vec<i16>, Vec<usize>) {
    let (mut definition, mut repetition, mut present) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let range = range(ends, row);
        if range.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        let first = range.start;
        for line in range {
            definition.push(if missing(line) { 1 } else { 2 });
            repetition.push(i16::from(line != first));
            if !missing(line) {
                present.push(line);
            }
        }
    }
    (definition, repetition, present)
}

fn bytes(text: &str) -> ByteArray {
    Bytes::copy_from_slice(text.as_bytes()).into()
}
