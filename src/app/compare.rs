//! Comparing two moments: the marks A and B, the modes, and walking the changes.

use std::sync::Arc;

use crate::engine::{Arrangement, RequestId};
use crate::event_time::AsOf;

use super::keymap::Action;
use super::rows::{CompareMode, Comparison};
use super::{App, Effect, Panel};

impl App {
    /// Sets A to the playhead, or takes it away where it stands there already.
    pub(super) fn set_a(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.a == Some(view.playhead) {
            view.a = None;
            view.b = None;
            self.notify("A is gone");
            return self.leave_comparison();
        }
        view.a = Some(view.playhead);
        view.flip_back = None;
        let is_current = view.playhead == AsOf::Current;
        let is_compared = if self.query.is_open {
            self.query.compare != CompareMode::Off
        } else {
            self.view().is_some_and(|v| v.compare != CompareMode::Off)
        };
        if !is_compared {
            let way = if is_current {
                let (back, at) = (self.key(Action::Step(-1)), self.key(Action::GoTo));
                format!("go back with {back} or {at}")
            } else {
                "move the playhead".to_owned()
            };
            let compare = self.key(Action::Compare);
            self.notify(format!("A is set; {way} and press {compare} to compare"));
            return Vec::new();
        }
        self.read_comparison_anew()
    }

    /// Sets B to the playhead, or lets it be the playhead again.
    pub(super) fn set_b(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.b == Some(view.playhead) {
            view.b = None;
            self.notify("B is the playhead");
        } else {
            view.b = Some(view.playhead);
            self.notify("B is set");
        }
        self.read_comparison_anew()
    }

    fn notify_of_no_a(&mut self) {
        self.notify(format!(
            "there is no A; {} sets it to the playhead",
            self.key(Action::SetA)
        ));
    }

    pub(super) fn swap(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let Some(a) = view.a else {
            self.notify_of_no_a();
            return Vec::new();
        };
        if let Some(b) = view.b {
            (view.a, view.b) = (Some(b), Some(a));
        } else {
            view.a = Some(view.playhead);
            view.playhead = a;
            view.moved = true;
            view.timeline.follow(a);
        }
        self.read_anew()
    }

    /// Shows A where B was, and back: the other side of the comparison, or the playhead at A.
    pub(super) fn flip(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let Some(a) = view.a else {
            self.notify_of_no_a();
            return Vec::new();
        };
        match view.compare {
            CompareMode::Off => {}
            CompareMode::Inline => {
                view.flipped = !view.flipped;
                return Vec::new();
            }
            CompareMode::SideBySide => {
                self.notify("both sides are shown");
                return Vec::new();
            }
        }
        let target = match view.flip_back.take() {
            Some(back) if view.playhead == a => back,
            _ => {
                view.flip_back = Some(view.b.unwrap_or(view.playhead));
                a
            }
        };
        self.go_to(target)
    }

    pub(super) fn next_compare_mode(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        if view.a.is_none() {
            self.notify(format!(
                "first press {}: it sets A, the moment to compare with, to the playhead",
                self.key(Action::SetA)
            ));
            return Vec::new();
        }
        view.compare = view.compare.next();
        view.grid.forget_widths();
        view.flipped = false;
        match view.compare {
            CompareMode::Off => self.leave_comparison(),
            CompareMode::Inline => self.read_anew(),
            // The difference is there already; what changed must be in view.
            CompareMode::SideBySide => {
                view.go_to_changed_cell();
                Vec::new()
            }
        }
    }

    fn leave_comparison(&mut self) -> Vec<Effect> {
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        view.compare = CompareMode::Off;
        let held = view.held_keys();
        view.comparison = None;
        view.return_to(held);
        view.set_grid_columns();
        // Rows that only A had are gone; that is no loss of the data's.
        view.lost_key = None;
        view.grid.forget_widths();
        if self.query.is_open {
            return self.read_query_comparison_anew();
        }
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let shown = view.snapshot.as_ref().map(|s| s.as_of());
        let is_arranged = view.arrangement != Arrangement::default();
        let is_at_hand = shown == Some(view.playhead) && view.error.is_none();
        if is_at_hand && view.pending.is_none() && !is_arranged {
            Vec::new()
        } else {
            self.read_anew()
        }
    }

    fn read_comparison_anew(&mut self) -> Vec<Effect> {
        if self.query.is_open {
            return self.read_query_comparison_anew();
        }
        match self.view().and_then(super::TableView::compared) {
            Some(_) => self.read_anew(),
            None => Vec::new(),
        }
    }

    /// Reads what is to be shown now; replies to what was asked before are of something else.
    pub(super) fn read_anew(&mut self) -> Vec<Effect> {
        let next = RequestId(self.last_id.0 + 1);
        if let Some(view) = self.view_mut() {
            view.valid_from = next;
        }
        self.read_rows()
    }

    pub(super) fn next_filter(&mut self) {
        let Some(view) = self.view_mut() else { return };
        let Some(comparison) = &view.comparison else {
            self.notify("there is nothing to filter by; a, then d, compares two moments");
            return;
        };
        let (diff, arranged) = (Arc::clone(&comparison.diff), comparison.arranged.clone());
        view.filter = view.filter.next();
        let held = view.held_keys();
        view.comparison = Some(Comparison::new(diff, view.filter, arranged));
        view.return_to(held);
        // The key is where it was; it is the rows around it that are left out.
        view.lost_key = None;
    }

    pub(super) fn toggle_changed_columns(&mut self) {
        let Some(view) = self.view_mut() else { return };
        if view.comparison.is_none() {
            self.notify("there is nothing to filter by; a, then d, compares two moments");
            return;
        }
        view.changed_columns_only = !view.changed_columns_only;
        view.set_grid_columns();
    }

    /// Goes to the next or previous changed row; in the timeline, to the next or previous mark.
    pub(super) fn jump(&mut self, forward: bool) -> Vec<Effect> {
        if self.focus == Panel::Timeline {
            return self.jump_to_mark(forward);
        }
        let Some(view) = self.view_mut() else {
            return Vec::new();
        };
        let Some(comparison) = &view.comparison else {
            self.notify("no changes are shown; a, then d, compares two moments");
            return Vec::new();
        };
        match comparison.neighbour(view.grid.row, forward) {
            Some(row) => {
                view.grid.row = row;
                view.lost_key = None;
                view.go_to_changed_cell();
            }
            None => self.notify(if forward {
                "this is the last change"
            } else {
                "this is the first change"
            }),
        }
        Vec::new()
    }

    fn jump_to_mark(&mut self, forward: bool) -> Vec<Effect> {
        let Some(view) = self.view() else {
            return Vec::new();
        };
        let here = view.playhead.position_ms();
        let named = view.marks.values().copied();
        let marks = [view.a, view.b].into_iter().flatten().chain(named);
        let is_ahead = |mark: &AsOf| {
            if forward {
                mark.position_ms() > here
            } else {
                mark.position_ms() < here
            }
        };
        let ahead = marks
            .filter(is_ahead)
            .min_by_key(|mark| mark.position_ms().abs_diff(here));
        if let Some(mark) = ahead {
            return self.go_to(mark);
        }
        self.notify(if forward {
            "no mark is later"
        } else {
            "no mark is earlier"
        });
        Vec::new()
    }
}

impl super::TableView {
    /// Puts the cursor on a changed cell of its row: the one it is on, or the first.
    fn go_to_changed_cell(&mut self) {
        let Some(rows) = self.rows().filter(|r| !r.is_empty()) else {
            return;
        };
        let row = self.grid.row.min(rows.len() - 1);
        let is_changed =
            |column: &super::grid::GridColumn| rows.is_cell_changed(row, column.source);
        if self
            .grid
            .columns
            .get(self.grid.column)
            .is_some_and(is_changed)
        {
            return;
        }
        if let Some(column) = self.grid.columns.iter().position(is_changed) {
            self.grid.column = column;
        }
    }
}
