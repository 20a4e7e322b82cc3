//! What is on screen, written to a file.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::fs;

use azof_tui::app::{Overlay, Start};
use azof_tui::event_time::{AsOf, parse_calendar};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use support::explorer::Explorer;
use support::{azof, stdout, test_data};

fn financials() -> Explorer {
    let start = Start {
        table: Some("financials".into()),
        as_of: parse_calendar("2009-03-31").map(AsOf::At),
        ..Start::default()
    };
    Explorer::open(&test_data(), start, (120, 36))
}

/// Types the name into the field that is open, instead of what it suggests.
fn name(e: &mut Explorer, path: &str) -> String {
    e.keys("<C-u>").keys(path).keys("<Enter>").text()
}

#[test]
fn every_form_holds_what_is_on_screen() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let scanned = |format: &str| {
        let lake = test_data();
        stdout(&azof(&[
            "scan",
            "--path",
            &lake,
            "--table",
            "financials",
            "--as-of",
            "2009-03-31",
            "--format",
            format,
        ]))
    };
    let mut e = financials();
    let suggested = e.keys("o").text();
    assert!(
        suggested.contains("financials-2009-03-31.csv"),
        "{suggested}"
    );
    let said = name(&mut e, &path("rows.csv"));
    assert!(said.contains("wrote 274 rows to"), "{said}");
    assert!(e.app.overlay.is_none());
    assert_eq!(
        fs::read_to_string(path("rows.csv")).expect("a file"),
        scanned("csv")
    );
    e.keys("o");
    name(&mut e, &path("rows.ndjson"));
    assert_eq!(
        fs::read_to_string(path("rows.ndjson")).expect("a file"),
        scanned("ndjson")
    );
    e.keys(":export ")
        .keys(&path("rows.parquet"))
        .keys("<Enter>");
    let file = fs::File::open(path("rows.parquet")).expect("a file");
    let rows: usize = ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("a Parquet file")
        .build()
        .expect("a reader")
        .map(|batch| batch.expect("rows").num_rows())
        .sum();
    assert_eq!(rows, 274);
    e.keys("o");
    name(&mut e, &path("rows.arrow"));
    let file = fs::File::open(path("rows.arrow")).expect("a file");
    let stream = arrow::ipc::reader::StreamReader::try_new(file, None).expect("a stream");
    assert_eq!(
        stream.map(|b| b.expect("rows").num_rows()).sum::<usize>(),
        274
    );
    let left: Vec<String> = fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn hidden_columns_stay_out_and_a_comparison_writes_its_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let mut e = financials();
    e.keys("2j<Enter>jj<Enter>o");
    name(&mut e, &path("few.csv"));
    let few = fs::read_to_string(path("few.csv")).expect("a file");
    assert!(few.starts_with("key,industry,shares_diluted,"), "{few:.80}");
    let mut e = financials();
    let suggested = e.keys("a@2009-06-30<Enter>dco").text();
    assert!(
        suggested.contains("financials-2009-03-31-to-2009-06-30.ndjson"),
        "{suggested}"
    );
    name(&mut e, &path("changes.ndjson"));
    let changes = fs::read_to_string(path("changes.ndjson")).expect("a file");
    let summary = e
        .app
        .view()
        .expect("a view")
        .comparison
        .as_ref()
        .expect("a comparison")
        .diff
        .summary()
        .differences();
    assert_eq!(changes.lines().count(), summary);
    assert!(!changes.contains("\"change\":\"same\"") && changes.contains("\"change\":\"changed\""));
}

#[test]
fn a_file_that_is_there_stays_unless_it_may_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.csv");
    let typed = path.to_str().expect("UTF-8").to_owned();
    fs::write(&path, "mine").expect("a file");
    let mut e = financials();
    e.keys("o");
    let text = name(&mut e, &typed);
    assert!(
        text.contains("is there already") && text.contains('!'),
        "{text}"
    );
    assert!(
        matches!(e.app.overlay, Some(Overlay::Export(_))),
        "the field is open again"
    );
    assert_eq!(fs::read_to_string(&path).expect("a file"), "mine");
    let text = e.keys("!<Enter>").text();
    assert!(text.contains("wrote 274 rows"), "{text}");
    assert!(
        fs::read_to_string(&path)
            .expect("a file")
            .starts_with("key,")
    );
}

#[test]
fn what_cannot_be_written_is_told_in_the_field() {
    let mut e = financials();
    e.keys("o");
    for (typed, said) in [
        ("rows.xlsx", "name a file that ends in .csv"),
        ("!", "name a file"),
        (
            "/no/such/folder/rows.csv",
            "cannot write to /no/such/folder/rows.csv",
        ),
    ] {
        let text = name(&mut e, typed);
        assert!(text.contains(said), "{typed}:\n{text}");
        assert!(matches!(e.app.overlay, Some(Overlay::Export(_))));
    }
    e.keys("<Esc>");
    assert!(e.app.overlay.is_none());
}

#[test]
fn a_filter_and_a_sort_are_in_the_file_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    let mut e = financials();
    e.keys("&revenue > 1e10<Enter>:column revenue<Enter>sso");
    name(&mut e, path.to_str().expect("UTF-8"));
    let text = fs::read_to_string(&path).expect("a file");
    let revenues: Vec<i64> = text
        .lines()
        .skip(1)
        .map(|line| {
            let field = line.split(',').nth(3).expect("a revenue");
            field.parse().expect("a number")
        })
        .collect();
    let shown = e
        .app
        .view()
        .and_then(azof_tui::app::TableView::rows)
        .map_or(0, azof_tui::app::rows::Rows::len);
    assert_eq!(revenues.len(), shown);
    assert!(!revenues.is_empty() && revenues.len() < 274);
    assert!(revenues.is_sorted_by(|a, b| a >= b), "{revenues:?}");
    assert!(revenues.iter().all(|r| *r > 10_000_000_000));
}

#[test]
fn a_comparison_in_csv_has_a_column_for_each_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("changes.csv");
    let file = file.to_str().expect("UTF-8").to_owned();
    let mut e = financials();
    e.keys("a@2009-06-30<Enter>dco");
    name(&mut e, &file);
    let written = fs::read_to_string(&file).expect("a file");
    let lake = test_data();
    let compared = azof(&[
        "diff",
        "--path",
        &lake,
        "--table",
        "financials",
        "--from",
        "2009-03-31",
        "--to",
        "2009-06-30",
        "--format",
        "csv",
    ]);
    assert_eq!(written, stdout(&compared));
    assert!(
        written.contains(",from_revenue,to_revenue,"),
        "{written:.200}"
    );
}
