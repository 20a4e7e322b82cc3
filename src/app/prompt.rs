//! A field of one line that takes text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

/// A text under edit. It takes every key but Esc, Enter and Ctrl-C.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    text: String,
    /// Byte position, always between two graphemes.
    cursor: usize,
}

/// More than this is no line that a person types.
const BYTES_AT_MOST: usize = 4_096;

impl Prompt {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The texts before and after the cursor.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Holds this text instead, the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Types text at the cursor; control characters are left out.
    pub fn insert(&mut self, typed: &str) {
        let clean: String = typed.chars().filter(|c| !c.is_control()).collect();
        if self.text.len() + clean.len() <= BYTES_AT_MOST {
            self.text.insert_str(self.cursor, &clean);
            self.cursor += clean.len();
        }
    }

    /// Puts a text in the place of some bytes; the cursor goes behind it.
    pub fn replace(&mut self, bytes: std::ops::Range<usize>, text: &str) {
        if self.text.get(bytes.clone()).is_some() {
            self.text.replace_range(bytes.clone(), "");
            self.cursor = bytes.start;
            self.insert(text);
        }
    }

    /// Does what a key of an editor of one line does; other keys do nothing.
    pub fn on_key(&mut self, event: &KeyEvent) {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Char('u') if ctrl => self.clear_before(),
            KeyCode::Char('a') if ctrl => self.home(),
            KeyCode::Char('e') if ctrl => self.end(),
            KeyCode::Char(c) if !ctrl => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => self.backspace(),
            KeyCode::Delete => self.delete(),
            KeyCode::Left => self.left(),
            KeyCode::Right => self.right(),
            KeyCode::Home => self.home(),
            KeyCode::End => self.end(),
            _ => {}
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

    /// Deletes everything before the cursor.
    pub fn clear_before(&mut self) {
        self.text.replace_range(..self.cursor, "");
        self.cursor = 0;
    }

    /// Moves one grapheme left.
    pub fn left(&mut self) {
        self.cursor = self.text[..self.cursor]
            .grapheme_indices(true)
            .next_back()
            .map_or(0, |(at, _)| at);
    }

    /// Moves one grapheme right.
    pub fn right(&mut self) {
        self.cursor += self.text[self.cursor..]
            .graphemes(true)
            .next()
            .map_or(0, str::len);
    }

    /// Moves to the start.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// Moves to the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_goes_by_graphemes() {
        let mut p = Prompt::default();
        p.insert("ae\u{301}b\x1b\n");
        assert_eq!(p.text(), "ae\u{301}b");
        p.left();
        p.backspace();
        assert_eq!(p.split(), ("a", "b"));
        p.home();
        p.backspace();
        p.delete();
        assert_eq!(p.text(), "b");
        p.end();
        p.clear_before();
        assert_eq!(p.text(), "");
    }
}
