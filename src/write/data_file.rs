//! Data files, as bytes and as they are written.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{
    DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef, TimestampMillisecondType,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Result};
use crate::format::Column;
use crate::snapshot::output_schema;
use crate::store::{NewFile, Store, unique_id};

use super::snapshot_json::WrittenFile;

/// Rows of a row group: few enough that the groups of a large file keep all cores busy, and that their statistics rule
/// out what a read does not need.
const ROWS_IN_GROUP: usize = 1 << 17;

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROWS_IN_GROUP))
        .build()
}

fn failed(e: &ParquetError) -> Error {
    let why = e.to_string();
    let why = why.strip_prefix("External: ").unwrap_or(&why);
    let error = Error::new(
        ErrorKind::Output,
        format!("the rows cannot be written as Parquet: {why}"),
    );
    if why.contains("No space left") {
        error.hint("the disk is full: make room and run it again; nothing was committed")
    } else {
        error
    }
}

/// Encodes rows as a Parquet file with page statistics, compressed with Snappy, which every reader of the format knows.
///
/// The batch has the columns `key` (string), `event_time` (ms, UTC) and the value columns, as
/// [`output_schema`](crate::snapshot::output_schema) orders them.
pub fn encode_data_file(batch: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties()))
        .map_err(|e| failed(&e))?;
    writer.write(batch).map_err(|e| failed(&e))?;
    writer.into_inner().map_err(|e| failed(&e))
}

/// The columns of a data file: `key`, `event_time`, then the value columns under the names that files give them.
pub(super) fn stored_schema(columns: &[Column]) -> SchemaRef {
    let output = output_schema(columns);
    let own = output.fields().iter().take(2).map(|f| f.as_ref().clone());
    let values = columns.iter().zip(output.fields().iter().skip(2));
    let values = values.map(|(c, f)| Field::new(c.stored_name(), f.data_type().clone(), true));
    Arc::new(ArrowSchema::new(own.chain(values).collect::<Vec<_>>()))
}

/// A data file that is written batch by batch, under a new unique name.
pub(super) struct DataFileWriter {
    writer: ArrowWriter<NewFile>,
    schema: SchemaRef,
    name: String,
    rows: u64,
    event_times: (i64, i64),
}

impl DataFileWriter {
    /// Begins a file; `what` goes into its name, for people.
    pub(super) fn begin(
        store: &Store,
        table: &str,
        what: &str,
        columns: &[Column],
    ) -> Result<Self> {
        let name = format!("{what}-{}.parquet", unique_id());
        let schema = stored_schema(columns);
        let file = store.new_file(table, &name)?;
        let writer = ArrowWriter::try_new(file, SchemaRef::clone(&schema), Some(properties()))
            .map_err(|e| failed(&e).in_file(&name))?;
        Ok(Self {
            writer,
            schema,
            name,
            rows: 0,
            event_times: (i64::MAX, i64::MIN),
        })
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes rows: key, event time, then the value columns, under any names.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let named = RecordBatch::try_new(SchemaRef::clone(&self.schema), batch.columns().to_vec())
            .map_err(|e| failed(&e.into()).in_file(&self.name))?;
        if let Some(times) = named
            .column(1)
            .as_primitive_opt::<TimestampMillisecondType>()
        {
            for ms in times.values() {
                self.event_times.0 = self.event_times.0.min(*ms);
                self.event_times.1 = self.event_times.1.max(*ms);
            }
        }
        self.rows += named.num_rows() as u64;
        let name = &self.name;
        self.writer
            .write(&named)
            .map_err(|e| failed(&e).in_file(name))
    }

    /// Writes the footer, makes the file last, and says what was written.
    pub(super) async fn finish(self) -> Result<WrittenFile> {
        let Self {
            writer,
            name,
            rows,
            event_times,
            ..
        } = self;
        let file = writer.into_inner().map_err(|e| failed(&e).in_file(&name))?;
        let bytes = file.finish().await?;
        Ok(WrittenFile {
            name,
            rows,
            bytes,
            event_times,
        })
    }
}

/// Writes one data file of rows in [`output_schema`]'s columns.
pub(super) async fn write_data_file(
    store: &Store,
    table: &str,
    what: &str,
    columns: &[Column],
    batches: &[RecordBatch],
) -> Result<WrittenFile> {
    let mut file = DataFileWriter::begin(store, table, what, columns)?;
    for batch in batches {
        file.write(batch)?;
    }
    file.finish().await
}

/// The bytes that a data file of these rows would have: exactly where it has one row group, otherwise by the first one.
pub(super) fn encoded_bytes(columns: &[Column], batches: &[RecordBatch]) -> Result<u64> {
    let schema = stored_schema(columns);
    let mut writer =
        ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties()))
            .map_err(|e| failed(&e))?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut encoded = 0;
    for batch in batches {
        let first = batch.slice(0, batch.num_rows().min(ROWS_IN_GROUP - encoded));
        encoded += first.num_rows();
        let named = RecordBatch::try_new(SchemaRef::clone(&schema), first.columns().to_vec())
            .map_err(|e| failed(&e.into()))?;
        writer.write(&named).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?.len();
    Ok((bytes as f64 * rows as f64 / encoded.max(1) as f64) as u64)
}

/// True for types that hold text.
pub(super) fn is_text(data_type: &ArrowType) -> bool {
    matches!(
        data_type,
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View
    )
}
