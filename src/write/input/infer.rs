//! The columns of a table, guessed from the rows that it is to hold.

use std::io::Read;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType};

use super::csv_records::CsvRecords;
use super::json_lines::{Json, JsonLines};
use super::ndjson::named_float;
use super::parquet_file::column_type;
use super::rows::{float_of_text, time_of};
use super::{Input, InputOptions};

/// What the values of a column could be.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
#[derive(Debug, Clone, Copy)]
struct Guess {
    seen: bool,
    int: bool,
    float: bool,
    boolean: bool,
    time: bool,
}

impl Guess {
    const NONE: Self = Self {
        seen: false,
        int: true,
        float: true,
        boolean: true,
        time: true,
    };

    fn see_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let trimmed = text.trim();
        self.seen = true;
        // What a number would not give back is a text: 01234, +49, or an identifier of twenty digits.
        let digits = trimmed.strip_prefix('-').unwrap_or(trimmed).as_bytes();
        let is_padded = matches!(digits, [b'0', b'0'..=b'9', ..] | [b'+', ..]);
        let is_int = !is_padded && trimmed.parse::<i64>().is_ok();
        let is_whole = digits.iter().all(u8::is_ascii_digit);
        self.int &= is_int;
        self.float &= !is_padded && float_of_text(trimmed).is_ok() && (is_int || !is_whole);
        self.boolean &=
            trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false");
        // A bare year is a number first.
        self.time &= trimmed.contains('-') && time_of(trimmed).is_some();
    }

    fn see_json(&mut self, value: &Json<'_>) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.only(|g| g.boolean = true),
            Json::Number(written) => {
                let is_int = written.parse::<i64>().is_ok();
                let is_whole = written.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                // A Float would not give back twenty digits, and holds no 1e999.
                let is_float = (is_int || !is_whole) && float_of_text(written).is_ok();
                let was_int = self.int;
                self.only(|g| g.float = is_float);
                self.int = is_int && was_int;
            }
            Json::Text(text) => {
                let is_time = self.time && text.contains('-') && time_of(text).is_some();
                let is_float = self.float && named_float(text).is_some();
                self.only(|_| {});
                (self.time, self.float) = (is_time, is_float);
            }
            Json::Nested(_) => self.only(|_| {}),
        }
    }

    /// Rules out all but what `could` says and was possible before.
    fn only(&mut self, could: impl FnOnce(&mut Self)) {
        let before = *self;
        let mut now = Self {
            seen: true,
            int: false,
            float: false,
            boolean: false,
            time: false,
        };
        could(&mut now);
        *self = Self {
            seen: true,
            int: now.int && before.int,
            float: now.float && before.float,
            boolean: now.boolean && before.boolean,
            time: now.time && before.time,
        };
    }

    fn data_type(self) -> DataType {
        match self {
            Self { seen: false, .. } => DataType::String,
            Self { int: true, .. } => DataType::Int,
            Self { float: true, .. } => DataType::Float,
            Self { boolean: true, .. } => DataType::Boolean,
            Self { time: true, .. } => DataType::DateTime,
            _ => DataType::String,
        }
    }
}

/// Guesses the value columns from the rows of an input, which is used up: names as they stand there, without the key
/// and the event time, and for each the narrowest type that all its values have, so that the same rows can be appended.
/// All may be null.
pub fn infer_columns(input: Input, options: &InputOptions) -> Result<Vec<Column>> {
    let named = match input {
        Input::Csv(text) => of_csv(text, options)?,
        Input::Ndjson(text) => of_ndjson(text)?,
        Input::Parquet(rows) => {
            let of_field = |field: &std::sync::Arc<arrow::datatypes::Field>| {
                let data_type = column_type(field.data_type()).ok_or_else(|| {
                    let message = format!("no column type holds {}", field.data_type());
                    Error::new(ErrorKind::Usage, message)
                        .within(format!("column '{}'", field.name()))
                        .hint(
                            "leave the column out of the file: azof-tui append would refuse it too",
                        )
                })?;
                Ok((field.name().clone(), data_type))
            };
            let fields = rows.schema().fields().iter().map(of_field);
            fields.collect::<Result<Vec<_>>>()?
        }
    };
    for wanted in [&options.key, &options.event_time] {
        if !named.iter().any(|(name, _)| name == wanted) {
            let known: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
            return Err(
                Error::new(ErrorKind::Usage, format!("there is no column '{wanted}'")).hint(
                    format!(
                        "--key and --event-time name those two; the columns are {}",
                        known.join(", ")
                    ),
                ),
            );
        }
    }
    let values = named
        .into_iter()
        .filter(|(name, _)| *name != options.key && *name != options.event_time);
    Ok(values
        .map(|(name, data_type)| Column {
            name,
            data_type,
            nullable: true,
            stored_as: None,
        })
        .collect())
}

fn of_csv(text: impl Read, options: &InputOptions) -> Result<Vec<(String, DataType)>> {
    if !options.header {
        return Err(Error::new(
            ErrorKind::Usage,
            "without a first line that names the columns, they cannot be guessed",
        )
        .hint("name them with --columns price:Float,sold:Int"));
    }
    let mut records = CsvRecords::new(text);
    let names = records.header()?;
    let mut guesses = vec![Guess::NONE; names.len()];
    while let Some(begun) = records.advance()? {
        let refused = |line: u64, message: String| {
            Error::new(ErrorKind::Usage, message)
                .within(format!("line {line}"))
                .hint("correct it, or name the columns with --columns price:Float,sold:Int")
        };
        if let Some(astray) = begun.astray {
            return Err(refused(astray.opened, astray.to_string()));
        }
        let fields = guesses.iter_mut().zip(records.fields()).zip(&names);
        for ((guess, bytes), name) in fields {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| refused(begun.line, format!("{name} is not text in UTF-8")))?;
            guess.see_text(text);
        }
    }
    let types = guesses.into_iter().map(Guess::data_type);
    Ok(names.into_iter().zip(types).collect())
}

fn of_ndjson(text: impl Read) -> Result<Vec<(String, DataType)>> {
    // Each name with the last line that had it.
    let mut named: Vec<(String, Guess, u64)> = Vec::new();
    let mut lines = JsonLines::new(text);
    while let Some(line) = lines.advance()? {
        let refused = |message: String| {
            Error::new(ErrorKind::Usage, message)
                .within(format!("line {line}"))
                .hint("correct it, or name the columns with --columns price:Float,sold:Int")
        };
        for (name, value) in lines.fields().map_err(refused)? {
            if matches!(value, Json::Nested(_)) {
                let message = format!("{name} is a list or an object, which no column type holds");
                return Err(refused(message));
            }
            let at = named.iter().position(|(known, ..)| *known == name);
            let at = at.unwrap_or_else(|| {
                named.push((name.clone(), Guess::NONE, 0));
                named.len() - 1
            });
            let (_, guess, last_line) = &mut named[at];
            if std::mem::replace(last_line, line) == line {
                return Err(refused(format!("{name} is there twice")));
            }
            guess.see_json(&value);
        }
    }
    let typed = |(name, guess, _): (String, Guess, u64)| (name, guess.data_type());
    Ok(named.into_iter().map(typed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(columns: &[Column]) -> Vec<(&str, DataType)> {
        columns
            .iter()
            .map(|c| (c.name.as_str(), c.data_type))
            .collect()
    }

    #[test]
    fn the_narrowest_type_that_all_values_have_is_guessed() {
        use DataType::{Boolean, DateTime, Float, Int, String};
        let csv = "key,event_time,i,f,b,t,s,y\nk,2024-01-01,1,1,true,2024-01-01,x,\nk,2024-01-02,,1.5,FALSE,2024-01-02T10:00:00Z,1,\n";
        let columns = infer_columns(
            Input::Csv(Box::new(csv.as_bytes())),
            &InputOptions::default(),
        );
        let wanted = [
            ("i", Int),
            ("f", Float),
            ("b", Boolean),
            ("t", DateTime),
            ("s", String),
        ];
        assert_eq!(types(&columns.expect("columns"))[..5], wanted);
        let csv = "key,event_time,zip,phone,id,f,n\nk,2024-01-01,01234,+49,12345678901234567890,-0.5,-1\nk,2024-01-02,99999,5,1,NaN,0\n";
        let columns = infer_columns(
            Input::Csv(Box::new(csv.as_bytes())),
            &InputOptions::default(),
        );
        let texts = [("zip", String), ("phone", String), ("id", String)];
        let numbers = [("f", Float), ("n", Int)];
        assert_eq!(
            types(&columns.expect("columns")),
            [&texts[..], &numbers[..]].concat()
        );
        let ndjson = "{\"key\":\"k\",\"event_time\":\"2024-01-01\",\"i\":1,\"f\":1,\"b\":true,\"t\":\"2024-01-01\",\"s\":\"x\"}\n{\"key\":\"k\",\"event_time\":\"2024-01-02\",\"f\":1.5,\"s\":\"2024-01-01\"}\n";
        let columns = infer_columns(
            Input::Ndjson(Box::new(ndjson.as_bytes())),
            &InputOptions::default(),
        );
        assert_eq!(types(&columns.expect("columns")), wanted);
    }
}
