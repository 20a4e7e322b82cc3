//! Texts that lie over the screen and scroll: the help, a whole row, why it is there, the log.

use super::keymap::Action;
use super::{App, Effect, Overlay};

/// Lines of the screen that are not the text's: its frame, the hints, and one that stays in view from page to page.
const AROUND: u16 = 5;

/// How far a text is scrolled. Only drawing knows how long it is, so either end may be what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scroll {
    /// So many lines below the first.
    Top(usize),
    /// So many lines above the last, which stays in view while more come.
    End(usize),
}

impl Default for Scroll {
    fn default() -> Self {
        Self::Top(0)
    }
}

impl Scroll {
    /// The first line in view of a text of so many lines, of which `rows` fit.
    pub fn first_line(self, lines: usize, rows: usize) -> usize {
        let most = lines.saturating_sub(rows);
        match self {
            Self::Top(below) => below.min(most),
            Self::End(above) => most.saturating_sub(above),
        }
    }

    /// Takes what was scrolled beyond the end back, so that one line up is one line up.
    pub(super) fn bound(&mut self, first_line_at_most: usize) {
        match self {
            Self::Top(at) | Self::End(at) => *at = (*at).min(first_line_at_most),
        }
    }

    /// Scrolls by lines.
    pub(super) fn by(&mut self, lines: usize, down: bool) {
        *self = match (*self, down) {
            (Self::Top(at), true) => Self::Top(at.saturating_add(lines)),
            (Self::Top(at), false) => Self::Top(at.saturating_sub(lines)),
            (Self::End(at), true) => Self::End(at.saturating_sub(lines)),
            (Self::End(at), false) => Self::End(at.saturating_add(lines)),
        };
    }

    /// Scrolls as a movement asks for; what is no movement changes nothing.
    fn follow(&mut self, movement: Action, page: usize) {
        match movement {
            Action::Up => self.by(1, false),
            Action::Down => self.by(1, true),
            Action::PageUp => self.by(page, false),
            Action::PageDown => self.by(page, true),
            Action::First | Action::LineStart => *self = Self::Top(0),
            Action::Last | Action::LineEnd => *self = Self::End(0),
            _ => {}
        }
    }
}

impl App {
    /// Shows the keys; what lies over the screen already comes back when they are closed.
    pub(super) fn open_help(&mut self) {
        // What is still being read would miss its answer.
        let is_there = self.waited_for_over_screen().is_none();
        self.under_help = self.overlay.take().filter(|_| is_there).map(Box::new);
        self.overlay = Some(Overlay::Help(Scroll::default()));
    }

    fn close_text(&mut self) {
        let closed = self.overlay.take();
        if matches!(closed, Some(Overlay::Help(_))) {
            self.overlay = self.under_help.take().map(|under| *under);
        }
    }

    /// How far the text over the screen is scrolled, and the key that opened it, which also closes it.
    pub(super) fn text_on_top(&mut self) -> Option<(&mut Scroll, Action)> {
        match &mut self.overlay {
            Some(Overlay::Help(scroll)) => Some((scroll, Action::Help)),
            Some(Overlay::Row(row)) => Some((&mut row.scroll, Action::Enter)),
            Some(Overlay::Why(open)) => Some((&mut open.scroll, Action::Why)),
            Some(Overlay::Log(scroll)) => Some((scroll, Action::Log)),
            _ => None,
        }
    }

    /// A key while such a text is open: closes it, moves the playhead beneath it, which it follows, or scrolls.
    pub(super) fn on_text_key(&mut self, wanted: Option<Action>) -> Vec<Effect> {
        let page = usize::from(self.size.1.saturating_sub(AROUND).max(1));
        let most = self.text_extent.get();
        let has_time = !matches!(self.overlay, Some(Overlay::Help(_)));
        let (Some((scroll, opened_by)), Some(wanted)) = (self.text_on_top(), wanted) else {
            return Vec::new();
        };
        match wanted {
            Action::Escape | Action::Quit | Action::Enter => self.close_text(),
            action if action == opened_by => self.close_text(),
            Action::Step(_)
            | Action::PreviousVersion
            | Action::NextVersion
            | Action::Play
            | Action::Slower
            | Action::Faster
            | Action::GoTo
            | Action::Help
                if has_time =>
            {
                return self.act(wanted);
            }
            movement => {
                scroll.bound(most);
                scroll.follow(movement, page);
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scrolled_beyond_the_end_is_not_undone_line_by_line() {
        let mut scroll = Scroll::default();
        scroll.by(500, true);
        assert_eq!(scroll.first_line(30, 10), 20);
        scroll.bound(20);
        scroll.by(1, false);
        assert_eq!(scroll.first_line(30, 10), 19);
    }

    #[test]
    fn a_text_scrolls_from_the_end_that_it_was_sent_to() {
        let mut scroll = Scroll::default();
        scroll.follow(Action::Up, 10);
        assert_eq!(scroll.first_line(30, 10), 0);
        scroll.follow(Action::Down, 10);
        scroll.follow(Action::PageDown, 10);
        assert_eq!(scroll.first_line(30, 10), 11);
        scroll.follow(Action::Last, 10);
        assert_eq!(scroll.first_line(30, 10), 20);
        // Up from the end is one line up, however long the text is.
        scroll.follow(Action::Up, 10);
        assert_eq!(scroll.first_line(30, 10), 19);
        assert_eq!(scroll.first_line(40, 10), 29);
        scroll.follow(Action::First, 10);
        assert_eq!(scroll.first_line(5, 10), 0);
        assert_eq!(Scroll::Top(9).first_line(5, 10), 0);
        assert_eq!(Scroll::End(9).first_line(5, 10), 0);
    }
}
