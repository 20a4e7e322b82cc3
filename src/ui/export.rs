//! The field for the file that what is on screen is written to.

use ratatui::layout::Rect;

use crate::app::export::ExportField;
use crate::app::layout::Areas;
use crate::app::rows::Rows;
use crate::app::{App, TableView};
use crate::text::counted;

use super::canvas::Canvas;
use super::grid::paragraph;
use super::overlays::prompt_line;
use super::theme::Role;

pub(super) fn draw(app: &App, areas: Areas, field: &ExportField, canvas: &mut Canvas<'_>) {
    let screen = areas.screen;
    let box_width = 84.min(screen.width.saturating_sub(4));
    let area = Rect::new(
        (screen.width - box_width) / 2,
        areas.timeline.y.saturating_sub(7),
        box_width,
        6,
    );
    canvas.clear(area);
    let rows = app.view().and_then(TableView::rows).map_or(0, Rows::len);
    let right = [(counted(rows, "row"), Role::Dim)];
    let title = [("Write what is shown to".to_owned(), Role::Focus)];
    canvas.frame(area, &title, &right, true);
    let inside = Areas::inside(area);
    prompt_line(canvas, inside, "o ", &field.prompt);
    let below = Rect {
        x: inside.x + 1,
        y: inside.y + 1,
        width: inside.width.saturating_sub(2),
        height: inside.height.saturating_sub(1),
    };
    let (lines, role) = match &field.error {
        Some(error) => (vec![error.clone()], Role::Error),
        None => (
            vec![
                "The name's end says how: .csv .ndjson .json .parquet .arrow".to_owned(),
                "A file that is there stays, unless ! ends the name.".to_owned(),
            ],
            Role::Dim,
        ),
    };
    paragraph(canvas, below, &lines, role);
}
