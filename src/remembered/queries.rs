//! The statements that were run, kept for later sittings: one JSON text a line, oldest first, for their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Statements handed on to a sitting.
const AT_MOST: usize = 1_000;

/// A longer file is cut to its newest statements.
const BYTES_AT_MOST: u64 = 4 << 20;

fn path() -> Option<PathBuf> {
    Some(super::folder()?.join("queries"))
}

/// The statements of earlier sittings; none where there is no such file, or it cannot be read.
pub(crate) fn load() -> Vec<String> {
    let text = path().and_then(|path| {
        let mut text = String::new();
        let file = File::open(path).ok()?;
        file.take(2 * BYTES_AT_MOST)
            .read_to_string(&mut text)
            .ok()?;
        Some(text)
    });
    let text = text.unwrap_or_default();
    let statements = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut statements: Vec<String> = statements.collect();
    let surplus = statements.len().saturating_sub(AT_MOST);
    statements.drain(..surplus);
    statements
}

/// Keeps a statement.
pub(crate) fn add(statement: &str) -> io::Result<()> {
    let path = path().ok_or_else(super::no_home)?;
    if let Some(folder) = path.parent() {
        super::make(folder)?;
    }
    let is_full = fs::metadata(&path).is_ok_and(|m| m.len() > BYTES_AT_MOST);
    let mut lines = String::new();
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if is_full {
        for kept in load() {
            lines += &serde_json::to_string(&kept)?;
            lines.push('\n');
        }
        options.write(true).truncate(true);
    } else {
        options.append(true);
    }
    lines += &serde_json::to_string(statement)?;
    lines.push('\n');
    options.open(path)?.write_all(lines.as_bytes())
}
