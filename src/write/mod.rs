//! Makes tables and changes them: create, append, compact, evolve; checks them; takes away what is old.
//!
//! Every change is one new version (`commit.rs`): data files that were never there before, then a snapshot file that
//! names them, then the pointer to it. What a change means for the past is `append.rs`'s.

mod append;
mod check;
mod commit;
mod compact;
mod create;
mod csv_rows;
mod data_file;
mod evolve;
mod figures;
mod input;
mod layout;
mod pieces;
mod place;
mod rebase;
mod runs;
mod segment_by;
mod snapshot_json;
mod typed_list;
mod vacuum;
mod versions;

pub use append::Appended;
pub use check::{Checked, Finding, Severity};
pub use commit::TableWriter;
pub use compact::{CompactOptions, Compacted};
pub use create::parse_schema;
pub use csv_rows::read_csv;
pub use data_file::encode_data_file;
pub use evolve::SchemaChange;
pub use figures::LayoutFigures;
pub use input::{Input, InputFormat, InputOptions, ParquetRows, Progress, infer_columns};
pub use segment_by::SegmentBy;
pub use typed_list::{parse_columns, parse_names, parse_renames};
pub use vacuum::{UNNAMED_KEPT_MS, VacuumOptions, Vacuumed};
pub use versions::{VersionContents, VersionInfo};
