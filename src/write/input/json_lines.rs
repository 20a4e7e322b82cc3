//! The lines of an NDJSON text, and the fields of the object in each.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};

use super::ROW_BYTES_AT_MOST;
use super::quotes::BYTE_ORDER_MARK;

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
            if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
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
    pub(super) fn fields(&self) -> Result<Vec<(String, Json<'_>)>, String> {
        // Of the place that an error names only the column is the input's.
        let cause = |e: &serde_json::Error| {
            let said = e.to_string();
            said.split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let fields: Fields<'_> = serde_json::from_slice(self.bytes()).map_err(|e| {
            format!(
                "it is not a JSON object: {}, at column {}",
                cause(&e),
                e.column()
            )
        })?;
        let mut all = Vec::with_capacity(fields.0.len());
        for (name, raw) in fields.0 {
            let value = Json::of(raw.get())
                .map_err(|e| format!("{name} is no text of JSON: {}", cause(&e)))?;
            all.push((name, value));
        }
        Ok(all)
    }
}

/// The value of a field.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is spelled, for no digit to be lost.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list or an object, as it is written.
    Nested(&'a str),
}

impl<'a> Json<'a> {
    /// Takes a value that is well formed, but for the escapes in a text.
    fn of(written: &'a str) -> serde_json::Result<Self> {
        Ok(match written.as_bytes() {
            [b'n', ..] => Self::Null,
            [b't', ..] => Self::Bool(true),
            [b'f', ..] => Self::Bool(false),
            [b'{' | b'[', ..] => Self::Nested(written),
            [b'"', text @ .., b'"'] if !text.contains(&b'\\') => {
                Self::Text(Cow::Borrowed(&written[1..written.len() - 1]))
            }
            [b'"', ..] => Self::Text(Cow::Owned(serde_json::from_str(written)?)),
            _ => Self::Number(written),
        })
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Number(written) | Self::Nested(written) => f.write_str(written),
            Self::Text(text) => write!(f, "'{text}'"),
        }
    }
}

/// An object whose repeated names are not lost, as they are in a map.
struct Fields<'de>(Vec<(String, &'de RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collected;
        impl<'de> Visitor<'de> for Collected {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
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
