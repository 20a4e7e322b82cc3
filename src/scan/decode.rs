//! Column chunks fetched and decoded: the unit of reading is one column of one row group of one file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::contained::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::format::DataType;

use super::column::ColumnData;
use super::data_file::DataFile;
use super::page_headers;

/// The byte range of a column chunk in its file.
pub(super) fn chunk_range(file: &DataFile, row_group: usize, leaf: usize) -> Range<u64> {
    // The signs and the end were checked when the file was opened.
    let (start, length) = file.row_group(row_group).column(leaf).byte_range();
    start..start + length
}

/// Decodes a column chunk, or the selected rows of it, and casts it to the schema's type.
///
/// Decoders of others run here on bytes of others: a panic of theirs becomes the file's error.
pub(super) fn decode_chunk(
    file: &DataFile,
    row_group: usize,
    leaf: usize,
    bytes: Bytes,
    selection: Option<RowSelection>,
    wanted: DataType,
) -> Result<ColumnData> {
    let column = file
        .metadata()
        .file_metadata()
        .schema_descr()
        .column(leaf)
        .path()
        .string();
    let fault = |message: String| {
        Error::new(ErrorKind::DataFile, message)
            .within(format!("row group {row_group}, column '{column}'"))
            .in_file(&file.name)
            .in_table(&file.table)
    };
    let damaged = |e: String| {
        fault(format!("it cannot be decoded: {e}")).hint("the file is damaged; write it anew")
    };
    let declared = file.row_group(row_group).column(leaf).uncompressed_size();
    page_headers::check(&bytes, declared).map_err(damaged)?;
    let rows = selection
        .as_ref()
        .map_or(file.rows_in_group(row_group), RowSelection::row_count);
    let array = contain(|| {
        let chunk = Chunk {
            at: chunk_range(file, row_group, leaf).start,
            bytes,
        };
        let mask = ProjectionMask::leaves(file.arrow.parquet_schema(), [leaf]);
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunk, file.arrow.clone())
                .with_projection(mask)
                .with_row_groups(vec![row_group])
                .with_batch_size(rows.max(1));
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let mut parts: Vec<ArrayRef> = Vec::new();
        for batch in builder.build().map_err(|e| e.to_string())? {
            parts.push(Arc::clone(batch.map_err(|e| e.to_string())?.column(0)));
        }
        match parts.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] => Ok(arrow::array::new_empty_array(&super::column::arrow_type(
                wanted,
            ))),
            many => {
                let many: Vec<&dyn arrow::array::Array> = many.iter().map(AsRef::as_ref).collect();
                concat(&many).map_err(|e| e.to_string())
            }
        }
    })
    .and_then(|outcome| outcome)
    .map_err(damaged)?;
    if array.len() != rows {
        return Err(damaged(format!("it has {} of {rows} rows", array.len())));
    }
    contain(|| ColumnData::cast(&array, wanted))
        .and_then(|outcome| outcome)
        .map_err(fault)
}

/// The bytes of one column chunk, which the decoder addresses as if they were the file.
struct Chunk {
    at: u64,
    bytes: Bytes,
}

impl Chunk {
    fn offset(&self, start: u64) -> Result<usize, ParquetError> {
        let offset = start
            .checked_sub(self.at)
            .and_then(|o| usize::try_from(o).ok());
        offset
            .filter(|o| *o <= self.bytes.len())
            .ok_or_else(|| ParquetError::EOF(format!("byte {start} is outside the column chunk")))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.bytes.slice(self.offset(start)?..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let from = self.offset(start)?;
        match from
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len())
        {
            Some(end) => Ok(self.bytes.slice(from..end)),
            None => Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are outside the column chunk"
            ))),
        }
    }
}

/// The numbers, within their row group, of the selected rows.
pub(super) fn selected_rows(selection: &RowSelection) -> Vec<u32> {
    let mut rows = Vec::with_capacity(selection.row_count());
    let mut at = 0u32;
    for selector in selection.iter() {
        let end = at + selector.row_count as u32;
        if !selector.skip {
            rows.extend(at..end);
        }
        at = end;
    }
    rows
}

/// Joins ranges that touch, so that neighbouring chunks come in one piece; maps each back to its piece.
pub(super) fn coalesce(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let ordered: BTreeMap<u64, u64> = ranges.iter().fold(BTreeMap::new(), |mut map, r| {
        let end = map.entry(r.start).or_insert(r.end);
        *end = (*end).max(r.end);
        map
    });
    let mut joined: Vec<Range<u64>> = Vec::new();
    for (start, end) in ordered {
        match joined.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => joined.push(start..end),
        }
    }
    joined
}
