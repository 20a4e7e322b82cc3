//! (plan, columns) -> rows: reads Parquet, casts to the schema, keeps the newest row of every key.

mod asked;
mod column;
mod data_file;
mod decode;
mod key_filter;
mod key_order;
mod limits;
mod newest;
mod page_headers;
mod read;
mod reader;
mod row_group;

pub use column::{ColumnData, Value, arrow_type, time_type};
pub use data_file::DataFile;
pub use key_filter::KeyFilter;
pub use key_order::{KeyOrder, compare_keys_at};
pub use limits::ReadLimits;
pub use newest::{Events, RowRef};
pub use read::{Chunks, NewestRows, ReadGroups, ScanCost, read_newest, read_row_groups};
pub use reader::Reader;
pub use row_group::RowGroupRows;
