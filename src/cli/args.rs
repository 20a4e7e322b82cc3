//! What may be typed on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::parse_memory;
use crate::text::visible;

use super::write_args::WriteCommand;

/// Explore Azof lakes: every table as of any event time.
///
/// Without a command, opens the explorer: pick a table, choose columns, and scrub the timeline with `,` and `.`; `?`
/// shows all keys.
#[derive(Debug, Parser)]
#[command(
    name = "azof-tui",
    version,
    about,
    max_term_width = 100,
    subcommand_negates_reqs = true
)]
#[command(
    after_help = "TIME is RFC 3339, a date, a month (2019-11), a quarter (2019-Q3), a year, now, -2h, -90d, \
or milliseconds since 1970; current is the newest state."
)]
pub struct Cli {
    /// The lake to explore: a directory, or an s3://, gs://, az://, http:// or https:// URL [default: .]
    #[arg(value_name = "LAKE", conflicts_with = "path")]
    pub lake: Option<String>,

    #[command(flatten)]
    pub common: Common,

    /// Open at this table
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,

    /// Open at this moment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub as_of: Option<String>,

    /// Open compared with this moment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub compare: Option<String>,

    /// Open with these columns shown
    #[arg(long, value_name = "A,B")]
    pub columns: Option<String>,

    /// Open with this SQL statement, run at the playhead
    #[arg(long, value_name = "SQL")]
    pub query: Option<String>,

    /// The colours of the explorer [default: those of the settings]
    #[arg(long, value_enum)]
    pub theme: Option<ThemeChoice>,

    /// Open the lake as if for the first time, and leave what is remembered of it alone
    #[arg(long)]
    pub fresh: bool,

    /// Print the settings as they are where nothing is set, with comments: a file to begin with
    #[arg(long)]
    pub print_config: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The colours of the explorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeChoice {
    /// Dark, or none where `NO_COLOR` is set
    Auto,
    /// For dark backgrounds
    Dark,
    /// For light backgrounds
    Light,
    /// No colours
    None,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// The lake: a directory, or an s3://, gs://, az://, http:// or https:// URL
    #[arg(long, global = true, value_name = "LAKE")]
    pub path: Option<String>,

    /// Read the settings from this file [default: ~/.config/azof-tui/config.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Append what happens, and how long it takes, to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Memory for reading, such as 500MB or 2GB: what one read may hold, and three quarters of it what is kept for the next ones [default: a quarter of the machine's]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<usize>,
}

/// How rows come out.
#[derive(Debug, Args)]
pub struct Output {
    /// The form of the rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The form of rows that leave the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    Table,
    /// Comma-separated, with a header; nulls are empty
    Csv,
    /// One array of objects
    Json,
    /// An object a line
    Ndjson,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

/// The commands for scripts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the tables of the lake
    Tables {
        /// As they were at this version; those without it are listed with an error
        #[arg(long = "version", value_name = "N")]
        at_version: Option<u64>,
        #[command(flatten)]
        output: Output,
    },
    /// Print a table as it was, ordered by key
    Scan {
        #[command(flatten)]
        table: TableName,
        /// The moment [default: current]
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        as_of: Option<String>,
        /// The value columns, in this order [default: all]
        #[arg(long, value_name = "A,B")]
        columns: Option<String>,
        /// Print at most this many rows
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        #[command(flatten)]
        output: Output,
    },
    /// Print what changed between two moments, to the cell
    ///
    /// Ends like diff: exit status 0 where nothing differs, 1 where something does, 2 on errors. Rows that were only
    /// reported again (touched) are no difference.
    Diff {
        #[command(flatten)]
        table: TableName,
        /// The first moment, A
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: String,
        /// The second moment, B [default: current]
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        to: Option<String>,
        /// Compare these value columns [default: all]
        #[arg(long, value_name = "A,B")]
        columns: Option<String>,
        /// Print counts instead of rows
        #[arg(long)]
        summary: bool,
        /// Print rows that were reported again without a change, too
        #[arg(long, conflicts_with = "summary")]
        touched: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Print every version of one key, newest first, with the stretch of event time in which it is shown
    ///
    /// A version without an end is current.
    History {
        #[command(flatten)]
        table: TableName,
        /// The key
        #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
        key: String,
        /// The value columns, in this order [default: all]
        #[arg(long, value_name = "A,B")]
        columns: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Print where the row of a key comes from, and the rows of the key that it beat
    ///
    /// Of every file that a read as of the moment considers, each row of the key, newest first, with what became of it.
    Why {
        #[command(flatten)]
        table: TableName,
        /// The key
        #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
        key: String,
        /// The moment [default: current]
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        as_of: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Print when a table changes, and how much
    Timeline {
        #[command(flatten)]
        table: TableName,
        /// Leave out what is before this moment
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: Option<String>,
        /// Leave out what is after this moment
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        to: Option<String>,
        /// Count changes in this many buckets of equal length instead of at every tick
        #[arg(long, value_name = "N")]
        buckets: Option<usize>,
        #[command(flatten)]
        output: Output,
    },
    /// Run SQL: SELECT … FROM prices AT ('2019-01-17')
    ///
    /// A table without a moment of its own is read as of --as-of. Statements are separated by semicolons; with --file, or
    /// where no statement is given, they come from a file or from standard input. changes('t', A, B), history('t') and
    /// ticks('t') are tables too.
    Sql {
        /// The statement; several are separated by semicolons [default: standard input]
        #[arg(
            value_name = "STATEMENT",
            conflicts_with = "file",
            allow_hyphen_values = true
        )]
        statement: Option<String>,
        /// Read the statements from this file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The moment of tables that name none [default: current]
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        as_of: Option<String>,
        /// The version of tables that name none; FROM prices AT (VERSION => 3) names one [default: the current one]
        #[arg(long = "version", value_name = "N")]
        at_version: Option<u64>,
        #[command(flatten)]
        output: Output,
    },
    /// Write NAME.parquet from NAME.csv beside it, by the table's schema
    ///
    /// The CSV has no header; its fields are key, event time, and the value columns in the schema's order.
    Gen {
        #[command(flatten)]
        table: TableName,
        /// The data file, without .csv or .parquet
        #[arg(long, value_name = "NAME")]
        file: String,
    },
    #[command(flatten)]
    Write(WriteCommand),
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

impl Command {
    /// What it does, for a log: without a key, a statement or anything else that may be a secret.
    pub fn logged(&self) -> String {
        use WriteCommand as W;
        let (name, table) = match self {
            Self::Tables { .. } => ("tables", None),
            Self::Scan { table, .. } => ("scan", Some(&table.table)),
            Self::Diff { table, .. } => ("diff", Some(&table.table)),
            Self::History { table, .. } => ("history", Some(&table.table)),
            Self::Why { table, .. } => ("why", Some(&table.table)),
            Self::Timeline { table, .. } => ("timeline", Some(&table.table)),
            Self::Sql { .. } => ("sql", None),
            Self::Gen { table, .. } => ("gen", Some(&table.table)),
            Self::Write(W::Create { table, .. }) => ("create", Some(table)),
            Self::Write(W::Append { table, .. }) => ("append", Some(table)),
            Self::Write(W::Compact { table, .. }) => ("compact", Some(table)),
            Self::Write(W::Evolve { table, .. }) => ("evolve", Some(table)),
            Self::Write(W::Versions { table, .. }) => ("versions", Some(table)),
            Self::Write(W::Check { .. }) => ("check", None),
            Self::Write(W::Vacuum { table, .. }) => ("vacuum", Some(table)),
            Self::Completions { .. } => ("completions", None),
            Self::Man => ("man", None),
        };
        match table {
            Some(table) => format!("{name} {}", visible(table)),
            None => name.to_owned(),
        }
    }
}

/// The table that a command is about.
#[derive(Debug, Args)]
pub struct TableName {
    /// The table
    #[arg(long, value_name = "TABLE")]
    pub table: String,
    /// Read this version instead of the current one: what the table said before later rows and corrections
    #[arg(long = "version", value_name = "N")]
    pub at_version: Option<u64>,
}
