//! What a check finds, each fault by itself, and that one does not hide the others.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use support::{Lake, azof, stderr, stdout};

/// The findings on a lake, or on one of its tables, as CSV; the check must have found something.
fn findings(lake: &Lake, table: &[&str]) -> String {
    let arguments = ["check", "--path", lake.path(), "--format", "csv"];
    let output = azof(&[&arguments[..], table].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stdout(&output)
}

/// A table of one Int column with these segments.
fn write_segments(lake: &Lake, segments: &str) {
    let manifest = format!(
        r#"{{"schema":{{"columns":[{{"name":"v","data_type":"Int","nullable":true}}]}},"segments":[{segments}]}}"#
    );
    lake.write("t", "s1.json", manifest);
    lake.write("t", "version.txt", "1");
}

fn sound(lake: &Lake, arguments: &[&str]) {
    let path = ["--path", lake.path(), "--table", "t"];
    let output = azof(&[arguments, &path].concat());
    assert!(output.status.success(), "{}", stderr(&output));
}

fn append(lake: &Lake, name: &str, row: &str) {
    let path = lake.folder.path().join(name);
    std::fs::write(&path, format!("key,event_time,v\n{row}\n")).expect("a file");
    sound(lake, &["append", path.to_str().expect("a path")]);
}

#[test]
fn a_file_that_only_an_older_version_names_is_missed() {
    let lake = Lake::new();
    sound(&lake, &["create", "--columns", "v:Int"]);
    append(&lake, "a.csv", "a,2024-01-01,1");
    let old = std::fs::read_dir(lake.file("t", "")).expect("a folder");
    let old = old.filter_map(|e| e.expect("an entry").file_name().into_string().ok());
    let old: Vec<String> = old.filter(|name| name.starts_with("rows-")).collect();
    append(&lake, "b.csv", "a,2024-05-01,2");
    sound(&lake, &["compact", "--ratio", "0", "--format", "csv"]);
    std::fs::remove_file(lake.file("t", &old[0])).expect("the file");
    let found = findings(&lake, &[]);
    let said = format!(
        "error,{},the data file is missing; s2.json names it",
        old[0]
    );
    assert!(found.contains(&said), "{found}");
    assert_eq!(found.lines().count(), 2, "{found}");
}

#[test]
fn a_table_that_lost_its_version_file_is_found_though_no_table_is_named() {
    let lake = Lake::new();
    sound(&lake, &["create", "--columns", "v:Int"]);
    append(&lake, "a.csv", "a,2024-01-01,1");
    std::fs::remove_file(lake.file("t", "version.txt")).expect("the file");
    let found = findings(&lake, &[]);
    let said = "t,error,version.txt,\"it is missing, though s2.json is there";
    assert!(found.contains(said), "{found}");
    let output = azof(&["check", "--path", lake.path(), "--repair"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // One without its first version cannot be rolled forward, and says what to do.
    std::fs::remove_file(lake.file("t", "version.txt")).expect("the file");
    std::fs::remove_file(lake.file("t", "s1.json")).expect("the file");
    let found = findings(&lake, &["--table", "t"]);
    assert!(found.contains("write the number 2 into it"), "{found}");
}

#[test]
fn segments_that_overlap_are_told_whether_or_not_they_have_a_base() {
    let lake = Lake::new();
    let base = r#""file":"none.parquet","#;
    for (first, second, said) in [
        (base, base, "both have a base"),
        (base, "", "only one of them has a base"),
        ("", base, "only one of them has a base"),
        ("", "", "neither has a base"),
    ] {
        write_segments(
            &lake,
            &format!(
                r#"{{"id":"a",{first}"start":"2024-01-01T00:00:00Z","end":"2024-06-30T23:59:59.999Z"}},
                   {{"id":"b",{second}"start":"2024-06-01T00:00:00Z","end":"2024-12-31T23:59:59.999Z"}}"#
            ),
        );
        let found = findings(&lake, &[]);
        let said = format!(
            "segments[1]\",\"it overlaps segments[0] from 2024-06-01T00:00:00.000Z on, and {said}"
        );
        assert!(found.contains(&said), "{found}");
    }
    // As an append leaves them: an open one without a base before what it lies over.
    let open = r#"{"id":"b","start":"2024-06-01T00:00:00Z"}"#;
    let held = r#"{"id":"a","start":"2024-01-01T00:00:00Z"}"#;
    let closed = r#"{"id":"a","start":"2024-01-01T00:00:00Z","end":"2024-08-01T00:00:00Z"}"#;
    for sound in [format!("{open},{held}"), format!("{open},{closed}")] {
        write_segments(&lake, &sound);
        let output = azof(&["check", "--path", lake.path(), "--format", "csv"]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
    write_segments(&lake, &format!("{closed},{open}"));
    assert!(findings(&lake, &[]).contains("it overlaps segments[0]"));
}

#[test]
fn a_delta_that_starts_after_its_segments_end_is_told() {
    let lake = Lake::new();
    write_segments(
        &lake,
        r#"{"id":"a","start":"2024-01-01T00:00:00Z","end":"2024-06-30T00:00:00Z",
            "delta":[{"file":"none.parquet","start":"2024-07-01T00:00:00Z"}]}"#,
    );
    let found = findings(&lake, &[]);
    let said = "segments[0].delta[0]\",\"it starts after its segment's end";
    assert!(found.contains(said), "{found}");
}

#[test]
fn a_fault_in_a_segment_does_not_hide_the_others() {
    let lake = Lake::new();
    write_segments(
        &lake,
        r#"{"id":"a","start":"2024-06-01T00:00:00Z","end":"2024-01-01T00:00:00Z","file":"lost.parquet"},
           {"id":"b","start":"2024-01-01T00:00:00Z","end":"2024-06-30T00:00:00Z","file":"none.parquet","delta":[
              {"file":"../x","start":"2024-02-01T00:00:00Z"}, {"file":"d","start":"soon"},
              {"file":"late.parquet","start":"2024-03-02T00:00:00Z","end":"2024-03-01T00:00:00Z"}]},
           {"id":"b","start":"2024-06-30T00:00:00.001Z","segments":[
              {"id":"c","start":"2025-01-01T00:00:00Z","end":"2024-01-01T00:00:00Z"}]}"#,
    );
    let found = findings(&lake, &[]);
    for said in [
        "error,\"s1.json, segments[0]\",\"it starts at 2024-06-01T00:00:00.000Z, after its end",
        "error,\"s1.json, segments[1].delta[0].file\",'../x' is not a data file name",
        "error,\"s1.json, segments[1].delta[1].start\",'soon' is not",
        "error,\"s1.json, segments[1].delta[2]\",\"it starts at",
        "error,\"s1.json, segments[2].segments[0]\",\"it starts at",
        "lost.parquet,the data file is missing",
        "late.parquet,the data file is missing",
        "none.parquet",
        "has the id 'b' too",
    ] {
        assert!(found.contains(said), "no {said:?} in {found}");
    }
}

#[test]
fn a_snapshot_beyond_a_gap_is_told_and_no_writer_comes_before_it() {
    let lake = Lake::new();
    sound(&lake, &["create", "--columns", "v:Int"]);
    append(&lake, "a.csv", "a,2024-01-01,1");
    let stray = std::fs::read(lake.file("t", "s2.json")).expect("the snapshot");
    lake.write("t", "s4.json", stray);
    let found = findings(&lake, &[]);
    assert!(
        found.contains("t,error,s4.json,\"it stands beyond version 2"),
        "{found}"
    );
    // Otherwise the next writer but one would take it for what follows, and this append would be lost.
    let path = lake.folder.path().join("b.csv");
    std::fs::write(&path, "key,event_time,v\nb,2024-01-01,2\n").expect("a file");
    let input = path.to_str().expect("a path");
    let place = ["--path", lake.path(), "--table", "t"];
    let output = azof(&[&["append", input][..], &place].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("s4.json") && said.contains("no version 3 before it"),
        "{said}"
    );
    assert!(said.contains("hint: move s4.json away"), "{said}");
    std::fs::remove_file(lake.file("t", "s4.json")).expect("the file");
    sound(&lake, &["append", input]);
}

#[test]
fn nothing_rolls_forward_to_a_version_that_cannot_be_read() {
    let lake = Lake::new();
    sound(&lake, &["create", "--columns", "v:Int"]);
    append(&lake, "a.csv", "a,2024-01-01,1");
    let snapshot = std::fs::read_to_string(lake.file("t", "s2.json")).expect("the snapshot");
    let at = snapshot.find("rows-").expect("a data file");
    let mut broken = snapshot.clone();
    broken.replace_range(at..at + 9, "rows-zzzz");
    lake.write("t", "s3.json", broken);
    let repaired = findings(&lake, &["--repair"]);
    assert!(
        repaired.contains("not rolled forward: the data file is missing, though s3.json names it"),
        "{repaired}"
    );
    let place = ["--path", lake.path(), "--table", "t"];
    let scanned = azof(&[&["scan", "--format", "csv"][..], &place].concat());
    assert!(
        stdout(&scanned).contains("a,2024-01-01"),
        "{}",
        stderr(&scanned)
    );
    let path = lake.folder.path().join("a.csv");
    let output = azof(&[&["append", path.to_str().expect("a path")][..], &place].concat());
    let said = stderr(&output);
    assert!(
        said.contains("move s3.json away to stay at the version before"),
        "{said}"
    );
    // The last of all versions has none behind it.
    std::fs::remove_file(lake.file("t", "s3.json")).expect("the file");
    lake.write("t", "s18446744073709551615.json", snapshot);
    lake.write("t", "version.txt", "18446744073709551615");
    let output = azof(&[&["append", path.to_str().expect("a path")][..], &place].concat());
    assert!(
        stderr(&output).contains("no version follows"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_version_file_that_holds_no_version_keeps_no_other_table_from_its_repair() {
    let lake = Lake::new();
    sound(&lake, &["create", "--columns", "v:Int"]);
    append(&lake, "a.csv", "a,2024-01-01,1");
    for junk in ["x", ""] {
        lake.write("t", "version.txt", junk);
        let output = azof(&["check", "--path", lake.path(), "--repair"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("rolled forward to version 2"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn files_that_are_not_as_noted_and_rows_that_cannot_be_read_are_findings() {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};

    let lake = Lake::new();
    sound(
        &lake,
        &["create", "--columns", "v:Int", "--segments", "month"],
    );
    append(&lake, "a.csv", "a,2024-01-01,1\nb,2024-02-01,2");
    sound(&lake, &["compact", "--ratio", "0"]);
    let file = |wanted: &str| -> String {
        let names = std::fs::read_dir(lake.file("t", "")).expect("a folder");
        let mut names = names.filter_map(|e| e.expect("an entry").file_name().into_string().ok());
        names.find(|name| name.starts_with(wanted)).expect("a file")
    };
    let name = file("delta-");
    let whole = std::fs::read(lake.file("t", &name)).expect("the file");
    let rows = |keys: Vec<Option<&str>>| {
        let (times, values) = (vec![0; keys.len()], vec![1; keys.len()]);
        let keys: ArrayRef = Arc::new(StringArray::from(keys));
        let times = TimestampMillisecondArray::from(times).with_timezone("UTC");
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("key", keys),
            ("event_time", Arc::new(times)),
            ("v", Arc::new(Int64Array::from(values))),
        ];
        support::batch_to_parquet(columns, 9, 9)
    };
    lake.write("t", &name, rows(vec![]));
    let found = findings(&lake, &[]);
    assert!(
        found.contains(&format!("error,{name},\"it has 0 rows, and s")),
        "{found}"
    );
    assert!(
        found.contains(&format!("error,{name},\"it has ")) && found.contains(" bytes, and s"),
        "{found}"
    );
    // The others are looked at all the same.
    lake.write("t", &name, rows(vec![None]));
    let deep = findings(&lake, &["--deep"]);
    assert!(
        deep.contains(&format!(
            "error,\"{name}, column 'key'\",it is null in row 0"
        )),
        "{deep}"
    );
    lake.write("t", &name, whole);
    let policy = std::fs::read_to_string(lake.file("t", "s3.json")).expect("the snapshot");
    lake.write("t", "s3.json", policy.replace("\"month\"", "\"week\""));
    let found = findings(&lake, &[]);
    assert!(
        found.contains("warning,\"s3.json, segment_by\"")
            && found.contains("the next append takes"),
        "{found}"
    );
}
