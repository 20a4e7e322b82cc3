//! The records of a CSV text, one by one: each with its line, and with what is wrong with its quotes.

use std::collections::HashSet;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use crate::error::{Error, ErrorKind, Result};

use super::quotes::{RowBegun, TooLong, Watched};

/// The records, of which one is at hand.
pub(super) struct CsvRecords<R> {
    reader: csv::Reader<Watched<R>>,
    record: ByteRecord,
}

impl<R: Read> CsvRecords<R> {
    pub(super) fn new(text: R) -> Self {
        Self {
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(1 << 18)
                .from_reader(Watched::new(text)),
            record: ByteRecord::new(),
        }
    }

    /// Goes to the next record and tells how it begins; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<RowBegun>> {
        let is_there = self.reader.read_byte_record(&mut self.record);
        if !is_there.map_err(|e| broken(&e))? {
            return Ok(None);
        }
        let begun = self.reader.get_mut().next_row();
        begun.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Usage, "its rows cannot be told apart")
                .hint("write it anew as CSV with commas and line breaks; nothing was appended")
        })
    }

    /// The fields of the record at hand.
    pub(super) fn fields(&self) -> &ByteRecord {
        &self.record
    }

    /// Reads the first record as the names of the columns, which are all different.
    pub(super) fn header(&mut self) -> Result<Vec<String>> {
        let refused = |message: String, hint: &str| {
            Error::new(ErrorKind::Usage, message)
                .within("line 1")
                .hint(hint)
        };
        let Some(begun) = self.advance()? else {
            let message = "the input is empty, and should begin with a line that names its columns";
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("put a line such as key,event_time,price before the rows"));
        };
        if let Some(astray) = begun.astray {
            return Err(refused(
                astray.to_string(),
                "close the quote; nothing was appended",
            ));
        }
        let mut names = Vec::with_capacity(self.record.len());
        for (i, name) in self.record.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|_| {
                refused(
                    "it is not text in UTF-8".to_owned(),
                    "save it as CSV in UTF-8, or say with --input-format what else it is; nothing was appended",
                )
            })?;
            // Some spreadsheets begin a file with a byte order mark.
            let name = if i == 0 {
                name.trim_start_matches('\u{feff}')
            } else {
                name
            };
            names.push(name.trim().to_owned());
        }
        let mut seen = HashSet::with_capacity(names.len());
        match names.iter().find(|name| !seen.insert(name.as_str())) {
            Some(name) => Err(refused(
                format!("column '{name}' is there twice"),
                "a column may be there once",
            )),
            None => Ok(names),
        }
    }
}

fn broken(e: &csv::Error) -> Error {
    let csv::ErrorKind::Io(e) = e.kind() else {
        return Error::new(ErrorKind::Usage, format!("it is not CSV: {e}"))
            .hint("--input-format says what else it is; nothing was appended");
    };
    match e.get_ref().and_then(|e| e.downcast_ref::<TooLong>()) {
        Some(too_long) => Error::new(ErrorKind::Usage, too_long.to_string())
            .within(format!("line {}", too_long.line))
            .hint("close the quote, or break the line; nothing was appended"),
        None => super::unreadable(e),
    }
}
