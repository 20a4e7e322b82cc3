//! A data file opened: its footer read and checked, its columns found by name.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::Array;
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema};
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector,
};
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, RowGroupMetaData,
};

use crate::contained::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::format::{DataType, EVENT_TIME, KEY};
use crate::store::Store;

use super::column::{ColumnData, is_readable};
use super::key_filter::KeyFilter;

/// Most footers, and most small files whole, fit in one request of this many bytes.
const TAIL_BYTES: u64 = 64 << 10;

/// A row group with more rows than this is refused: run-length encoding makes billions of rows out of a few bytes.
const ROWS_IN_GROUP_AT_MOST: i64 = 1 << 28;

/// A data file whose footer has been read.
///
/// Guarantees: every column chunk lies within the file; every row group has a plausible number of rows; `key` and
/// `event_time` are there, flat, and of readable types.
#[derive(Debug)]
pub struct DataFile {
    /// The folder of the table.
    pub(super) table: String,
    /// The file's name in it.
    pub(super) name: String,
    pub(super) arrow: ArrowReaderMetadata,
    /// The end of the file, kept where it is the whole file, so that a small file costs one request.
    pub(super) whole: Option<Bytes>,
    /// The event times of each row group, as its statistics say; asked for by every read, so worked out once.
    event_times: Vec<Option<(i64, i64)>>,
    /// Whether the keys of each row group ascend; known once they were decoded.
    pub(super) key_order: Vec<OnceLock<bool>>,
}

impl DataFile {
    /// Reads and checks the footer.
    pub(super) async fn open(store: &Store, table: &str, name: &str) -> Result<Self> {
        Self::open_bare(store, table, name)
            .await
            .map_err(|e| e.in_file(name).in_table(table).in_lake(store.name()))
    }

    async fn open_bare(store: &Store, table: &str, name: &str) -> Result<Self> {
        let Some(tail) = store.read_tail(table, name, TAIL_BYTES).await? else {
            return Err(Error::new(ErrorKind::DataFile, "the data file is missing")
                .hint("restore the file, or name another in the snapshot"));
        };
        if tail.file_len == 0 {
            return Err(not_parquet("the file is empty"));
        }
        let tail_at = tail.file_len - tail.bytes.len() as u64;
        let whole = (tail_at == 0).then(|| tail.bytes.clone());
        let footer = |e: String| {
            let e = e.trim_start_matches("Parquet error: ");
            not_parquet(&format!("its footer cannot be read: {e}"))
        };
        let mut decoder = ParquetMetaDataPushDecoder::try_new(tail.file_len)
            .map_err(|e| footer(e.to_string()))?
            .with_page_index_policy(PageIndexPolicy::Optional);
        decoder
            .push_range(tail_at..tail.file_len, tail.bytes)
            .map_err(|e| footer(e.to_string()))?;
        let metadata = loop {
            match contain(|| decoder.try_decode())
                .map_err(footer)?
                .map_err(|e| footer(e.to_string()))?
            {
                DecodeResult::Data(metadata) => break metadata,
                DecodeResult::Finished => return Err(footer("it ends early".to_owned())),
                DecodeResult::NeedsData(ranges) => {
                    let ranges: Vec<Range<u64>> = ranges.into_iter().collect();
                    if ranges
                        .iter()
                        .any(|r| r.end > tail.file_len || r.start > r.end)
                    {
                        return Err(footer("it points beyond the end of the file".to_owned()));
                    }
                    let answers = store.read_ranges(table, name, &ranges).await?;
                    decoder
                        .push_ranges(ranges, answers)
                        .map_err(|e| footer(e.to_string()))?;
                }
            }
        };
        check_sizes(&metadata, tail.file_len)?;
        let arrow = contain(|| arrow_metadata(Arc::new(metadata)))
            .map_err(footer)?
            .map_err(footer)?;
        let mut file = Self {
            table: table.to_owned(),
            name: name.to_owned(),
            arrow,
            whole,
            event_times: Vec::new(),
            key_order: Vec::new(),
        };
        file.key_order = (0..file.row_groups()).map(|_| OnceLock::new()).collect();
        let ranges = |file: &Self| {
            (0..file.row_groups())
                .map(|g| file.statistics_of(g))
                .collect()
        };
        // Statistics that cannot be understood rule nothing out.
        file.event_times =
            contain(|| ranges(&file)).unwrap_or_else(|_| vec![None; file.row_groups()]);
        for (column, data_type) in [(KEY, DataType::String), (EVENT_TIME, DataType::DateTime)] {
            if file.leaf(column, data_type)?.is_none() {
                return Err(Error::new(
                    ErrorKind::DataFile,
                    format!("it has no column '{column}'"),
                )
                .hint("every data file of the format has the columns key and event_time"));
            }
        }
        Ok(file)
    }

    pub(super) fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.arrow.metadata()
    }

    /// The number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata().num_row_groups()
    }

    pub(super) fn row_group(&self, index: usize) -> &RowGroupMetaData {
        self.metadata().row_group(index)
    }

    /// The rows of a row group.
    pub fn rows_in_group(&self, index: usize) -> usize {
        usize::try_from(self.row_group(index).num_rows()).unwrap_or(0)
    }

    /// The rows of the whole file, as its footer says.
    pub fn rows(&self) -> usize {
        (0..self.row_groups()).map(|i| self.rows_in_group(i)).sum()
    }

    /// True where the file has a column of this name, whatever the schema says.
    pub fn has_column(&self, name: &str) -> bool {
        let fields = self.arrow.schema().fields();
        fields.iter().any(|field| field.name() == name)
    }

    /// The position of a column's chunk in its row groups; `None` where the file lacks the column.
    pub(super) fn leaf(&self, column: &str, wanted: DataType) -> Result<Option<usize>> {
        let fields = self.arrow.schema().fields();
        let mut found = fields.iter().filter(|f| f.name() == column);
        let Some(field) = found.next() else {
            return Ok(None);
        };
        let fault = |message: String| {
            Error::new(ErrorKind::DataFile, message)
                .within(format!("column '{column}'"))
                .in_file(&self.name)
        };
        if found.next().is_some() {
            return Err(fault("the file has two columns of this name".to_owned()));
        }
        if !is_readable(field.data_type(), wanted) {
            return Err(fault(format!(
                "it holds {}, which does not cast to {wanted}",
                field.data_type()
            ))
            .hint("rewrite the file, or change the column's type in the schema"));
        }
        let columns = self.arrow.parquet_schema().columns();
        Ok(columns.iter().position(|c| c.path().parts() == [column]))
    }

    /// The least and the greatest event time of each row group, as its statistics say: `None` where they do not.
    pub fn event_time_range(&self, row_group: usize) -> Option<(i64, i64)> {
        self.event_times.get(row_group).copied().flatten()
    }

    fn statistics_of(&self, row_group: usize) -> Option<(i64, i64)> {
        let converter = self.event_time_statistics()?;
        let group = std::iter::once(self.row_group(row_group));
        let ms = |array: arrow::error::Result<arrow::array::ArrayRef>| first_ms(&array.ok()?);
        let least = ms(converter.row_group_mins(group.clone()).map_err(Into::into))?;
        let greatest = ms(converter.row_group_maxes(group).map_err(Into::into))?;
        Some((least, greatest))
    }

    /// False where the statistics of a row group rule out that it has a row as of this moment.
    pub fn admits(&self, row_group: usize, as_of: AsOf) -> bool {
        let beyond = |(least, _): (i64, i64)| !as_of.admits(least);
        self.rows_in_group(row_group) > 0 && !self.event_time_range(row_group).is_some_and(beyond)
    }

    /// False where the statistics of a row group rule out that it has a row of one of these keys.
    pub fn admits_keys(&self, row_group: usize, keys: &KeyFilter) -> bool {
        let rules_out = || -> Option<bool> {
            let column = self.leaf(KEY, DataType::String).ok()??;
            let statistics = self.row_group(row_group).column(column).statistics()?;
            // Old writers ordered bytes by their sign. Bounds that were cut short are still bounds.
            if statistics.is_min_max_deprecated() {
                return None;
            }
            let (least, greatest) = (statistics.min_bytes_opt()?, statistics.max_bytes_opt()?);
            let is_sound = std::str::from_utf8(least).is_ok() && least <= greatest;
            Some(is_sound && !keys.admits_any_of(least, greatest))
        };
        self.rows_in_group(row_group) > 0 && !contain(rules_out).ok().flatten().unwrap_or(false)
    }

    /// The rows of a row group on pages whose statistics admit a row as of this moment; `None` where that is all.
    pub(super) fn admitted_pages(&self, row_group: usize, as_of: AsOf) -> Option<RowSelection> {
        contain(|| self.admitted_pages_trusting(row_group, as_of))
            .ok()
            .flatten()
    }

    fn admitted_pages_trusting(&self, row_group: usize, as_of: AsOf) -> Option<RowSelection> {
        let AsOf::At(_) = as_of else { return None };
        let (column_index, offset_index) = (
            self.metadata().column_index()?,
            self.metadata().offset_index()?,
        );
        let converter = self.event_time_statistics()?;
        let groups = [row_group];
        let mins = converter
            .data_page_mins(column_index, offset_index, &groups)
            .ok()?;
        let counts = converter
            .data_page_row_counts(offset_index, self.metadata().row_groups(), &groups)
            .ok()??;
        let ColumnData::Time(mins) = ColumnData::cast(&mins, DataType::DateTime).ok()? else {
            return None;
        };
        if mins.len() != counts.len()
            || counts.values().iter().sum::<u64>() != self.rows_in_group(row_group) as u64
        {
            return None;
        }
        let selectors: Vec<RowSelector> = (0..mins.len())
            .map(|page| {
                let rows = counts.value(page) as usize;
                if mins.is_valid(page) && !as_of.admits(mins.value(page)) {
                    RowSelector::skip(rows)
                } else {
                    RowSelector::select(rows)
                }
            })
            .collect();
        selectors.iter().any(|s| s.skip).then(|| selectors.into())
    }

    fn event_time_statistics(&self) -> Option<StatisticsConverter<'_>> {
        StatisticsConverter::try_new(EVENT_TIME, self.arrow.schema(), self.arrow.parquet_schema())
            .ok()
    }
}

fn first_ms(array: &arrow::array::ArrayRef) -> Option<i64> {
    match ColumnData::cast(array, DataType::DateTime).ok()? {
        ColumnData::Time(a) => (a.len() == 1 && a.is_valid(0)).then(|| a.value(0)),
        _ => None,
    }
}

/// The Arrow view of the file: as it says itself, but every string as a view into its page.
fn arrow_metadata(metadata: Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata, String> {
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    // An embedded Arrow schema that does not fit its file is passed over.
    let own = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new())
        .or_else(|_| ArrowReaderMetadata::try_new(Arc::clone(&metadata), plain))
        .map_err(|e| e.to_string())?;
    let as_view = |field: &Arc<Field>| match field.data_type() {
        ArrowType::Utf8 | ArrowType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(ArrowType::Utf8View))
        }
        ArrowType::Dictionary(_, values)
            if matches!(**values, ArrowType::Utf8 | ArrowType::LargeUtf8) =>
        {
            Arc::new(field.as_ref().clone().with_data_type(ArrowType::Utf8View))
        }
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = own.schema().fields().iter().map(as_view).collect();
    let views = ArrowSchema::new_with_metadata(fields, own.schema().metadata().clone());
    Ok(ArrowReaderMetadata::try_new(
        metadata,
        ArrowReaderOptions::new().with_schema(Arc::new(views)),
    )
    .unwrap_or(own))
}

/// The checks that make the numbers of a footer safe to act on.
fn check_sizes(metadata: &ParquetMetaData, file_len: u64) -> Result<()> {
    for (i, group) in metadata.row_groups().iter().enumerate() {
        let rows = group.num_rows();
        if !(0..=ROWS_IN_GROUP_AT_MOST).contains(&rows) {
            return Err(not_parquet(&format!("row group {i} declares {rows} rows")));
        }
        for column in group.columns() {
            let start = column
                .dictionary_page_offset()
                .unwrap_or_else(|| column.data_page_offset());
            let end = start.checked_add(column.compressed_size());
            let within = start >= 0
                && column.compressed_size() >= 0
                && column.uncompressed_size() >= 0
                && end.is_some_and(|end| end as u64 <= file_len);
            if !within {
                let name = column.column_path().string();
                return Err(not_parquet(&format!(
                    "row group {i} of '{name}' lies beyond the end of the file"
                )));
            }
        }
    }
    Ok(())
}

fn not_parquet(message: &str) -> Error {
    Error::new(ErrorKind::DataFile, message)
        .hint("the file is not a whole Parquet file; write it anew")
}
