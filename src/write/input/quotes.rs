//! The rows of a CSV text, watched as it is read: the line at which each begins, and quotes that went astray.
//!
//! The parser forgives. A quote that nobody closes takes all rows up to the next quote, or to the end, into one field,
//! and they would vanish in it; here the row is told apart. The parser's own count of lines knows no blank ones, nor
//! the second half of a line break of two characters.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};

use super::ROW_BYTES_AT_MOST;

/// What some spreadsheets put before the first row.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A field whose quotes cannot be what was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Astray {
    /// The line of the quote that opens the field.
    pub(super) opened: u64,
    /// The line of the quote that closes it, with text behind; none where no quote does.
    closed: Option<u64>,
}

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened = self.opened;
        match self.closed {
            None => write!(
                f,
                "the quote that opens in line {opened} is never closed, and takes in all that follows"
            ),
            Some(closed) => write!(
                f,
                "the quote that opens in line {opened} ends in line {closed} with text behind it, so that what lies between may be rows"
            ),
        }
    }
}

/// A row that goes on and on: whoever reads it on would have the rest of the input in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong {
    /// The line at which it begins, or that of the quote that is not closed.
    pub(super) line: u64,
    is_quoted: bool,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, most) = (self.line, crate::text::bytes(ROW_BYTES_AT_MOST));
        if self.is_quoted {
            write!(
                f,
                "the quote that opens in line {line} takes in more than {most}, and is not closed"
            )
        } else {
            write!(f, "the row is longer than {most}")
        }
    }
}

impl std::error::Error for TooLong {}

/// A row that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowBegun {
    /// The line at which it begins.
    pub(super) line: u64,
    /// The first field of it that went astray.
    pub(super) astray: Option<Astray>,
}

/// Where in a row the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    RowStart,
    FieldStart,
    /// In a field without quotes, or behind one with quotes.
    Plain,
    Quoted,
    /// Behind a quote within quotes: it closes them, or is half of one that is meant.
    Quote,
    /// Behind blanks behind that.
    Blank,
}

/// A reader of CSV that watches what passes.
pub(super) struct Watched<R> {
    inner: R,
    at: At,
    bytes: u64,
    line: u64,
    /// The bytes before the row, and the line at which it begins.
    row_begun: (u64, u64),
    opened: u64,
    /// Rows that the parser has not asked for yet: those of a buffer.
    rows: VecDeque<RowBegun>,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            at: At::RowStart,
            bytes: 0,
            line: 1,
            row_begun: (0, 1),
            opened: 1,
            rows: VecDeque::new(),
        }
    }

    /// The next row, in the order in which the parser gives them.
    pub(super) fn next_row(&mut self) -> Option<RowBegun> {
        self.rows.pop_front()
    }

    fn watch(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes += 1;
            let is_mark = BYTE_ORDER_MARK.get(self.bytes as usize - 1) == Some(byte);
            if self.at == At::RowStart && !matches!(byte, b'\n' | b'\r') && !is_mark {
                self.rows.push_back(RowBegun {
                    line: self.line,
                    astray: None,
                });
                self.row_begun = (self.bytes, self.line);
                self.at = At::FieldStart;
            }
            self.at = match (self.at, byte) {
                (At::RowStart, _) => At::RowStart,
                (At::FieldStart, b'"') => {
                    self.opened = self.line;
                    At::Quoted
                }
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) | (At::Quote, b'"') => At::Quoted,
                (_, b',') => At::FieldStart,
                (_, b'\n' | b'\r') => At::RowStart,
                (At::Quote | At::Blank, b' ' | b'\t') => At::Blank,
                (At::Quote | At::Blank, _) => {
                    self.stray(Some(self.line));
                    At::Plain
                }
                (At::FieldStart | At::Plain, _) => At::Plain,
            };
            self.line += u64::from(*byte == b'\n');
        }
    }

    fn too_long(&self) -> Option<TooLong> {
        let (begun_at, line) = self.row_begun;
        let is_too_long = self.at != At::RowStart && self.bytes - begun_at > ROW_BYTES_AT_MOST;
        let is_quoted = matches!(self.at, At::Quoted | At::Quote);
        is_too_long.then_some(TooLong {
            line: if is_quoted { self.opened } else { line },
            is_quoted,
        })
    }

    fn stray(&mut self, closed: Option<u64>) {
        let opened = self.opened;
        if let Some(row) = self.rows.back_mut() {
            row.astray.get_or_insert(Astray { opened, closed });
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read > 0 {
            self.watch(&buffer[..read]);
            if let Some(too_long) = self.too_long() {
                return Err(io::Error::other(too_long));
            }
        } else if self.at == At::Quoted && !buffer.is_empty() {
            self.stray(None);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str) -> Vec<RowBegun> {
        let mut watched = Watched::new(text.as_bytes());
        std::io::copy(&mut watched, &mut std::io::sink()).expect("a text");
        std::iter::from_fn(|| watched.next_row()).collect()
    }

    #[test]
    fn rows_begin_where_they_stand_whatever_the_line_breaks() {
        for text in [
            "a,b\nc,d\n\n\n\"e\n\",f\ng,h",
            "\u{feff}a,b\r\nc,d\r\n\r\n\r\n\"e\r\n\",f\r\ng,h\r\n",
        ] {
            let lines: Vec<u64> = rows(text).iter().map(|row| row.line).collect();
            assert_eq!(lines, [1, 2, 5, 7], "{text:?}");
        }
    }

    #[test]
    fn quotes_that_went_astray_are_told_with_the_line_where_they_open() {
        let astray = |text: &str| -> Vec<(u64, Option<u64>)> {
            let rows = rows(text);
            let astray = rows.iter().filter_map(|row| row.astray);
            astray.map(|a| (a.opened, a.closed)).collect()
        };
        assert_eq!(
            astray("a,\"b\"\nc,\"d \"\"e\"\" \" \nf,5\" pipe\n\"\",\"\""),
            []
        );
        assert_eq!(astray("a,b\nc,\"d\ne,f\ng,h\n"), [(2, None)]);
        assert_eq!(astray("a,b\nc,\"d\ne,f\ng,\"h\"\ni,j"), [(2, Some(4))]);
        assert_eq!(astray("\"a\nb\",\"c"), [(2, None)]);
    }

    proptest! {
        #[test]
        fn the_parser_gives_as_many_rows_as_are_watched(text in "[a, \"\n\r]{0,40}") {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(Watched::new(text.as_bytes()));
            let mut record = csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).expect("rows") {
                prop_assert!(reader.get_mut().next_row().is_some(), "{:?}", text);
            }
            prop_assert_eq!(reader.get_mut().next_row(), None, "{:?}", text);
        }
    }
}
