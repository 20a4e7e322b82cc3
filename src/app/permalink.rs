//! The command line and the SQL that show what is on screen, for somebody else or for another day.

use crate::expr::sql_text;
use crate::format::{EVENT_TIME, KEY};
use crate::text::counted;

use super::query::QueryPane;
use super::rows::{CompareMode, Comparison, RowFilter};
use super::{App, TableView};

impl App {
    /// The command line that opens the explorer at what is on screen, quoted for a POSIX shell.
    pub fn command_line(&self) -> Result<String, String> {
        let (entry, view) = self.current().zip(self.view()).ok_or_else(no_table)?;
        let mut words = vec!["azof-tui".to_owned()];
        let mut option = |name: &str, value: &str| -> Result<(), String> {
            if value.contains('\0') {
                return Err(format!("{name} cannot hold a NUL; copy sql can"));
            }
            if value.starts_with('-') {
                words.push(format!("{name}={}", shell_word(value)));
            } else {
                words.push(name.to_owned());
                words.push(shell_word(value));
            }
            Ok(())
        };
        option("--path", &self.lake)?;
        option("--table", &entry.name)?;
        let moment = view.compared().map_or(view.playhead, |(_, b)| b);
        option("--as-of", &moment.to_string())?;
        let is_sorted = view.comparison.as_ref().is_some_and(|c| c.sort().is_some());
        let query = self.query();
        let a = match query {
            Some(query) => view.a.filter(|_| query.compare != CompareMode::Off),
            None => view.compared().map(|(a, _)| a).filter(|_| !is_sorted),
        };
        if let Some(a) = a {
            option("--compare", &a.to_string())?;
        }
        if let Some(query) = query {
            option("--query", query.editor.text())?;
            words.push(FRESH.to_owned());
            return Ok(words.join(" "));
        }
        if view
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_filtered)
        {
            return Err(
                "the command line has no word for a filter of a comparison; without it, the rest has"
                    .to_owned(),
            );
        }
        if view.arranged.is_some() || is_sorted {
            // Filters and sorts are told in SQL.
            option("--query", &self.sql()?)?;
            words.push(FRESH.to_owned());
            return Ok(words.join(" "));
        }
        let shown: Vec<&str> = shown_values(view).collect();
        let all = self
            .info()
            .map(|i| i.columns.as_slice())
            .unwrap_or_default();
        if !shown
            .iter()
            .copied()
            .eq(all.iter().map(|c| c.name.as_str()))
        {
            // As the option reads its list.
            let is_plain =
                |name: &&str| !name.contains(',') && name.trim() == *name && !name.is_empty();
            if let Some(odd) = shown.iter().find(|name| !is_plain(name)) {
                let odd = crate::text::ellipsis(odd, 24);
                return Err(format!(
                    "--columns cannot name the column '{odd}'; copy sql can"
                ));
            }
            option("--columns", &shown.join(","))?;
        }
        words.push(FRESH.to_owned());
        Ok(words.join(" "))
    }

    /// The SQL that answers what is on screen: the rows of the moment by key, or the changes between two.
    pub fn sql(&self) -> Result<String, String> {
        if let Some(query) = self.query() {
            return Ok(self.with_moment(query));
        }
        let (entry, view) = self.current().zip(self.view()).ok_or_else(no_table)?;
        if view
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_filtered)
        {
            return Err(
                "the filter of a comparison has no SQL; without it, the rest has".to_owned(),
            );
        }
        if let Some((a, b)) = view.compared() {
            let only = match view.filter {
                RowFilter::All => "",
                RowFilter::Differences => " WHERE \"change\" IN ('added', 'removed', 'changed')",
                RowFilter::Added => " WHERE \"change\" = 'added'",
                RowFilter::Removed => " WHERE \"change\" = 'removed'",
            };
            let changes = format!(
                "changes({}, {}, {})",
                sql_text(&entry.name),
                sql_text(&a.to_string()),
                sql_text(&b.to_string())
            );
            let sort = view.comparison.as_ref().and_then(Comparison::sort);
            let by_time = sort.is_some_and(|(name, _)| name == EVENT_TIME);
            let by_time = by_time.then_some(EVENT_TIME);
            let shown: Vec<&str> = by_time.into_iter().chain(shown_values(view)).collect();
            let of = if view.columns.iter().all(|c| c.shown || !c.is_value()) {
                changes
            } else {
                format!("({})", changes_of(&changes, &shown))
            };
            let order = match sort {
                None => "\"key\"".to_owned(),
                Some((name, true)) if name == KEY => "\"key\" DESC".to_owned(),
                Some((name, _)) if name == KEY => "\"key\"".to_owned(),
                Some((name, _)) if !view.shows(name) => {
                    let name = crate::text::ellipsis(name, 24);
                    return Err(format!(
                        "the rows are by the column '{name}', which is hidden; shown, it can be told in SQL"
                    ));
                }
                Some((name, descending)) => by_shown_value(name, *descending),
            };
            return Ok(format!("SELECT * FROM {of}{only} ORDER BY {order}"));
        }
        self.statement_shown(true).ok_or_else(no_table)
    }
}

impl App {
    /// A person's own statement, under what it is read as of.
    fn with_moment(&self, query: &QueryPane) -> String {
        let text = query.editor.text();
        if query.is_timeless() {
            return text.to_owned();
        }
        let a = self.view().and_then(|v| v.a);
        let a = a.filter(|_| query.compare != CompareMode::Off);
        let a = a.map_or_else(String::new, |a| format!(", compared with {a}"));
        format!("-- as of {}{a}\n{text}", self.moment_of_query())
    }

    /// What of the screen is not in its SQL, in words.
    pub(super) fn left_out_of_sql(&self) -> Option<String> {
        let view = self.view().filter(|_| self.query().is_none())?;
        let comparison = view.comparison.as_ref()?;
        let same = comparison.summary().same;
        let is_all = view.filter == RowFilter::All && same > 0;
        is_all.then(|| {
            format!(
                "without {} that are the same at both moments",
                counted(same, "row")
            )
        })
    }
}

/// Nothing of how the lake was left comes in between.
const FRESH: &str = "--fresh";

fn no_table() -> String {
    "no table is open".to_owned()
}

/// The names of the value columns that are shown, in their order.
fn shown_values(view: &TableView) -> impl Iterator<Item = &str> {
    let values = view.columns.iter().filter(|c| c.shown && c.is_value());
    values.map(|c| c.name.as_str())
}

/// The changes of some columns alone: what changed in others only was merely reported again.
fn changes_of(changes: &str, columns: &[&str]) -> String {
    let texts: Vec<String> = columns.iter().map(|c| sql_text(c)).collect();
    let kind = if texts.is_empty() {
        "CASE WHEN \"change\" = 'changed' THEN 'touched' ELSE \"change\" END".to_owned()
    } else {
        format!(
            "CASE WHEN \"change\" = 'changed' AND NOT array_has_any(\"columns\", [{}]) THEN 'touched' ELSE \"change\" END",
            texts.join(", ")
        )
    };
    let sides = columns.iter().flat_map(|column| {
        let name = |side| crate::expr::sql_name(&format!("{side}_{column}"));
        [format!(", {}", name("from")), format!(", {}", name("to"))]
    });
    let sides: String = sides.collect();
    format!("SELECT \"key\", {kind} AS \"change\"{sides} FROM {changes}")
}

/// By the later value of a column, as the rows of a comparison are sorted.
fn by_shown_value(column: &str, descending: bool) -> String {
    let [from, to] = ["from", "to"].map(|side| crate::expr::sql_name(&format!("{side}_{column}")));
    let way = if descending { " DESC" } else { "" };
    format!("CASE WHEN \"change\" = 'removed' THEN {from} ELSE {to} END{way} NULLS LAST, \"key\"")
}

/// A word that a POSIX shell takes for exactly this text.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_shell_reads_a_quoted_word_as_what_it_was(text in "[a-zA-Z0-9'\"$`\\\\ \n*?~!#&;|<>(){}=,é-]{0,12}") {
            let script = format!("printf %s {}", shell_word(&text));
            let run = std::process::Command::new("sh").args(["-c", &script]).output();
            let run = run.expect("a shell");
            prop_assert_eq!(String::from_utf8_lossy(&run.stdout), text);
        }
    }
}
