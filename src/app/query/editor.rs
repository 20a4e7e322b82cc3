//! A text of several lines under edit.

use unicode_segmentation::UnicodeSegmentation;

/// More than this is no statement that a person types.
pub const BYTES_AT_MOST: usize = 2 << 20;

/// Text and cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editor {
    text: String,
    /// Byte position, always between two graphemes.
    cursor: usize,
}

impl Editor {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte that the cursor stands before.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Takes another text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Types text at the cursor; of control characters, line breaks and tabs stay, the latter as spaces. False, and nothing
    /// changed, where the text would grow too long.
    pub fn insert(&mut self, typed: &str) -> bool {
        let typed = typed
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\t', "  ");
        let clean: String = typed
            .chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        if self.text.len() + clean.len() > BYTES_AT_MOST {
            return false;
        }
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
        true
    }

    /// Puts a text in the place of the one from a byte to the cursor.
    pub fn replace_before(&mut self, from: usize, text: &str) {
        if self.text.is_char_boundary(from) && from <= self.cursor {
            self.text.replace_range(from..self.cursor, "");
            self.cursor = from;
            self.insert(text);
        }
    }

    /// Deletes the grapheme before the cursor.
    pub fn backspace(&mut self) {
        let end = self.cursor;
        self.left();
        self.text.replace_range(self.cursor..end, "");
    }

    /// Deletes the grapheme after the cursor.
    pub fn delete(&mut self) {
        let start = self.cursor;
        self.right();
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    /// Deletes the word before the cursor.
    pub fn delete_word(&mut self) {
        let before = self.text[..self.cursor].trim_end();
        let start = before
            .char_indices()
            .rev()
            .find(|(_, c)| !(c.is_alphanumeric() || *c == '_'))
            .map_or(0, |(at, c)| at + c.len_utf8());
        // A sign on its own is a word too.
        let start = start.min(
            before
                .len()
                .saturating_sub(usize::from(start == before.len())),
        );
        let start = (0..=start)
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0);
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    /// Deletes the line up to the cursor; at its start, the line before it.
    pub fn clear_before(&mut self) {
        if self.cursor == self.line_start() {
            self.backspace();
        }
        let start = self.line_start();
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    /// Deletes the line from the cursor on.
    pub fn clear_after(&mut self) {
        let end = self.line_end();
        self.text.replace_range(self.cursor..end, "");
    }

    /// Moves one grapheme left.
    pub fn left(&mut self) {
        let before = self.text[..self.cursor].grapheme_indices(true).next_back();
        self.cursor = before.map_or(0, |(at, _)| at);
    }

    /// Moves one grapheme right.
    pub fn right(&mut self) {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor += after.map_or(0, str::len);
    }

    /// Moves to the start of the line.
    pub fn home(&mut self) {
        self.cursor = self.line_start();
    }

    /// Moves to the end of the line.
    pub fn end(&mut self) {
        self.cursor = self.line_end();
    }

    /// Moves a line up; false where this is the first.
    pub fn up(&mut self) -> bool {
        let start = self.line_start();
        if start == 0 {
            return false;
        }
        let column = self.text[start..self.cursor].graphemes(true).count();
        self.cursor = start - 1;
        self.go_to_column(column);
        true
    }

    /// Moves a line down; false where this is the last.
    pub fn down(&mut self) -> bool {
        let end = self.line_end();
        if end == self.text.len() {
            return false;
        }
        let column = self.text[self.line_start()..self.cursor]
            .graphemes(true)
            .count();
        self.cursor = end + 1;
        self.go_to_column(column);
        true
    }

    fn go_to_column(&mut self, column: usize) {
        let (start, end) = (self.line_start(), self.line_end());
        let line = &self.text[start..end];
        let at = line.grapheme_indices(true).nth(column);
        self.cursor = at.map_or(end, |(at, _)| start + at);
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let after = self.text[self.cursor..].find('\n');
        after.map_or(self.text.len(), |at| self.cursor + at)
    }

    /// The line of the cursor, counted from none.
    pub fn line(&self) -> usize {
        self.text[..self.cursor].matches('\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_walked_by_column_and_words_deleted_whole() {
        let mut e = Editor::default();
        e.insert("SELECT a\nFROM\r\nfinancials");
        assert_eq!(e.text(), "SELECT a\nFROM\nfinancials");
        assert!(e.up());
        assert_eq!(e.line(), 1);
        e.insert("!");
        assert_eq!(e.text(), "SELECT a\nFROM!\nfinancials");
        assert!(e.up() && !e.up());
        e.end();
        e.delete_word();
        assert_eq!(e.text(), "SELECT \nFROM!\nfinancials");
        e.home();
        e.clear_after();
        assert!(e.down() && e.down() && !e.down());
        e.end();
        e.delete_word();
        assert_eq!(e.text(), "\nFROM!\n");
    }

    proptest! {
        #[test]
        fn whatever_is_pressed_the_cursor_stands_within_the_text(
            steps in prop::collection::vec((0u8..13, "[a é\u{301}\n(]{0,3}"), 0..40),
        ) {
            let mut e = Editor::default();
            for (step, text) in steps {
                match step {
                    0 | 1 => {
                        e.insert(&text);
                    }
                    2 => e.backspace(),
                    3 => e.delete(),
                    4 => e.delete_word(),
                    5 => e.clear_before(),
                    6 => e.clear_after(),
                    7 => e.left(),
                    8 => e.right(),
                    9 => { e.up(); }
                    10 => { e.down(); }
                    11 => e.home(),
                    _ => e.end(),
                }
                prop_assert!(e.text().is_char_boundary(e.cursor()));
            }
        }
    }
}
