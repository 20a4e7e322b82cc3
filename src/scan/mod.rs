//! (manifest, moment, projection) -> rows: reads Parquet, casts to the schema, keeps the newest row of every key.

mod cache;
mod column;
mod data_file;
mod decode;
mod newest;
mod page_headers;
mod read;
mod reader;
mod snapshot;

pub use column::{ColumnData, Value, arrow_type, time_type};
pub use data_file::DataFile;
pub use newest::RowRef;
pub use read::{ScanCost, read_snapshot};
pub use reader::{ReadLimits, Reader, RowGroupRows};
pub use snapshot::{Snapshot, output_schema};
