//! What of a row group is still to be decoded, and what becomes of it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowSelection;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{DataType, EVENT_TIME, KEY};

use super::column::ColumnData;
use super::data_file::DataFile;
use super::decode;
use super::key_order::is_ascending;
use super::row_group::RowGroupRows;

/// A row group whose columns are being gathered.
pub(super) struct Asked {
    pub(super) file: Arc<DataFile>,
    pub(super) row_group: usize,
    /// The rows to decode; `None` where that is all.
    pub(super) selection: Option<RowSelection>,
    /// Key, event time, then the value columns.
    pub(super) columns: Vec<(String, DataType)>,
    pub(super) found: Vec<Option<ColumnData>>,
    /// The columns to decode, each with its place in the file.
    pub(super) missing: Vec<(usize, usize)>,
}

/// A column chunk to decode.
pub(super) struct WantedChunk {
    pub(super) file: Arc<DataFile>,
    pub(super) row_group: usize,
    pub(super) selection: Option<RowSelection>,
    /// The position of its row group among those asked for.
    pub(super) asked: usize,
    /// Its position among the columns.
    pub(super) column: usize,
    pub(super) leaf: usize,
    pub(super) data_type: DataType,
    pub(super) range: Range<u64>,
}

impl WantedChunk {
    /// Decodes the chunk from its bytes.
    pub(super) fn decode(&self, bytes: Bytes) -> Result<ColumnData> {
        let (file, selection) = (&self.file, self.selection.clone());
        let data = decode::decode_chunk(
            file,
            self.row_group,
            self.leaf,
            bytes,
            selection,
            self.data_type,
        )?;
        if let (0, None, ColumnData::Text(keys)) = (self.column, &self.selection, &data) {
            file.key_order[self.row_group].get_or_init(|| is_ascending(keys));
        }
        Ok(data)
    }
}

impl Asked {
    /// The chunks to decode; `at` is the position of this row group among those asked for.
    pub(super) fn missing(&self, at: usize) -> impl Iterator<Item = WantedChunk> {
        self.missing.iter().map(move |(column, leaf)| WantedChunk {
            file: Arc::clone(&self.file),
            row_group: self.row_group,
            selection: self.selection.clone(),
            asked: at,
            column: *column,
            leaf: *leaf,
            data_type: self.columns[*column].1,
            range: decode::chunk_range(&self.file, self.row_group, *leaf),
        })
    }

    /// Makes rows of the columns, all of which have been found.
    pub(super) fn finish(self) -> Result<RowGroupRows> {
        let row_group = self.row_group;
        let mut data = self.found.into_iter().flatten();
        let no_nulls = |name: &str, column: &ColumnData| match column.first_null() {
            None => Ok(()),
            Some(row) => Err(Error::new(
                ErrorKind::DataFile,
                format!("it is null in row {row} of row group {row_group}"),
            )
            .within(format!("column '{name}'"))
            .hint("every row needs a key and an event time; write the file anew")),
        };
        let (Some(keys), Some(times)) = (data.next(), data.next()) else {
            return Err(Error::cancelled());
        };
        no_nulls(KEY, &keys)?;
        no_nulls(EVENT_TIME, &times)?;
        let (ColumnData::Text(keys), ColumnData::Time(times)) = (keys, times) else {
            return Err(Error::new(
                ErrorKind::DataFile,
                "key and event_time are of the wrong types",
            ));
        };
        let is_ordered = match &self.selection {
            None => *self.file.key_order[row_group].get_or_init(|| is_ascending(&keys)),
            Some(_) => is_ascending(&keys),
        };
        Ok(RowGroupRows {
            file: Some(self.file),
            row_group,
            row_numbers: self.selection.as_ref().map(decode::selected_rows),
            keys,
            event_times: times.values().clone(),
            is_ordered,
            columns: data.collect(),
        })
    }
}
