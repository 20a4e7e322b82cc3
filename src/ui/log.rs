//! The log: what the engine was asked, and what became of it, newest last.

use crate::app::layout::Areas;
use crate::app::log::LogKind;
use crate::app::{App, Scroll};
use crate::text::{counted, wrapped_at_words};

use super::canvas::Canvas;
use super::overlays::{LineOf, scrolled};
use super::theme::Role;

pub(super) fn draw(app: &App, areas: Areas, scroll: Scroll, canvas: &mut Canvas<'_>) {
    /// What the time of day and the sign take.
    const LEAD_WIDTH: usize = "00:00:00.000 → ".len() - "→".len() + 1;
    let screen = areas.screen;
    let box_width = (screen.width * 9 / 10).clamp(56.min(screen.width), 120);
    let room = usize::from(box_width).saturating_sub(4 + LEAD_WIDTH);
    let mut lines: Vec<LineOf> = Vec::new();
    for line in app.log.lines() {
        let role = match line.kind {
            LogKind::Asked => Role::Dim,
            LogKind::Answered => Role::Text,
            LogKind::Cancelled => Role::Waiting,
            LogKind::Failed => Role::Error,
        };
        let mut lead = format!("{} {} ", line.at.time_of_day(), line.kind.sign());
        for part in wrapped_at_words(&line.text, room) {
            lines.push(vec![(lead, Role::Dim), (part, role)]);
            lead = " ".repeat(LEAD_WIDTH);
        }
    }
    let title = vec![
        ("Log".to_owned(), Role::Focus),
        (
            format!(
                " · {}, times are UTC",
                counted(app.log.lines().len(), "line")
            ),
            Role::Dim,
        ),
    ];
    let height = (lines.len().min(1_000) as u16 + 2).clamp(8, screen.height.saturating_sub(4));
    let extent = scrolled(canvas, screen, &title, &lines, scroll, (box_width, height));
    app.text_extent.set(extent);
}
