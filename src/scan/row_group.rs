//! The rows of a row group, decoded.

use std::sync::Arc;

use arrow::array::{Array, StringViewArray};

use super::column::ColumnData;
use super::data_file::DataFile;
use super::newest::Events;

/// Some rows of one row group of a file: keys, event times and the wanted columns.
///
/// Guarantees: all columns have the same length; no key and no event time is null.
#[derive(Debug)]
pub struct RowGroupRows {
    /// The file; `None` for rows that come from none.
    pub file: Option<Arc<DataFile>>,
    /// The row group in it.
    pub row_group: usize,
    /// The rows' numbers within the row group; `None` where all of them are here.
    pub row_numbers: Option<Vec<u32>>,
    /// Keys.
    pub keys: StringViewArray,
    /// Event times, milliseconds.
    pub event_times: arrow::buffer::ScalarBuffer<i64>,
    /// True where the rows stand in key order, and no key twice.
    pub is_ordered: bool,
    /// The wanted columns, in the order wanted.
    pub columns: Vec<ColumnData>,
}

impl Events for RowGroupRows {
    fn is_ordered(&self) -> bool {
        self.is_ordered
    }
    fn keys(&self) -> &StringViewArray {
        &self.keys
    }
    fn event_times(&self) -> &[i64] {
        &self.event_times
    }
}

impl RowGroupRows {
    /// The same rows without the pages that their texts were decoded from.
    pub(super) fn compact(mut self) -> Self {
        self.keys = self.keys.gc();
        for column in &mut self.columns {
            if let ColumnData::Text(texts) = column {
                *texts = texts.gc();
            }
        }
        self
    }

    /// The same rows with other columns.
    #[must_use]
    pub fn with_columns(&self, columns: Vec<ColumnData>) -> Self {
        Self {
            file: self.file.clone(),
            row_numbers: self.row_numbers.clone(),
            keys: self.keys.clone(),
            event_times: self.event_times.clone(),
            columns,
            ..*self
        }
    }

    /// Bytes held in memory.
    pub fn bytes(&self) -> usize {
        let numbers = self
            .row_numbers
            .as_ref()
            .map_or(0, |n| n.capacity() * size_of::<u32>());
        let own = self.keys.get_array_memory_size() + self.event_times.len() * size_of::<i64>();
        own + numbers + self.columns.iter().map(ColumnData::bytes).sum::<usize>()
    }

    /// True where both hold the same rows of the same file, so that equal positions are the same row.
    pub fn is_same_group(&self, other: &Self) -> bool {
        let (Some(file), Some(others)) = (&self.file, &other.file) else {
            return false;
        };
        self.row_group == other.row_group
            && file.name == others.name
            && file.table == others.table
            && self.row_numbers == other.row_numbers
    }
}
