//! What a key, a command or a click does.

use super::Panel;
use super::copy::Copied;
use super::marks::MarkKey;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Focus the next panel.
    FocusNext,
    /// Focus the previous panel.
    FocusPrevious,
    /// Focus a panel.
    Focus(Panel),
    /// Move the playhead by so many ticks.
    Step(i32),
    /// Open the field that asks for a time.
    GoTo,
    /// Zoom the timeline in around the playhead.
    ZoomIn,
    /// Zoom the timeline out around the playhead.
    ZoomOut,
    /// Undo the last zoom or pan.
    ZoomUndo,
    /// Play or pause.
    Play,
    /// Play slower.
    Slower,
    /// Play faster.
    Faster,
    /// Show or close the help.
    Help,
    /// Take or give back the mouse.
    Mouse,
    /// Close, clear, cancel.
    Escape,
    /// Leave.
    Quit,
    /// Cancel what runs; leave where nothing does.
    Interrupt,
    /// Hand the terminal back to the shell.
    Suspend,
    /// Move up.
    Up,
    /// Move down.
    Down,
    /// Move left.
    Left,
    /// Move right.
    Right,
    /// Move a page up.
    PageUp,
    /// Move a page down.
    PageDown,
    /// Move to the first row.
    First,
    /// Move to the last row.
    Last,
    /// Move to the first column.
    LineStart,
    /// Move to the last column.
    LineEnd,
    /// Select rows, from the cursor's on; or none.
    Select,
    /// Go to the previous moment at which the row, or the cell, changed.
    PreviousVersion,
    /// Go to the next moment at which the row, or the cell, changed.
    NextVersion,
    /// Show every version of the row under the cursor.
    History,
    /// Show where the row under the cursor comes from, and what the read took.
    Why,
    /// Open the field for a command.
    Commands,
    /// Copy something of what is on screen.
    Copy(Copied),
    /// Open the field for a file that what is on screen is written to.
    Export,
    /// Wait for the name of a mark.
    Mark(MarkKey),
    /// Open what is selected.
    Enter,
    /// Show or hide the selected column.
    ToggleColumn,
    /// Move the selected column up the list.
    ColumnUp,
    /// Move the selected column down the list.
    ColumnDown,
    /// Keep the selected column in view, or let it scroll.
    PinColumn,
    /// Make the selected column as wide as its values, or as fits.
    FitColumn,
    /// Pan the timeline left.
    PanLeft,
    /// Pan the timeline right.
    PanRight,
    /// Show the whole timeline.
    Fit,
    /// Set mark A to the playhead, or take it away where it stands there.
    SetA,
    /// Set mark B to the playhead, or take it away where it stands there.
    SetB,
    /// Swap A and B.
    Swap,
    /// Show A in place of B, and back.
    Flip,
    /// Compare: off, inline, side by side.
    Compare,
    /// Go to the previous changed row; in the timeline, to the previous mark.
    PreviousChange,
    /// Go to the next changed row; in the timeline, to the next mark.
    NextChange,
    /// Show all rows, changed, added, removed ones.
    FilterRows,
    /// Show all columns, or those in which something changed.
    FilterColumns,
    /// Find a text.
    Find,
    /// Go to the next match.
    FindNext,
    /// Go to the match before.
    FindPrevious,
    /// Keep the rows that meet a condition.
    Condition,
    /// Sort by the column under the cursor.
    Sort,
    /// Show the rows by key.
    Unsort,
    /// Ask when a condition turns true.
    When,
    /// Go to the next time at which it turns true.
    NextWhen,
    /// Go to the time before at which it turns true.
    PreviousWhen,
    /// Show the number of rows, or an aggregate of a column, as a line over time.
    Line,
    /// Write a query.
    Query,
    /// Write the query that shows the current screen.
    QueryShown,
    /// Show what the engine was asked, and what became of it.
    Log,
}
