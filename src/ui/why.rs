//! Why a row is what it is: where it lies, the rows that it beat, and what the read took.

use crate::app::cell::{TimeStyle, precision_of};
use crate::app::layout::Areas;
use crate::app::why::WhyView;
use crate::app::{App, zoned_moment};
use crate::format::FileRole;
use crate::provenance::{Provenance, RowOrigin, SearchCost};
use crate::scan::ScanCost;
use crate::text::{Align, bytes, counted, ellipsis, fit, thousands, visible, width};

use super::canvas::Canvas;
use super::overlays::{LineOf, error_lines, height_of, scrolled};
use super::theme::Role;

/// Rows that lost which are listed; a key with more of them has a history to look at.
const LISTED_AT_MOST: usize = 500;

pub(super) fn draw(app: &App, areas: Areas, open: &WhyView, canvas: &mut Canvas<'_>) {
    let screen = areas.screen;
    let box_width = (screen.width * 9 / 10).clamp(56.min(screen.width), 120);
    let room = usize::from(box_width).saturating_sub(4);
    let title = vec![
        ("Why ".to_owned(), Role::Focus),
        (ellipsis(&open.key, room / 2), Role::Key),
    ];
    let mut lines: Vec<LineOf> = Vec::new();
    match &open.answer {
        None => lines.push(vec![("reading …".to_owned(), Role::Waiting)]),
        Some(Err(error)) => lines.extend(error_lines(error, room)),
        Some(Ok(why)) => {
            answer(why, room, app.times, &mut lines);
            let snapshot = app.view().and_then(|v| v.snapshot.as_ref());
            let read = snapshot.map(|s| (s.cost(), s.columns().len()));
            let of = app.info().map_or(0, |info| info.files);
            costs(why.cost, read, of, &mut lines);
        }
    }
    let height = height_of(&lines, screen);
    let extent = scrolled(
        canvas,
        screen,
        &title,
        &lines,
        open.scroll,
        (box_width, height),
    );
    app.text_extent.set(extent);
}

fn role_name(role: FileRole) -> &'static str {
    match role {
        FileRole::Base => "base",
        FileRole::Delta => "delta",
    }
}

fn answer(why: &Provenance, room: usize, times: TimeStyle, lines: &mut Vec<LineOf>) {
    let field = |name: &str, value: String, role: Role| {
        vec![(fit(name, 14, Align::Left), Role::Dim), (value, role)]
    };
    let precision = times.whole(precision_of(why.rows.iter().map(|r| r.event_time)));
    lines.push(field("as of", zoned_moment(why.as_of), Role::Moment));
    match why.shown() {
        None => lines.push(vec![(
            if why.rows.is_empty() {
                "No file that a read of this moment considers has this key.".to_owned()
            } else {
                "This key is not there: all of its rows are beyond the moment.".to_owned()
            },
            Role::Waiting,
        )]),
        Some(row) => {
            lines.push(field(
                "event time",
                row.event_time.to_text(precision),
                Role::Text,
            ));
            let file = ellipsis(row.file.as_str(), room.saturating_sub(14));
            lines.push(field("file", file, Role::Text));
            let of = format!(
                "{} of segment {}",
                role_name(row.role),
                ellipsis(&row.segment, room / 2)
            );
            lines.push(field("which is the", of, Role::Text));
            let place = format!(
                "{} of row group {} ({} of the file)",
                thousands(row.row_in_group as i64),
                thousands(row.row_group as i64),
                thousands(row.row_in_file as i64)
            );
            lines.push(field("row", place, Role::Text));
        }
    }
    lines.push(Vec::new());
    let others: Vec<&RowOrigin> = why.others().collect();
    if others.is_empty() {
        let only = if why.rows.is_empty() {
            ""
        } else {
            "It is the only row of its key in the files of the plan."
        };
        if !only.is_empty() {
            lines.push(vec![(only.to_owned(), Role::Dim)]);
        }
        return;
    }
    let beat = format!(
        "{} of this key in the files of the plan, newest first",
        counted(others.len(), "other row")
    );
    lines.push(vec![(beat, Role::Moment)]);
    let times = others.iter().map(|r| r.event_time.to_text(precision).len());
    let time_width = times.take(LISTED_AT_MOST).max().unwrap_or(10).max(10);
    let verdicts = others.iter().map(|r| r.verdict.words().len());
    let verdict_width = verdicts.max().unwrap_or(0);
    let place = |row: &RowOrigin| {
        format!(
            "{} · row group {} row {}",
            role_name(row.role),
            thousands(row.row_group as i64),
            thousands(row.row_in_group as i64)
        )
    };
    let places = others.iter().take(LISTED_AT_MOST).map(|r| width(&place(r)));
    let place_width = places.max().unwrap_or(0);
    let file_width = room.saturating_sub(time_width + verdict_width + place_width + 6);
    for row in others.iter().take(LISTED_AT_MOST) {
        let time = row.event_time.to_text(precision);
        lines.push(vec![
            (fit(&time, time_width, Align::Left) + "  ", Role::Text),
            (
                fit(row.verdict.words(), verdict_width, Align::Left) + "  ",
                Role::Waiting,
            ),
            (
                fit(row.file.as_str(), file_width.clamp(8, 48), Align::Left) + "  ",
                Role::Text,
            ),
            (place(row), Role::Dim),
        ]);
    }
    if others.len() > LISTED_AT_MOST {
        let more = format!(
            "… and {}",
            counted(others.len() - LISTED_AT_MOST, "older row")
        );
        lines.push(vec![(more, Role::Dim)]);
    }
}

fn costs(
    search: SearchCost,
    read: Option<(ScanCost, usize)>,
    files: usize,
    lines: &mut Vec<LineOf>,
) {
    let mut section = |title: &str, facts: &[(&str, String)]| {
        lines.push(Vec::new());
        lines.push(vec![(visible(title), Role::Moment)]);
        for (name, value) in facts {
            lines.push(vec![
                (fit(name, 14, Align::Left), Role::Dim),
                (value.clone(), Role::Text),
            ]);
        }
    };
    let traffic = |requests: u64, read: u64| {
        if requests == 0 {
            "none: what was needed was in memory".to_owned()
        } else {
            format!("{}, {}", counted(requests as usize, "request"), bytes(read))
        }
    };
    let ms = |elapsed: std::time::Duration| format!("{:.1} ms", elapsed.as_secs_f64() * 1e3);
    let groups = |read: usize, pruned: usize| {
        format!(
            "{} read, {} ruled out by statistics",
            thousands(read as i64),
            thousands(pruned as i64)
        )
    };
    let planned = |planned: usize| {
        format!(
            "{} planned, {} ruled out by their times",
            thousands(planned as i64),
            thousands(files.saturating_sub(planned) as i64)
        )
    };
    if let Some((read, values)) = read {
        // An index answers without a file.
        if read.files == 0 && read.elapsed.is_zero() {
            let index = "the index of this stretch of time, from memory".to_owned();
            section("What the rows on screen took", &[("answered by", index)]);
        } else {
            let stages = format!(
                "footers {}, reading and decoding {}, choosing the newest rows {}",
                ms(read.opening),
                ms(read.decoding),
                ms(read.reducing)
            );
            section(
                "What the rows on screen took",
                &[
                    ("files", planned(read.files)),
                    (
                        "row groups",
                        groups(read.row_groups, read.row_groups_pruned),
                    ),
                    ("rows decoded", thousands(read.rows as i64)),
                    (
                        "columns",
                        format!("key, event_time and {}", counted(values, "value column")),
                    ),
                    ("store", traffic(read.requests, read.bytes)),
                    ("time", ms(read.elapsed)),
                    ("of which", stages),
                ],
            );
        }
    }
    section(
        "What this answer took",
        &[
            (
                "files",
                format!(
                    "{}, {} read",
                    planned(search.files),
                    thousands(search.files_read as i64)
                ),
            ),
            (
                "row groups",
                groups(search.row_groups, search.row_groups_pruned),
            ),
            ("columns", "key, event_time".to_owned()),
            ("store", traffic(search.requests, search.bytes)),
            ("time", ms(search.elapsed)),
        ],
    );
}
