//! Writes data files: rows of text made into Parquet by a table's schema.

mod csv_rows;
mod data_file;

pub use csv_rows::read_csv;
pub use data_file::encode_data_file;
