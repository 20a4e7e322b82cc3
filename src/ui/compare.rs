//! What a comparison says of itself: the headline, the names of the sides, the looks of the kinds.

use ratatui::layout::Rect;

use crate::app::moment_text;
use crate::app::rows::{Comparison, Side};
use crate::diff::{ChangeKind, SchemaChange};
use crate::text::thousands;

use super::canvas::Canvas;
use super::theme::Role;

/// How a kind looks.
pub(super) fn role(kind: ChangeKind) -> Role {
    match kind {
        ChangeKind::Added => Role::Added,
        ChangeKind::Removed => Role::Removed,
        ChangeKind::Changed => Role::Changed,
        ChangeKind::Touched => Role::Touched,
        ChangeKind::Same => Role::Dim,
    }
}

/// The two moments, the counts by kind, and the changed cells by column, most first.
pub(super) fn headline(
    flipped: bool,
    comparison: &Comparison,
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    let (diff, summary) = (&comparison.diff, comparison.summary());
    let number = |n: usize| thousands(n as i64);
    let (a, b) = (moment_text(diff.a().as_of()), moment_text(diff.b().as_of()));
    let mut pieces = vec![(format!("A {a} → B {b}  "), Role::Moment)];
    if flipped {
        pieces.push(("showing A  ".to_owned(), Role::Waiting));
    }
    for (sign, kind) in [
        ("+", ChangeKind::Added),
        ("−", ChangeKind::Removed),
        ("~", ChangeKind::Changed),
        ("·", ChangeKind::Touched),
        ("=", ChangeKind::Same),
    ] {
        pieces.push((
            format!(" {sign}{}", number(summary.count(kind))),
            role(kind),
        ));
    }
    for change in &summary.schema {
        let (sign, name) = match change {
            SchemaChange::Added(name) => ("+", name),
            SchemaChange::Removed(name) => ("−", name),
            SchemaChange::Retyped(name) => ("~", name),
        };
        pieces.push((format!("   {sign} column {name}"), Role::Waiting));
    }
    let mut cells: Vec<_> = summary.cells.iter().collect();
    cells.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    // As many columns as there is room for; the count of the others says that there are more.
    let room = usize::from(area.width.saturating_sub(2));
    let mut used: usize = pieces
        .iter()
        .map(|(text, _)| crate::text::width(text))
        .sum();
    for (i, (name, count)) in cells.iter().enumerate() {
        let gap = if i == 0 { "   " } else { " · " };
        let text = format!("{gap}{} {}", crate::text::visible(name), number(*count));
        let rest = cells.len() - i;
        let reserve = if rest > 1 { 5 } else { 0 };
        if used + crate::text::width(&text) + reserve > room {
            pieces.push((format!("  +{rest}"), Role::Dim));
            break;
        }
        used += crate::text::width(&text);
        pieces.push((text, Role::Dim));
    }
    canvas.spans(area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
}

/// Which side a half is, and how many rows it has.
pub(super) fn side_title(comparison: &Comparison, side: Side, area: Rect, canvas: &mut Canvas<'_>) {
    let (name, snapshot) = match side {
        Side::A => ("A", comparison.diff.a()),
        Side::B => ("B", comparison.diff.b()),
    };
    let pieces = [
        (
            format!("{name} {}", moment_text(snapshot.as_of())),
            Role::Moment,
        ),
        (
            format!("  {}", crate::text::counted(snapshot.len(), "row")),
            Role::Dim,
        ),
    ];
    canvas.spans(area.x + 1, area.y, area.width.saturating_sub(2), &pieces);
}
