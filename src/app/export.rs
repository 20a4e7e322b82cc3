//! Writing what is on screen to a file that the person names.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use crate::diff::ChangeKind;
use crate::engine::{Exported, Held, Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::AsOf;
use crate::export::{Existing, RowFormat};
use crate::text::{counted, ellipsis};

use super::rows::{Comparison, RowFilter};
use super::{App, Effect, Overlay, Prompt, TableView};

/// What ends a name whose file may be replaced.
const REPLACE: char = '!';

/// The field for a file's name.
#[derive(Debug, Default)]
pub struct ExportField {
    /// What is typed.
    pub prompt: Prompt,
    /// Why it cannot be written.
    pub error: Option<String>,
}

/// A file that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exporting {
    id: RequestId,
    /// What was typed.
    typed: String,
}

impl App {
    /// Opens the field with a name that says what will be in the file.
    pub(super) fn open_export(&mut self) {
        let name = match (self.query(), self.current()) {
            (Some(_), _) => "query".to_owned(),
            (None, Some(table)) => table.name.clone(),
            (None, None) => {
                self.notify("no table is open");
                return;
            }
        };
        let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let table: String = name
            .chars()
            .take(64)
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect();
        let moment = |at: AsOf| match at {
            AsOf::At(at) => at.to_text(at.precision()).replace([' ', ':'], "-"),
            AsOf::Current => "current".to_owned(),
        };
        // What is written is what is on screen, which may not be of the playhead's moment yet.
        let suggested = match self.exported() {
            Ok(Exported::Changes { diff, .. }) => {
                let (a, b) = (diff.0.a().as_of(), diff.0.b().as_of());
                format!("{table}-{}-to-{}.ndjson", moment(a), moment(b))
            }
            Ok(Exported::Rows { snapshot, .. }) => {
                format!("{table}-{}.csv", moment(snapshot.0.as_of()))
            }
            Ok(Exported::Result(result)) if result.0.follows_moment => {
                format!("{table}-{}.csv", moment(result.0.as_of()))
            }
            Ok(Exported::Result(_)) => format!("{table}.csv"),
            Err(why) => {
                self.notify(why);
                return;
            }
        };
        let mut field = ExportField::default();
        field.prompt.set(&suggested);
        self.overlay = Some(Overlay::Export(field));
    }

    /// A key in the field.
    pub(super) fn on_export_key(&mut self, event: &KeyEvent) -> Vec<Effect> {
        let Some(Overlay::Export(field)) = &mut self.overlay else {
            return Vec::new();
        };
        match event.code {
            KeyCode::Esc => self.overlay = None,
            KeyCode::Enter => {
                let typed = field.prompt.text().to_owned();
                match self.export_to(&typed) {
                    Ok(effects) => {
                        self.overlay = None;
                        return effects;
                    }
                    Err(why) => {
                        if let Some(Overlay::Export(field)) = &mut self.overlay {
                            field.error = Some(why);
                        }
                    }
                }
            }
            _ => {
                field.prompt.on_key(event);
                field.error = None;
            }
        }
        Vec::new()
    }

    /// Asks for what is on screen to be written; a name that ends in `!` may replace a file.
    pub(super) fn export_to(&mut self, typed: &str) -> Result<Vec<Effect>, String> {
        let typed = typed.trim();
        let (path, existing) = match typed.strip_suffix(REPLACE) {
            Some(path) => (path.trim_end(), Existing::Replace),
            None => (typed, Existing::Keep),
        };
        if path.is_empty() {
            return Err("name a file".to_owned());
        }
        let format = RowFormat::of_name(path)
            .ok_or("name a file that ends in .csv, .ndjson, .json, .parquet or .arrow")?;
        if self.exporting.is_some() {
            return Err("another file is still being written; Esc cancels that".to_owned());
        }
        let request = Request::Export {
            rows: self.exported()?,
            path: path.to_owned(),
            format,
            existing,
        };
        let said = format!("writing {} …", ellipsis(path, 60));
        let effect = self.send(request);
        self.exporting = Some(Exporting {
            id: self.last_id,
            typed: typed.to_owned(),
        });
        self.notify(said);
        Ok(vec![effect])
    }

    /// The file is there.
    pub(super) fn on_exported(&mut self, id: RequestId, rows: usize) {
        let done = self.exporting.take_if(|e| e.id == id);
        if let Some(Exporting { typed, .. }) = done {
            let path = typed.trim_end_matches(REPLACE);
            self.notify(format!(
                "wrote {} to {}",
                counted(rows, "row"),
                ellipsis(path.trim_end(), 60)
            ));
        }
    }

    /// The file cannot be written: the field says so, where nothing else is in its place.
    pub(super) fn on_not_exported(&mut self, id: RequestId, error: &Error) {
        let Some(Exporting { typed, .. }) = self.exporting.take_if(|e| e.id == id) else {
            return;
        };
        if error.kind() == ErrorKind::Cancelled {
            self.notify("nothing was written");
            return;
        }
        let why = match error.kind() {
            ErrorKind::Exists => format!("{error}; a {REPLACE} at the end replaces it"),
            _ => error.to_string(),
        };
        if self.overlay.is_some() {
            self.notify(why);
            return;
        }
        // The line that says what is written is not true any more.
        self.notice = None;
        let mut field = ExportField {
            error: Some(why),
            ..ExportField::default()
        };
        field.prompt.set(&typed);
        self.overlay = Some(Overlay::Export(field));
    }
}

impl App {
    /// What is on screen, or why there is nothing to write.
    fn exported(&self) -> Result<Exported, &'static str> {
        let Some(query) = self.query() else {
            return exported_of(self.view().ok_or("no table is open")?);
        };
        if query.error.is_some() {
            return Err("the statement has no rows, so there is nothing to write");
        }
        if let Some(comparison) = &query.comparison {
            return Ok(changes(comparison, query.filter));
        }
        let result = query.result.as_ref().ok_or("there are no rows yet")?;
        if !result.is_complete {
            return Err("the rows are still coming");
        }
        if result.has_more {
            return Err("only the first rows are at hand; azof-tui sql --output FILE writes all");
        }
        Ok(Exported::Result(Held(Arc::clone(result))))
    }
}

/// The rows of a table, or why there are none.
fn exported_of(view: &TableView) -> Result<Exported, &'static str> {
    if view.error.is_some() {
        return Err("the rows of this moment cannot be read, so there is nothing to write");
    }
    let snapshot = view.snapshot.as_ref().ok_or("there are no rows yet")?;
    if let Some(comparison) = &view.comparison {
        return Ok(changes(comparison, view.filter));
    }
    let order = view.arranged.as_ref();
    Ok(Exported::Rows {
        snapshot: Held(Arc::clone(snapshot)),
        order: order.map(|a| Held(Arc::clone(&a.order))),
        columns: view.grid.columns.iter().map(|c| c.source).collect(),
    })
}

fn changes(comparison: &Comparison, shown: RowFilter) -> Exported {
    let arranged = comparison.arranged.as_ref();
    Exported::Changes {
        diff: Held(Arc::clone(&comparison.diff)),
        order: arranged.map(|a| Held(Arc::clone(&a.order))),
        kinds: match shown {
            RowFilter::All => vec![
                ChangeKind::Added,
                ChangeKind::Removed,
                ChangeKind::Changed,
                ChangeKind::Touched,
                ChangeKind::Same,
            ],
            RowFilter::Differences => {
                vec![ChangeKind::Added, ChangeKind::Removed, ChangeKind::Changed]
            }
            RowFilter::Added => vec![ChangeKind::Added],
            RowFilter::Removed => vec![ChangeKind::Removed],
        },
    }
}
