//! What the metadata of a table means. Pure: text in, values out; no I/O, no async, no Arrow kernels.

mod file_name;
mod manifest;
mod plan;
mod schema;
mod version;
mod wire;

pub use file_name::FileName;
pub use manifest::{Delta, MANIFEST_BYTES_AT_MOST, Manifest, Segment};
pub use plan::{FileRole, Plan, PlannedFile, plan};
pub use schema::{Column, DataType, EVENT_TIME, KEY, Projection, Schema};
pub use version::{VERSION_BYTES_AT_MOST, VERSION_FILE, Version};
