//! Every fault that a lake can have is one clear error: it names the table and the file, and nothing is printed.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray, UInt64Array};
use support::explorer::Explorer;
use support::{Lake, azof, batch_to_parquet, parquet, stderr, stdout};

const OPEN_SEGMENT: &str = r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet"}"#;

/// Scans table `t` and asserts how it fails; every needle must be in the error line.
fn assert_fault(lake: &Lake, needles: &[&str]) {
    let output = azof(&["scan", "--path", lake.path(), "--table", "t"]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(stdout(&output), "", "nothing on standard output");
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("error: "), "{error}");
    assert!(
        lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "),
        "{error}"
    );
    for needle in needles.iter().chain(&["t"]) {
        assert!(
            lines[0].contains(needle),
            "{:?} does not say {needle:?}",
            lines[0]
        );
    }
    assert!(
        lines[0].contains(lake.path()),
        "{:?} does not name the lake",
        lines[0]
    );
}

fn with_file(bytes: impl AsRef<[u8]>) -> Lake {
    let lake = Lake::new();
    lake.table("t", OPEN_SEGMENT)
        .write("t", "base.parquet", bytes);
    lake
}

fn with_manifest(manifest: impl AsRef<[u8]>) -> Lake {
    let lake = Lake::new();
    lake.write("t", "version.txt", "1")
        .write("t", "s1.json", manifest);
    lake
}

fn sound_file() -> Vec<u8> {
    parquet(
        &(0..100)
            .map(|i| (format!("k{i}"), i, Some(i)))
            .collect::<Vec<_>>(),
        10,
        5,
    )
}

#[test]
fn no_such_lake() {
    let output = azof(&["tables", "--path", "/nowhere/at/all"]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(2), "")
    );
    assert!(
        stderr(&output)
            .starts_with("error: lake /nowhere/at/all: there is no such directory\nhint: ")
    );
}

#[test]
fn no_such_table() {
    let lake = Lake::new();
    lake.sound_table("other");
    assert_fault(&lake, &["table 't'", "there is no such table"]);
    let hint = stderr(&azof(&["scan", "--path", lake.path(), "--table", "t"]));
    assert!(hint.contains("hint: its tables are other"), "{hint}");
}

#[test]
fn a_table_in_place_of_a_lake() {
    let lake = Lake::new();
    lake.sound_table("t");
    let path = format!("{}/t", lake.path());
    let error = stderr(&azof(&["tables", "--path", &path]));
    assert!(
        error.contains("it is a table, not a lake") && error.contains("--table t"),
        "{error}"
    );
}

#[test]
fn version_missing_empty_or_none() {
    let lake = Lake::new();
    lake.write("t", "s1.json", "{}");
    assert_fault(&lake, &["version.txt", "it is missing"]);
    for (text, said) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("one", "'one' is not a version number"),
    ] {
        lake.write("t", "version.txt", text);
        assert_fault(&lake, &["version.txt", said]);
    }
    lake.write("t", "version.txt", "1".repeat(5_000));
    assert_fault(&lake, &["version.txt", "more than the 1024"]);
}

#[test]
fn snapshot_missing_not_utf8_not_json_too_deep_too_large() {
    let lake = Lake::new();
    lake.write("t", "version.txt", "7");
    assert_fault(&lake, &["s7.json", "version 7 has no snapshot file"]);
    assert_fault(&with_manifest(b"\xff\xfe{"), &["s1.json", "not UTF-8"]);
    assert_fault(&with_manifest("{not json"), &["s1.json", "not JSON"]);
    let deep = r#"{"id":"s","start":"1970-01-01T00:00:00Z","segments":["#.repeat(5_000);
    assert_fault(
        &with_manifest(format!(r#"{{"schema":{{"columns":[]}},"segments":[{deep}"#)),
        &["s1.json", "too deep"],
    );
    let large = with_manifest("");
    let file = std::fs::File::create(large.file("t", "s1.json")).expect("a file");
    file.set_len(65 << 20).expect("a sparse file");
    assert_fault(&large, &["s1.json", "more than the"]);
}

#[test]
fn bad_times_types_and_names() {
    let columns = |json: &str| format!(r#"{{"schema":{{"columns":[{json}]}},"segments":[]}}"#);
    let segments = |json: &str| format!(r#"{{"schema":{{"columns":[]}},"segments":[{json}]}}"#);
    for (manifest, place, said) in [
        (
            columns(r#"{"name":"a","data_type":"Decimal"}"#),
            "schema.columns[0].data_type",
            "'Decimal' is not a column type",
        ),
        (
            columns(r#"{"name":5,"data_type":"Int"}"#),
            "schema.columns[0].name",
            "invalid type",
        ),
        (
            segments(r#"{"id":"s","start":"soon"}"#),
            "segments[0].start",
            "'soon' is not an RFC 3339 time",
        ),
        (
            segments(r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"../../etc/passwd"}"#),
            "segments[0].file",
            "another folder",
        ),
        (
            segments(r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"/etc/passwd"}"#),
            "segments[0].file",
            "another folder",
        ),
        (
            segments(r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":""}"#),
            "segments[0].file",
            "empty",
        ),
        (
            segments(r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"s3://b"}"#),
            "segments[0].file",
            "another folder",
        ),
        (
            segments(r#"{"id":"s","start":"1970-01-02T00:00:00Z","end":"1970-01-01T00:00:00Z"}"#),
            "segments[0]",
            "after its end",
        ),
        (
            segments(
                r#"{"id":"s","start":"1970-01-01T00:00:00Z","delta":[{"file":"d","start":"1970-01-02T00:00:00Z","end":"1970-01-01T00:00:00Z"}]}"#,
            ),
            "segments[0].delta[0]",
            "after its end",
        ),
    ] {
        assert_fault(&with_manifest(manifest), &["s1.json", place, said]);
    }
}

#[test]
fn data_file_missing_empty_truncated_or_not_parquet() {
    let lake = Lake::new();
    lake.table("t", OPEN_SEGMENT);
    assert_fault(&lake, &["base.parquet", "the data file is missing"]);
    assert_fault(&with_file(""), &["base.parquet", "the file is empty"]);
    assert_fault(
        &with_file("key,event_time\n1,2"),
        &["base.parquet", "footer cannot be read"],
    );
    let sound = sound_file();
    for cut in [4, 8, 11, sound.len() / 2, sound.len() - 1] {
        assert_fault(&with_file(&sound[..cut]), &["base.parquet"]);
    }
}

/// Damage anywhere is an error or leaves the answer as it was; it never panics and never hangs.
#[test]
fn a_flipped_byte_is_survived() {
    let sound = sound_file();
    for at in (0..sound.len()).step_by(sound.len() / 60) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        let lake = with_file(bytes);
        let output = azof(&[
            "scan",
            "--path",
            lake.path(),
            "--table",
            "t",
            "--format",
            "csv",
        ]);
        let error = stderr(&output);
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "byte {at}: {error}"
        );
        assert!(!error.contains("panicked"), "byte {at}: {error}");
        if output.status.code() == Some(2) {
            assert!(
                error.starts_with("error: table 't'") && error.contains("base.parquet"),
                "byte {at}: {error}"
            );
            assert_eq!(stdout(&output), "");
        }
    }
}

#[test]
fn columns_that_do_not_cast() {
    let times = || Arc::new(TimestampMillisecondArray::from(vec![1])) as ArrayRef;
    let text = |t: &str| Arc::new(StringArray::from(vec![t])) as ArrayRef;
    let file = |key: ArrayRef, time: ArrayRef, v: ArrayRef| {
        with_file(batch_to_parquet(
            vec![("key", key), ("event_time", time), ("v", v)],
            10,
            10,
        ))
    };
    assert_fault(
        &file(text("a"), times(), text("5")),
        &["base.parquet", "column 'v'", "does not cast to Int"],
    );
    assert_fault(
        &file(Arc::new(Int64Array::from(vec![1])), times(), text("5")),
        &["column 'key'", "does not cast"],
    );
    assert_fault(
        &file(text("a"), Arc::new(Int64Array::from(vec![1])), text("5")),
        &["column 'event_time'"],
    );
    let wide = Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef;
    assert_fault(
        &file(text("a"), times(), wide),
        &["base.parquet", "column 'v'", "does not cast"],
    );
    let no_key = batch_to_parquet(vec![("event_time", times())], 10, 10);
    assert_fault(&with_file(no_key), &["base.parquet", "no column 'key'"]);
}

#[test]
fn null_keys_and_times() {
    let times = Arc::new(TimestampMillisecondArray::from(vec![Some(1), None])) as ArrayRef;
    let keys = Arc::new(StringArray::from(vec![Some("a"), Some("b")])) as ArrayRef;
    let bad_time = batch_to_parquet(vec![("key", keys), ("event_time", times)], 10, 10);
    assert_fault(
        &with_file(bad_time),
        &["base.parquet", "column 'event_time'", "null in row 1"],
    );
    let times = Arc::new(TimestampMillisecondArray::from(vec![1, 2])) as ArrayRef;
    let keys = Arc::new(StringArray::from(vec![None, Some("b")])) as ArrayRef;
    let bad_key = batch_to_parquet(vec![("key", keys), ("event_time", times)], 10, 10);
    assert_fault(
        &with_file(bad_key),
        &["base.parquet", "column 'key'", "null in row 0"],
    );
}

/// A fault in the third row group of the second file is that file's error, and nothing shorter is an answer.
#[test]
fn a_late_fault_is_not_swallowed() {
    let times = (0..30).map(|i| if i == 25 { None } else { Some(i) });
    let keys: StringArray = (0..30).map(|i| Some(format!("k{i}"))).collect();
    let broken = batch_to_parquet(
        vec![
            ("key", Arc::new(keys) as ArrayRef),
            (
                "event_time",
                Arc::new(times.collect::<TimestampMillisecondArray>()),
            ),
        ],
        10,
        10,
    );
    let lake = Lake::new();
    lake.table("t", r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet","delta":[{"file":"delta.parquet","start":"1970-01-01T00:00:00Z"}]}"#)
        .write("t", "delta.parquet", sound_file())
        .write("t", "base.parquet", broken);
    assert_fault(&lake, &["base.parquet", "row 5 of row group 2"]);
}

/// A page header that asks for 2 GiB is refused before anything is allocated.
#[test]
fn a_page_of_absurd_size_is_refused() {
    let sound = sound_file();
    // The first page header follows the magic: 15 00 (type), 15 <size> ...; its size becomes i32::MAX.
    assert_eq!(
        (sound[4], sound[6]),
        (0x15, 0x15),
        "the layout that this test damages"
    );
    let mut at = 7;
    while sound[at] & 0x80 != 0 {
        at += 1;
    }
    let mut bytes = sound[..7].to_vec();
    bytes.extend([0xfe, 0xff, 0xff, 0xff, 0x0f]);
    bytes.extend(&sound[at + 1..]);
    assert_fault(&with_file(bytes), &["base.parquet"]);
}

#[test]
fn a_bad_table_keeps_no_other_from_opening() {
    let lake = Lake::new();
    lake.sound_table("good")
        .write("bad", "version.txt", "x")
        .table("broken", OPEN_SEGMENT);
    lake.write("broken", "base.parquet", "junk");
    let output = azof(&["tables", "--path", lake.path(), "--format", "csv"]);
    let listed = stdout(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(listed.contains("good,1,1,1,1,"), "{listed}");
    assert!(
        listed.contains("'x' is not a version number") && listed.contains("footer cannot be read"),
        "{listed}"
    );

    let mut explorer = Explorer::open(lake.path(), azof_tui::app::Start::default(), (120, 30));
    explorer.keys("1gj<Enter>");
    let frame = explorer.text();
    assert!(
        frame.contains("This table cannot be read") && frame.contains("base.parquet"),
        "{frame}"
    );
    explorer.keys("k<Enter>");
    assert!(
        explorer.text().contains("This table cannot be opened"),
        "{}",
        explorer.text()
    );
    explorer.keys("G<Enter>");
    let frame = explorer.text();
    assert!(
        frame.contains("1–2 of 2") && frame.contains("2 rows"),
        "{frame}"
    );
}
