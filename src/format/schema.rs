//! The columns of a table, and which of them a read wants.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The column that identifies a row; in every data file, in no schema.
pub const KEY: &str = "key";

/// The column that says when a row happened; in every data file, in no schema.
pub const EVENT_TIME: &str = "event_time";

/// The type of a value column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// UTF-8 text.
    String,
    /// 64-bit signed whole number.
    Int,
    /// 64-bit floating-point number: an extension, which the reference does not read.
    Float,
    /// True or false.
    Boolean,
    /// Milliseconds since 1970, UTC.
    DateTime,
}

impl DataType {
    /// All types, as the schema spells them.
    pub const ALL: [Self; 5] = [
        Self::String,
        Self::Int,
        Self::Float,
        Self::Boolean,
        Self::DateTime,
    ];

    /// The spelling in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::DateTime => "DateTime",
        }
    }

    /// Reads the spelling in a schema; the error lists those that exist.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("'{name}' is not a column type (known: {known})")
            })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// The name, unique in its schema and neither `key` nor `event_time`.
    pub name: String,
    /// The type of its values.
    pub data_type: DataType,
    /// What the schema says; data files may hold nulls whatever it says.
    pub nullable: bool,
    /// The name that data files give it, where that is another one, as after a renaming: an extension.
    pub stored_as: Option<String>,
}

impl Column {
    /// The name that data files give it.
    pub fn stored_name(&self) -> &str {
        self.stored_as.as_deref().unwrap_or(&self.name)
    }
}

/// The value columns of a table, in the table's order.
///
/// Guarantees: names are unique, not empty, and neither `key` nor `event_time`; so are the names in data files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    columns: Vec<Column>,
}

impl Schema {
    /// Checks the columns; the error carries the index of the one that is wrong.
    pub fn try_new(columns: Vec<Column>) -> Result<Self, (usize, String)> {
        for (i, column) in columns.iter().enumerate() {
            if column.name.is_empty() {
                return Err((i, "the column has no name".to_owned()));
            }
            if column.name == KEY || column.name == EVENT_TIME {
                return Err((
                    i,
                    format!("'{}' is in every table and must not be listed", column.name),
                ));
            }
            if columns[..i]
                .iter()
                .any(|earlier| earlier.name == column.name)
            {
                return Err((i, format!("column '{}' is listed twice", column.name)));
            }
            let stored = column.stored_name();
            if stored.is_empty() || stored == KEY || stored == EVENT_TIME {
                let message = format!("'{stored}' cannot be what data files call a column");
                return Err((i, message));
            }
            if columns[..i]
                .iter()
                .any(|earlier| earlier.stored_name() == stored)
            {
                let message = format!("two columns are stored as '{stored}'");
                return Err((i, message));
            }
        }
        Ok(Self { columns })
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The position of a column.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// The value columns that a read wants, in the order wanted; `key` and `event_time` always come.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Projection {
    /// Every column in schema order.
    #[default]
    All,
    /// These, in this order.
    Columns(Vec<String>),
}

impl Projection {
    /// Reads `a,b,c`. `key` and `event_time` may be named and change nothing; spaces around names are ignored.
    pub fn parse(list: &str) -> Self {
        let named = list
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty() && *n != KEY && *n != EVENT_TIME);
        Self::Columns(named.map(str::to_owned).collect())
    }

    /// The positions in the schema of the wanted columns; an unknown or repeated name is an error.
    pub fn resolve(&self, schema: &Schema) -> Result<Vec<usize>> {
        match self {
            Self::All => Ok((0..schema.columns.len()).collect()),
            Self::Columns(names) => {
                let mut wanted = Vec::with_capacity(names.len());
                for name in names {
                    let index = schema
                        .index_of(name)
                        .ok_or_else(|| unknown_column(name, schema))?;
                    if wanted.contains(&index) {
                        return Err(Error::new(
                            ErrorKind::Usage,
                            format!("column '{name}' is asked for twice"),
                        ));
                    }
                    wanted.push(index);
                }
                Ok(wanted)
            }
        }
    }
}

fn unknown_column(name: &str, schema: &Schema) -> Error {
    let known: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
    Error::new(
        ErrorKind::ColumnNotFound,
        format!("there is no column '{name}'"),
    )
    .hint(format!("its columns are {}", known.join(", ")))
}
