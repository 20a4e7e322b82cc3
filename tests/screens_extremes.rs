//! Tables at the edges of what there may be: each opens, says what it is, and takes every key.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};
use azof_tui::app::Start;
use azof_tui::event_time::AsOf;
use support::explorer::{Explorer, buffer_text};
use support::{Lake, Row, batch_to_parquet, parquet};

const BASE: &str = r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"f.parquet"}"#;

/// A table `t` with these value columns (schema) and this file.
fn lake_of(columns: &str, file: &[u8]) -> Lake {
    let lake = Lake::new();
    let manifest = format!(r#"{{"schema":{{"columns":[{columns}]}},"segments":[{BASE}]}}"#);
    lake.write("t", "version.txt", "1")
        .write("t", "s1.json", manifest)
        .write("t", "f.parquet", file);
    lake
}

fn times(times: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(times).with_timezone("UTC"))
}

fn open(lake: &Lake, size: (u16, u16)) -> Explorer {
    Explorer::open(lake.path(), Start::default(), size)
}

/// What a person may press, a thing at a time.
const TOUR: [&str; 34] = [
    "jjk",
    "$",
    "0",
    "G",
    "g",
    "<PgDn><PgUp>",
    "/a<Enter>",
    "n",
    "N",
    "&key >= ''<Enter>",
    "s",
    "s",
    "S",
    "&<C-u><Enter>",
    "<Enter>j<Esc>",
    "H<Esc>",
    "iG<Esc>",
    "y",
    "_",
    "p",
    "p",
    "wcount() > 0<Enter>",
    "t",
    "T",
    "wkey = 'a'<Enter><Esc>",
    "v",
    "v",
    "4gl,.{}",
    "2jj",
    "/co<Enter><Esc>",
    "pJK_",
    "3a,d",
    "d]&key >= ''<Enter>",
    "d<Esc>",
];

/// Presses everything, and sees after each that the frame is sound.
fn tour(e: &mut Explorer) {
    for keys in TOUR {
        e.keys(keys);
        let buffer = e.buffer();
        assert!(
            !buffer
                .content
                .iter()
                .any(|c| c.symbol().chars().any(char::is_control)),
            "{keys}"
        );
        let lines = buffer_text(&buffer).lines().count();
        assert_eq!(lines, usize::from(e.app.size.1), "{keys}");
        assert!(!e.quit, "{keys}");
    }
    let view = e.app.view().expect("a view");
    assert!(view.error.is_none(), "{:?}", view.error);
    assert!(view.pending.is_none());
}

/// Three hundred columns of whole numbers, of which most are null.
fn wide() -> Lake {
    let columns: Vec<String> = (0..300)
        .map(|i| format!(r#"{{"name":"column_{i}","data_type":"Int","nullable":true}}"#))
        .collect();
    let keys = StringArray::from(vec!["a", "b", "a"]);
    let names: Vec<String> = (0..300).map(|i| format!("column_{i}")).collect();
    let mut arrays: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(keys)),
        ("event_time", times(vec![0, 10, 20])),
    ];
    for (i, name) in names.iter().enumerate() {
        let own = Int64Array::from(vec![Some(i as i64), None, Some(-(i as i64))]);
        arrays.push((name, Arc::new(own)));
    }
    lake_of(&columns.join(","), &batch_to_parquet(arrays, 9, 9))
}

#[test]
fn three_hundred_columns() {
    let lake = wide();
    let mut e = open(&lake, (120, 34));
    let text = e.keys("2/_29<Enter>").text();
    insta::assert_snapshot!(text);
    assert!(text.contains("/ _29"), "{text}");
    // One of many is pinned, found again, and stays in view at the other end.
    e.keys("<Esc>3:column column_250<Enter>p0$");
    let text = e.text();
    assert!(
        text.contains("column_250") && text.contains("column_299"),
        "{text}"
    );
    e.keys("0");
    let grid = &e.app.view().expect("a table").grid;
    let placed = grid.placed.iter();
    let placed: Vec<&str> = placed
        .map(|p| grid.columns[p.column].name.as_str())
        .collect();
    assert!(placed.contains(&"column_0"), "{placed:?}");
    tour(&mut open(&lake, (120, 34)));
    tour(&mut open(&lake, (60, 15)));
}

#[test]
fn values_of_a_megabyte_in_scripts_of_any_width() {
    let long = ["x", "東", "é", "ع"].map(|c| c.repeat(1 << 20));
    let keys = StringArray::from(vec!["a", "東京証券取引所", "👩 family", "ــعربي"]);
    let texts = StringArray::from(long.iter().map(String::as_str).collect::<Vec<_>>());
    let numbers = Int64Array::from(vec![7_777_777; 4]);
    let arrays: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(keys)),
        ("event_time", times(vec![0, 10, 20, 30])),
        ("text", Arc::new(texts)),
        ("n", Arc::new(numbers)),
    ];
    let columns = r#"{"name":"text","data_type":"String"},{"name":"n","data_type":"Int"}"#;
    let lake = lake_of(columns, &batch_to_parquet(arrays, 9, 9));
    let mut e = open(&lake, (120, 34));
    insta::assert_snapshot!(e.keys("2jj").text());
    // The numbers end in one column, whatever stands before them.
    let buffer = e.keys("3").buffer();
    let ends: Vec<u16> = (0..buffer.area.height)
        .filter_map(|y| {
            let symbols = (0..buffer.area.width - 9).map(|x| {
                let cells = (x..x + 9).map(|x| buffer[(x, y)].symbol());
                (x, cells.collect::<String>())
            });
            let found = symbols.into_iter().find(|(_, text)| text == "7,777,777");
            found.map(|(x, _)| x)
        })
        .collect();
    assert!(
        ends.len() == 4 && ends.iter().all(|x| *x == ends[0]),
        "{ends:?}"
    );
    tour(&mut e);
}

#[test]
fn a_million_rows() {
    let rows: Vec<Row> = (0..1_000_000i64)
        .map(|i| {
            (
                format!("key {i:07}"),
                i % 40,
                (i % 10 != 0).then_some(i % 1_000),
            )
        })
        .collect();
    let lake = Lake::new();
    lake.table("t", BASE)
        .write("t", "f.parquet", parquet(&rows, 131_072, 20_000));
    let mut e = open(&lake, (120, 34));
    insta::assert_snapshot!(e.keys("2G").text());
    let text = e.keys("3G").text();
    assert!(text.contains("key 0999999"), "{text}");
    let text = e.keys("&v = 999<Enter>").text();
    assert!(text.contains("of 1,000 "), "{text}");
    e.keys("&<C-u><Enter>wcount() > 500_000<Enter>");
    assert!(e.text().contains("time 1 of 1"), "{}", e.text());
    let text = e.keys(":line sum v<Enter>").text();
    assert!(text.contains("sum(v)"), "{text}");
    tour(&mut e);
}

#[test]
fn one_row_at_one_tick() {
    let lake = Lake::new();
    lake.table("t", BASE)
        .write("t", "f.parquet", parquet(&[("a".into(), 5, Some(1))], 9, 9));
    let mut e = open(&lake, (120, 34));
    insta::assert_snapshot!(e.keys("v2G").text());
    tour(&mut e);
}

#[test]
fn no_rows() {
    let lake = Lake::new();
    lake.table("t", BASE)
        .write("t", "f.parquet", parquet(&[], 9, 9));
    let mut e = open(&lake, (120, 34));
    let text = e.keys("v2G").text();
    insta::assert_snapshot!(text);
    let text = e.keys("3wcount() > 0<Enter>").text();
    assert!(text.contains("never turns true"), "{text}");
    let text = e.keys("wv > 0<Enter>").text();
    assert!(text.contains("there is no row here"), "{text}");
    assert_eq!(e.app.view().expect("a view").playhead, AsOf::Current);
    tour(&mut e);
}

#[test]
fn no_columns() {
    let keys = StringArray::from(vec!["a", "b"]);
    let arrays: Vec<(&str, ArrayRef)> =
        vec![("key", Arc::new(keys)), ("event_time", times(vec![0, 10]))];
    let lake = lake_of("", &batch_to_parquet(arrays, 9, 9));
    let mut e = open(&lake, (120, 34));
    insta::assert_snapshot!(e.keys("v2j").text());
    tour(&mut e);
}

#[test]
fn no_segments() {
    let lake = Lake::new();
    lake.table("t", "");
    tour(&mut open(&lake, (120, 34)));
}
