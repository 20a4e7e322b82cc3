//! Azof tables, read as of an event time: the library beneath the terminal explorer `azof-tui`.
//!
//! A lake is a directory or object-store prefix of tables. [`Lakehouse`] opens one; a [`Table`] is read as of a moment
//! into a [`Snapshot`](snapshot::Snapshot). Each module imports only those above it in the list below
//! (`tests/layering.rs` holds that), and `docs/architecture.md` tells why.

#![forbid(unsafe_code)]

pub mod text;

pub mod clipboard;

pub mod event_time;

pub mod error;

pub mod cancel;

pub mod contained;

pub mod memory;

pub mod format;

pub mod store;

pub mod scan;

pub mod timeline;

pub mod snapshot;

pub mod history;

pub mod provenance;

pub mod expr;

pub mod view;

pub mod aggregate;

pub mod diff;

pub mod export;

pub mod write;

mod lakehouse;

pub mod open_tables;

pub mod sql;

pub mod engine;

pub mod app;

pub mod ui;

pub mod config;

mod remembered;

pub mod terminal;

pub mod cli;

pub use error::{Error, ErrorKind, Result};
pub use event_time::{AsOf, EventTime};
pub use lakehouse::{Lakehouse, Table, TableSummary};
pub use sql::ExecutionContext;
