//! A data file as bytes.

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::error::{Error, ErrorKind, Result};

/// Rows of a row group: few enough that the groups of a large file keep all cores busy, and that their statistics rule
/// out what a read does not need.
const ROWS_IN_GROUP: usize = 1 << 17;

/// Encodes rows as a Parquet file with page statistics, compressed with Snappy, which every reader of the format knows.
///
/// The batch has the columns `key` (string), `event_time` (ms, UTC) and the value columns, as
/// [`output_schema`](crate::snapshot::output_schema) orders them.
pub fn encode_data_file(batch: &RecordBatch) -> Result<Vec<u8>> {
    let failed = |e: parquet::errors::ParquetError| {
        Error::new(
            ErrorKind::Output,
            format!("the rows cannot be written as Parquet: {e}"),
        )
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROWS_IN_GROUP))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(failed)?;
    writer.write(batch).map_err(failed)?;
    writer.into_inner().map_err(failed)
}
