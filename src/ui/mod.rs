//! Draws the application: pure functions from state to a frame. Nothing here changes, waits or reads a clock.

mod ask;
mod canvas;
mod colour;
mod commands;
mod compare;
mod export;
mod facts;
mod grid;
mod header;
mod history;
mod lists;
mod log;
mod over_time;
mod overlays;
mod query;
mod scale;
mod svg;
mod theme;
mod timeline;
mod why;

use ratatui::Frame;
use ratatui::buffer::Buffer;

use crate::app::layout::{Areas, LEAST_HEIGHT, LEAST_WIDTH};
use crate::app::{App, Panel, tabs};

pub use crate::app::ThemeName;
use canvas::Canvas;
pub use colour::Colour;
pub use svg::frame_to_svg;
pub use theme::{Depth, Role, Theme};

/// Draws a frame.
pub fn draw(app: &App, theme: Theme, frame: &mut Frame<'_>) {
    draw_buffer(app, theme, frame.buffer_mut());
}

/// Draws into a buffer, whatever its size: what does not fit is cut.
pub fn draw_buffer(app: &App, theme: Theme, buffer: &mut Buffer) {
    let canvas = &mut Canvas { buffer, theme };
    let Some(areas) = app.areas else {
        too_small(app, canvas);
        return;
    };
    header::draw(app, areas, canvas);
    lists::draw_tables(app, areas, canvas);
    lists::draw_columns(app, areas, canvas);
    grid::draw(app, areas, canvas);
    timeline::draw(app, areas, canvas);
    header::draw_hints(app, areas, canvas);
    if areas.tabs {
        draw_tabs(app, areas, canvas);
    }
    overlays::draw(app, areas, canvas);
}

fn too_small(app: &App, canvas: &mut Canvas<'_>) {
    let (width, height) = app.size;
    let lines = [
        format!("needs {LEAST_WIDTH} x {LEAST_HEIGHT}"),
        format!("has {width} x {height}"),
        "q quits".to_owned(),
    ];
    let top = height.saturating_sub(lines.len() as u16) / 2;
    for (i, line) in lines.iter().enumerate().take(usize::from(height)) {
        let x = width.saturating_sub(line.len() as u16) / 2;
        let role = if i == 0 { Role::Moment } else { Role::Dim };
        canvas.put(x, top + i as u16, line, width, canvas.theme.style(role));
    }
}

/// On small screens the panels share one area, and its top border tells which there are.
fn draw_tabs(app: &App, areas: Areas, canvas: &mut Canvas<'_>) {
    let shown = [
        (areas.tables, Panel::Tables),
        (areas.columns, Panel::Columns),
        (areas.data, Panel::Data),
    ];
    let shown = shown
        .into_iter()
        .find_map(|(area, panel)| area.map(|_| panel));
    for (panel, x, label) in tabs() {
        let style = if Some(panel) == shown {
            canvas.theme.style(if app.focus == panel {
                Role::Focus
            } else {
                Role::Title
            })
        } else {
            canvas.theme.style(Role::Dim)
        };
        canvas.put(x, areas.header.bottom(), &label, label.len() as u16, style);
    }
}
