//! What is where on the screen: pure geometry, shared by the mouse, the paging keys and the drawing.

use ratatui::layout::Rect;

use super::Panel;

/// With fewer columns, the side panels fold into tabs.
const SIDE_BY_SIDE_FROM: u16 = 100;

/// With fewer columns or rows, there is no room for a table.
pub const LEAST_WIDTH: u16 = 60;
/// See [`LEAST_WIDTH`].
pub const LEAST_HEIGHT: u16 = 15;

/// Rows of the line over time: enough to tell levels apart, and few enough to leave the table its room.
fn line_rows(height: u16) -> u16 {
    match height {
        ..20 => 2,
        20..40 => 3,
        40.. => 4,
    }
}

/// The areas of the main screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// The whole screen.
    pub screen: Rect,
    /// The line that says what is shown.
    pub header: Rect,
    /// The list of tables, border included; like the next two, absent where it is folded away.
    pub tables: Option<Rect>,
    /// The list of columns.
    pub columns: Option<Rect>,
    /// The rows.
    pub data: Option<Rect>,
    /// True where tables, columns and data share one area, and tabs choose among them.
    pub tabs: bool,
    /// The timeline, border included.
    pub timeline: Rect,
    /// Rows of the timeline that the line over time has.
    pub line: u16,
    /// The line of hints.
    pub hints: Rect,
}

impl Areas {
    /// Lays the screen out; `None` where it is too small.
    pub fn new(
        width: u16,
        height: u16,
        tables: usize,
        main: Panel,
        has_line: bool,
    ) -> Option<Self> {
        if width < LEAST_WIDTH || height < LEAST_HEIGHT {
            return None;
        }
        let screen = Rect::new(0, 0, width, height);
        let line = if has_line { line_rows(height) } else { 0 };
        let timeline_height = if height >= 34 { 6 } else { 5 } + line;
        let middle = Rect::new(0, 1, width, height - 2 - timeline_height);
        let mut areas = Self {
            screen,
            header: Rect::new(0, 0, width, 1),
            timeline: Rect::new(0, middle.bottom(), width, timeline_height),
            line,
            hints: Rect::new(0, height - 1, width, 1),
            tabs: width < SIDE_BY_SIDE_FROM,
            ..Self::default()
        };
        if areas.tabs {
            match main {
                Panel::Tables => areas.tables = Some(middle),
                Panel::Columns => areas.columns = Some(middle),
                Panel::Data | Panel::Timeline => areas.data = Some(middle),
            }
        } else {
            let side = (width / 5).clamp(24, 32);
            let most = (middle.height / 2).max(3);
            let tables_height = (tables as u16).saturating_add(2).clamp(3, most);
            areas.tables = Some(Rect::new(0, middle.y, side, tables_height));
            areas.columns = Some(Rect::new(
                0,
                middle.y + tables_height,
                side,
                middle.height - tables_height,
            ));
            areas.data = Some(Rect::new(side, middle.y, width - side, middle.height));
        }
        Some(areas)
    }

    /// The inside of a bordered area.
    pub fn inside(area: Rect) -> Rect {
        let (width, height) = (area.width.saturating_sub(2), area.height.saturating_sub(2));
        Rect::new(area.x + 1, area.y + 1, width, height)
    }

    /// The panel at a cell of the screen.
    pub fn panel_at(&self, x: u16, y: u16) -> Option<Panel> {
        let at = ratatui::layout::Position::new(x, y);
        let holds = |area: Option<Rect>| area.is_some_and(|a| a.contains(at));
        [
            (self.tables, Panel::Tables),
            (self.columns, Panel::Columns),
            (self.data, Panel::Data),
            (Some(self.timeline), Panel::Timeline),
        ]
        .into_iter()
        .find_map(|(area, panel)| holds(area).then_some(panel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_tile_the_screen_at_every_size() {
        for width in (0..200).step_by(7) {
            for height in 0..70 {
                for (main, line) in Panel::ALL.into_iter().zip([false, true, true, false]) {
                    let Some(a) = Areas::new(width, height, 300, main, line) else {
                        assert!(width < LEAST_WIDTH || height < LEAST_HEIGHT);
                        continue;
                    };
                    let all = [
                        Some(a.header),
                        a.tables,
                        a.columns,
                        a.data,
                        Some(a.timeline),
                        Some(a.hints),
                    ];
                    let covered: u32 = all.iter().flatten().map(|r| r.area()).sum();
                    assert_eq!(covered, u32::from(width) * u32::from(height));
                    assert!(
                        all.iter()
                            .flatten()
                            .all(|r| a.screen.intersection(*r) == *r && r.area() > 0)
                    );
                }
            }
        }
    }
}
