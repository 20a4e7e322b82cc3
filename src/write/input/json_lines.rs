//! The lines of an NDJSON text, and the fields of the object in each.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

use super::ROW_BYTES_AT_MOST;

/// The lines that are not blank, of which one is at hand.
pub(super) struct JsonLines<R> {
    text: BufReader<R>,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: Read> JsonLines<R> {
    pub(super) fn new(text: R) -> Self {
        Self {
            text: BufReader::with_capacity(1 << 18, text),
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// Goes to the next line and tells its number; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            self.buffer.clear();
            let mut bounded = (&mut self.text).take(ROW_BYTES_AT_MOST + 1);
            let read = bounded.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|e| super::unreadable(&e))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 > ROW_BYTES_AT_MOST {
                let most = crate::text::bytes(ROW_BYTES_AT_MOST);
                let message = format!("the line is longer than {most}");
                return Err(Error::new(ErrorKind::Usage, message)
                    .within(format!("line {}", self.line))
                    .hint("NDJSON has an object a line; nothing was appended"));
            }
            if !self.buffer.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(self.line));
            }
        }
    }

    /// The line at hand.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.trim_ascii_end()
    }

    /// The fields of the object in the line at hand, in their order; a name may be there twice.
    pub(super) fn fields(&self) -> Result<Vec<(String, Value)>, String> {
        let fields: Fields = serde_json::from_slice(self.bytes()).map_err(|e| {
            // Of the place that it names only the column is the input's.
            let said = e.to_string();
            let cause = said.split(" at line ").next().unwrap_or_default();
            format!("it is not a JSON object: {cause}, at column {}", e.column())
        })?;
        Ok(fields.0)
    }
}

/// An object whose repeated names are not lost, as they are in a map.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collected;
        impl<'de> Visitor<'de> for Collected {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collected)
    }
}
