//! What is asked of the engine, and what it answers.

use std::fmt;
use std::sync::Arc;

use crate::aggregate::Point;
use crate::diff::{ChangeKind, Diff, DiffOrder, ShownSides};
use crate::error::Error;
use crate::event_time::{AsOf, EventTime};
use crate::export::{Existing, RowFormat};
use crate::expr::{AggregateFunction, Field};
use crate::format::{Column, Projection, Version};
use crate::history::History;
use crate::provenance::Provenance;
use crate::snapshot::{RowPart, Snapshot};
use crate::sql::ResultRows;
use crate::timeline::{Ticks, TimelineProgress};
use crate::view::{Cell, ColumnStatistics, Direction, Found};

/// Numbers requests, ascending; a reply carries its request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u64);

/// Something that was answered before, handed back; one is equal to another where both are the same thing.
pub struct Held<T: ?Sized>(pub Arc<T>);

/// Says no more than that: what is held may be a whole table, and a log has no data in it.
impl<T: ?Sized> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl<T: ?Sized> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: ?Sized> Eq for Held<T> {}

/// Which rows are wanted, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrangement {
    /// The condition that they meet.
    pub filter: Option<String>,
    /// The column that they are sorted by, and whether from the greatest to the least.
    pub sort: Option<(String, bool)>,
}

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
    /// The next match.
    Find,
    /// What the selected column holds.
    Column,
    /// When a condition turns true.
    When,
    /// The line over time in the timeline.
    Series,
    /// The result of the query.
    Query,
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
    /// Some rows of a table as of a moment, in an order of their own.
    Arranged {
        /// The table.
        table: String,
        /// The moment.
        as_of: AsOf,
        /// The value columns that are shown.
        projection: Projection,
        /// Which rows, in which order.
        arrangement: Arrangement,
    },
    /// The next match of a pattern among rows that were answered.
    Find {
        /// The rows.
        among: Searched,
        /// The columns that are searched.
        columns: Vec<Field>,
        /// A regular expression.
        pattern: String,
        /// Where the search begins.
        from: Cell,
        /// Which way it goes.
        direction: Direction,
        /// True where the first cell counts.
        includes_start: bool,
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
        /// How the keys are arranged. A filter keeps those whose row meets it at one of the moments at least; a sort is by the
        /// later values.
        arrangement: Arrangement,
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
        /// The rows.
        rows: Exported,
        /// The file's path.
        path: String,
        /// The form of the rows.
        format: RowFormat,
        /// What becomes of a file that is there.
        existing: Existing,
    },
    /// The result of a query, or of two, compared.
    Query {
        /// The statement.
        sql: String,
        /// The moment of tables that name none.
        as_of: AsOf,
        /// The moment that comes before, to compare with, and the columns that tell rows apart.
        compare: Option<(AsOf, Vec<String>)>,
    },
    /// What a column holds in rows that were answered.
    Statistics {
        /// The table.
        table: String,
        /// The rows.
        snapshot: Held<Snapshot>,
        /// The positions of those that count; nothing where all do.
        order: Option<Held<[u32]>>,
        /// The column, which need not be among those of the rows.
        column: String,
        /// The most bins of a histogram.
        bins: usize,
    },
    /// The times at which a condition turns true: on the row of a key, or where it has aggregates on the table.
    When {
        /// The table.
        table: String,
        /// The condition.
        condition: String,
        /// The key of the row; nothing where the condition is on the table.
        key: Option<String>,
        /// The table's ticks, where they have been answered before.
        ticks: Option<Held<Ticks>>,
    },
    /// An aggregate of a table at every moment at which the table may change.
    Series {
        /// The table.
        table: String,
        /// The aggregate.
        function: AggregateFunction,
        /// The column; nothing where rows are counted.
        column: Option<String>,
        /// The table's ticks, where they have been answered before.
        ticks: Option<Held<Ticks>>,
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
            Self::Snapshot { .. } | Self::Arranged { .. } | Self::Compare { .. } => Lane::Snapshot,
            Self::Find { .. } => Lane::Find,
            Self::Row { .. } | Self::Why { .. } => Lane::Row,
            Self::History { .. } => Lane::History,
            Self::Statistics { .. } => Lane::Column,
            Self::When { .. } => Lane::When,
            Self::Series { .. } => Lane::Series,
            Self::Export { .. } => Lane::Export,
            Self::Query { .. } => Lane::Query,
            Self::RowCounts { .. } => Lane::Statistics,
        }
    }
}

/// Rows that are written to a file: those that were answered before, so that the file holds what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// Rows of a moment.
    Rows {
        /// The snapshot.
        snapshot: Held<Snapshot>,
        /// The positions of the rows, in their order; `None` for all by key.
        order: Option<Held<[u32]>>,
        /// The columns, in their order.
        columns: Vec<RowPart>,
    },
    /// What became of the keys between two moments.
    Changes {
        /// The difference.
        diff: Held<Diff>,
        /// The kinds that are written.
        kinds: Vec<ChangeKind>,
        /// The keys that count, in their order; nothing for all by key.
        order: Option<Held<DiffOrder>>,
    },
    /// The whole result of a query.
    Result(Held<ResultRows>),
}

/// What the engine knows of a table once it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The version that all reads of this table are of.
    pub version: Version,
    /// The value columns.
    pub columns: Vec<Column>,
    /// Data files that the version names.
    pub files: usize,
    /// Where segments begin, ascending.
    pub segment_edges: Vec<EventTime>,
    /// The newest moment that can be read: current, or the last end of a table without an open segment.
    pub newest: AsOf,
}

/// The times at which a condition turns true, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turns {
    /// The times, ascending, in milliseconds.
    pub moments: Vec<i64>,
    /// Every one of the times before this moment is known; `None` where no moment has been looked at.
    pub known_until: Option<i64>,
    /// How many moments of the table have been looked at, of how many.
    pub visited: (usize, usize),
    /// True where there are no others.
    pub is_complete: bool,
}

/// An aggregate at every moment, as far as it is known. Between two moments it is what it was at the first of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverTime {
    /// The moments, ascending, in milliseconds.
    pub moments: Arc<[i64]>,
    /// The aggregate at each of them.
    pub points: Vec<Point>,
    /// At how many of them it is known.
    pub known: usize,
}

/// The keys of a comparison, filtered and sorted.
#[derive(Debug, Clone)]
pub struct ArrangedDiff {
    /// How they were arranged.
    pub by: Arrangement,
    /// The keys that are left, in their order.
    pub order: Arc<DiffOrder>,
}

/// Rows that are on screen, to be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Searched {
    /// Those of one moment, in their order where it is not by key.
    Rows(Held<Snapshot>, Option<Held<[u32]>>),
    /// Those of two, at these positions where not all are shown by key.
    Changes(Held<Diff>, Option<Held<[u32]>>, ShownSides),
    /// Those of a query.
    Result(Held<ResultRows>),
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
    /// Rows with how some of them are arranged: their positions in order.
    Arranged(Arc<Snapshot>, Arrangement, Arc<[u32]>),
    /// The next match; `None` where there is none.
    Found(Option<Found>),
    /// The rows of two moments and what became of them.
    Compared(Arc<Diff>, Option<ArrangedDiff>),
    /// All columns as of the moment, and the position of the row asked for; `None` where its key is absent.
    Row(Arc<Snapshot>, Option<usize>),
    /// Where the row of the key comes from.
    Why(Arc<Provenance>),
    /// Every version of the key.
    History(Arc<History>),
    /// What the column holds.
    Statistics(Arc<ColumnStatistics>),
    /// The times at which the condition turns true, as far as they are known.
    Turns(Arc<Turns>),
    /// The aggregate at every moment, as far as it is known.
    Series(Arc<OverTime>),
    /// The file is written, and holds so many rows.
    Exported(usize),
    /// The rows of the query, or those that have come.
    QueryRows(Arc<ResultRows>),
    /// The rows of the query at two moments, and what became of them.
    QueryCompared(Arc<Diff>, ArrangedDiff),
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
