//! Draws the README's pictures: SVGs of real frames of `test-data`, at their real size, in `assets/`.
//!
//!     cargo run --release --example make_pictures
#![allow(
    clippy::expect_used,
    reason = "a picture that cannot be made should stop the run"
)]

#[path = "../tests/support/explorer.rs"]
#[allow(dead_code)]
mod explorer;

use azof_tui::app::Start;
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::ui::frame_to_svg;
use explorer::Explorer;

/// Name, moment at which the explorer opens, statement that it opens with, keys.
const PICTURES: [(&str, &str, Option<&str>, &str); 8] = [
    ("explorer", "2009-03-31", None, "jjj<Right><Right><Right>"),
    ("compare", "2008-03-31", None, "a@2009-03-31<Enter>dd]]"),
    (
        "query",
        "2008-03-31",
        Some(
            "SELECT industry, count(*) AS companies, sum(revenue) AS revenue, sum(net_income) AS net_income\n\
             FROM financials\nGROUP BY industry ORDER BY revenue DESC",
        ),
        "a@2009-03-31<Enter>dindustry<Enter>]",
    ),
    ("history", "2009-03-31", None, "jjj<Right><Right><Right>H"),
    ("why", "2009-03-31", None, "jjji"),
    (
        "over-time",
        "2009-03-31",
        None,
        "jjj<Right><Right><Right>vv",
    ),
    ("commands", "2009-03-31", None, ":tim"),
    ("help", "2009-03-31", None, "?"),
];

fn main() {
    let root = env!("CARGO_MANIFEST_DIR");
    for (name, moment, query, keys) in PICTURES {
        let start = Start {
            table: Some("financials".to_owned()),
            as_of: parse_calendar(moment).map(AsOf::At),
            query: query.map(str::to_owned),
            ..Start::default()
        };
        let mut explorer = Explorer::open(&format!("{root}/test-data"), start, (140, 34));
        "./test-data".clone_into(&mut explorer.app.lake);
        explorer.keys(keys);
        let path = format!("{root}/assets/{name}.svg");
        std::fs::write(&path, frame_to_svg(&explorer.buffer())).expect("assets/ can be written");
    }
}
