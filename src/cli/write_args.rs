//! What may be typed for the commands that make tables and change them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::write::{InputFormat, SegmentBy};

use super::args::Output;

/// The form of rows that come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputForm {
    /// Comma-separated; the first line names the columns, and empty fields are nulls
    Csv,
    /// An object a line
    Ndjson,
    /// A Parquet file
    Parquet,
}

impl From<InputForm> for InputFormat {
    fn from(form: InputForm) -> Self {
        match form {
            InputForm::Csv => Self::Csv,
            InputForm::Ndjson => Self::Ndjson,
            InputForm::Parquet => Self::Parquet,
        }
    }
}

/// How an input is read.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// The form of the input, where its name does not tell
    #[arg(long, value_enum, value_name = "FORM")]
    pub input_format: Option<InputForm>,
    /// The input's column that is the key
    #[arg(long, value_name = "NAME", default_value = "key")]
    pub key: String,
    /// The input's column that is the event time
    #[arg(long, value_name = "NAME", default_value = "event_time")]
    pub event_time: String,
}

/// The commands that make tables and change them.
#[derive(Debug, Subcommand)]
pub enum WriteCommand {
    /// Make a table
    ///
    /// Its columns are given, taken from a schema file, or guessed from a file with rows like those to come.
    Create {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// The value columns, such as price:Float,sold:Int; a ! behind the type forbids nulls
        #[arg(long, value_name = "A:TYPE,B:TYPE")]
        columns: Option<String>,
        /// A JSON file with the columns: a snapshot file, or its schema alone
        #[arg(long, value_name = "FILE", conflicts_with = "columns")]
        schema: Option<PathBuf>,
        /// Guess the columns from all rows of this CSV, NDJSON or Parquet file; none is appended
        #[arg(long, value_name = "FILE", conflicts_with_all = ["columns", "schema"])]
        like: Option<PathBuf>,
        #[command(flatten)]
        input: InputArgs,
        /// When an append opens a new segment: month, quarter, year, or a size such as 256MB
        #[arg(long, value_name = "POLICY", value_parser = SegmentBy::parse, default_value = "quarter")]
        segments: SegmentBy,
    },
    /// Append rows to a table: all of them, or none
    ///
    /// Rows may be of any age: each is visible at every moment from its event time on. A row that repeats a key and an
    /// event time of the table corrects it; --version N of the reading commands shows what was said before. Two such
    /// rows in one input are refused.
    Append {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// The rows: a CSV, NDJSON or Parquet file, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        input: InputArgs,
        /// CSV: the first line is a row; the fields are key, event time, and the columns in the schema's order
        #[arg(long)]
        no_header: bool,
        /// Put rows that are refused into this file, with the reason, and append the others
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
        /// From now on, open segments by month, quarter, year, or a size such as 256MB
        #[arg(long, value_name = "POLICY", value_parser = SegmentBy::parse)]
        segments: Option<SegmentBy>,
    },
    /// Lay a table out so that reads are cheap; no answer changes, at any moment
    ///
    /// Prints what a read costs before and after.
    Compact {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// Where segments may begin: month, quarter, year, or behind so many bytes of rows, such as 256MB [default: the
        /// table's own policy]; what was compacted before stays as it is, unless --all is given
        #[arg(long, value_name = "POLICY", value_parser = SegmentBy::parse)]
        segments: Option<SegmentBy>,
        /// Begin a segment once there are this many times the rows of its base; less reads less and stores more
        #[arg(
            long,
            value_name = "R",
            default_value_t = 1.0,
            allow_negative_numbers = true
        )]
        ratio: f64,
        /// Look at segments again that were compacted before
        #[arg(long)]
        all: bool,
        /// Only tell what it would do
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Change the columns of a table: first drops, then renames, then widens, then additions
    ///
    /// Every option takes a list, and may be given several times. A name with a comma or an equals sign stands in double
    /// quotes: --rename '"price, net"=price'.
    Evolve {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// Drop columns
        #[arg(long, value_name = "NAME,NAME")]
        drop: Vec<String>,
        /// Rename columns, all at once, so that a=b,b=a swaps two names
        #[arg(long, value_name = "OLD=NEW,OLD=NEW")]
        rename: Vec<String>,
        /// Make Int columns Float
        #[arg(long, value_name = "NAME,NAME")]
        widen: Vec<String>,
        /// Add columns, null in the rows that are there
        #[arg(long, value_name = "A:TYPE,B:TYPE")]
        add: Vec<String>,
    },
    /// Look for what is wrong with a table, or with all
    ///
    /// Exit status 0 where nothing is found that is worse than a note, 1 where something is, 2 on errors.
    Check {
        /// The table [default: all]
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// Look at every row, too
        #[arg(long)]
        deep: bool,
        /// Roll an interrupted commit forward
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        output: Output,
    },
    /// List the versions of a table: when each was made, by what
    Versions {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        #[command(flatten)]
        output: Output,
    },
    /// Delete versions that were replaced long ago, and the files that none needs any more
    ///
    /// A file that no version ever named may belong to a write that runs, so it stays for a day at least, whatever the
    /// retention, unless --force says that no write runs.
    Vacuum {
        /// The table
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// Keep what was current within this time: 12h, 30d, 6mo
        #[arg(long, value_name = "TIME", default_value = "30d")]
        retention: String,
        /// Delete files that no version ever named even where they are younger than a day; a write that runs meanwhile
        /// ends with a conflict
        #[arg(long)]
        force: bool,
        /// Only tell what it would delete
        #[arg(long)]
        dry_run: bool,
    },
}
