//! What is asked of the engine, and what it answers.

use std::sync::Arc;

use crate::diff::{ChangeKind, Diff};
use crate::error::Error;
use crate::event_time::{AsOf, EventTime};
use crate::export::{Existing, RowFormat};
use crate::format::{Column, Projection, Version};
use crate::history::History;
use crate::provenance::Provenance;
use crate::snapshot::Snapshot;
use crate::timeline::{Ticks, TimelineProgress};

/// Numbers requests, ascending; a reply carries its request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u64);

/// What a request is for. In each lane at most one request runs and one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The list of tables.
    Tables,
    /// When the table on screen changes.
    Timeline,
    /// The rows on screen.
    Snapshot,
    /// The row that is shown in full.
    Row,
    /// The versions of one key.
    History,
    /// A file that is written.
    Export,
    /// Figures that nobody waits for.
    Statistics,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The tables of the lake: their names, then what each is.
    Tables {
        /// The table that is wanted first.
        first: Option<String>,
    },
    /// The ticks of a table.
    Timeline {
        /// The table.
        table: String,
    },
    /// The rows of a table as of a moment.
    Snapshot {
        /// The table.
        table: String,
        /// The moment.
        as_of: AsOf,
        /// The value columns.
        projection: Projection,
    },
    /// What changed between two moments of a table. Travels in the lane of the rows, because it is what fills them.
    Compare {
        /// The table.
        table: String,
        /// The first moment.
        from: AsOf,
        /// The second moment.
        to: AsOf,
        /// The value columns.
        projection: Projection,
    },
    /// One row with all its columns.
    Row {
        /// The table.
        table: String,
        /// The moment.
        as_of: AsOf,
        /// The row's key.
        key: String,
    },
    /// Where the row of a key comes from, and which rows it beat.
    Why {
        /// The table.
        table: String,
        /// The moment.
        as_of: AsOf,
        /// The row's key.
        key: String,
    },
    /// Every version of a key, with all columns.
    History {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// Rows written to a file.
    Export {
        /// The table.
        table: String,
        /// The rows.
        rows: Exported,
        /// The file's path.
        path: String,
        /// The form of the rows.
        format: RowFormat,
        /// What becomes of a file that is there.
        existing: Existing,
    },
    /// How many rows tables have at their newest moment.
    RowCounts {
        /// The tables.
        tables: Vec<String>,
    },
}

impl Request {
    /// The lane that the request travels in.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Tables { .. } => Lane::Tables,
            Self::Timeline { .. } => Lane::Timeline,
            Self::Snapshot { .. } | Self::Compare { .. } => Lane::Snapshot,
            Self::Row { .. } | Self::Why { .. } => Lane::Row,
            Self::History { .. } => Lane::History,
            Self::Export { .. } => Lane::Export,
            Self::RowCounts { .. } => Lane::Statistics,
        }
    }
}

/// Rows that are written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// Those of a moment, by key.
    Moment {
        /// The moment.
        as_of: AsOf,
        /// The value columns.
        projection: Projection,
        /// True where the event times are written too.
        event_time: bool,
    },
    /// What became of the keys between two moments.
    Changes {
        /// The first moment.
        from: AsOf,
        /// The second moment.
        to: AsOf,
        /// The value columns.
        projection: Projection,
        /// The kinds that are written.
        kinds: Vec<ChangeKind>,
    },
}

/// What the engine knows of a table once it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The version that all reads of this table are of.
    pub version: Version,
    /// The value columns.
    pub columns: Vec<Column>,
    /// Where segments begin, ascending.
    pub segment_edges: Vec<EventTime>,
    /// The newest moment that can be read: current, or the last end of a table without an open segment.
    pub newest: AsOf,
}

/// What is answered. A request may have several answers; the reply says which is the last.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The names of the tables.
    TableNames(Vec<String>),
    /// One table of the list: what it is, or why it cannot be opened.
    Table(String, Result<TableInfo, Error>),
    /// How far the reading of ticks has come.
    TimelineProgress(TimelineProgress),
    /// The ticks of the table.
    Ticks(Arc<Ticks>),
    /// How far the reading of rows has come: row groups read, of how many.
    SnapshotProgress(usize, usize),
    /// The rows.
    Snapshot(Arc<Snapshot>),
    /// The rows of two moments and what became of them.
    Compared(Arc<Diff>),
    /// All columns as of the moment, and the position of the row asked for; `None` where its key is absent.
    Row(Arc<Snapshot>, Option<usize>),
    /// Where the row of the key comes from.
    Why(Arc<Provenance>),
    /// Every version of the key.
    History(Arc<History>),
    /// The file is written, and holds so many rows.
    Exported(usize),
    /// The number of rows of a table at its newest moment, or why they cannot be counted.
    RowCount(String, Result<usize, Error>),
    /// The request failed or was cancelled; nothing else comes.
    Failed(Error),
    /// Nothing else comes.
    Done,
}

/// An answer with the request that it is to.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The request.
    pub id: RequestId,
    /// Its lane.
    pub lane: Lane,
    /// The answer.
    pub answer: Answer,
}
