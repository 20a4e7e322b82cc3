//! Rows that come in: their forms, what is refused and put aside, and the columns that are guessed from them.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::process::{Command, Stdio};

use support::table_commands::{file, run, sound};
use support::{Lake, NO_HOME, azof, stderr};

#[test]
fn rows_come_from_csv_ndjson_parquet_and_standard_input() {
    let lake = Lake::new();
    let csv = file(
        &lake,
        "a.csv",
        "time,id,price,ok\n2024-01-01,x,1.5,true\n2024-01-02,y,,false\n",
    );
    let named = ["--key", "id", "--event-time", "time"];
    let with = |first: &[&'static str]| -> Vec<String> {
        first
            .iter()
            .chain(&named)
            .map(|s| (*s).to_owned())
            .collect()
    };
    let mut like = with(&["--like"]);
    like.insert(1, csv.clone());
    sound(
        &lake,
        "create",
        &like.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let mut rows = with(&[]);
    rows.push(csv);
    sound(
        &lake,
        "append",
        &rows.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let ndjson = file(
        &lake,
        "b.ndjson",
        "{\"key\":\"z\",\"event_time\":\"2024-01-03\",\"price\":2,\"ok\":null}\n\n{\"key\":\"x\",\"event_time\":1704326400000,\"price\":3.25}\n",
    );
    sound(&lake, "append", &[&ndjson]);
    let parquet = lake.folder.path().join("c.parquet");
    let parquet = parquet.to_str().expect("a path");
    sound(&lake, "scan", &["--format", "parquet", "--output", parquet]);
    let current = sound(&lake, "scan", &["--format", "csv"]);
    assert_eq!(
        current,
        "key,event_time,price,ok\nx,2024-01-04T00:00:00.000Z,3.25,\ny,2024-01-02T00:00:00.000Z,,false\nz,2024-01-03T00:00:00.000Z,2.0,\n"
    );
    // What comes out goes in again, and changes nothing.
    sound(&lake, "append", &[parquet]);
    assert_eq!(sound(&lake, "scan", &["--format", "csv"]), current);
    let mut child = Command::new(env!("CARGO_BIN_EXE_azof-tui"))
        .envs(NO_HOME)
        .args([
            "append",
            "--path",
            lake.path(),
            "--table",
            "t",
            "-",
            "--input-format",
            "csv",
            "--no-header",
        ])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    std::io::Write::write_all(
        &mut child.stdin.take().expect("a pipe"),
        b"w,2024-01-05,7,true\n",
    )
    .expect("a reader");
    assert!(child.wait_with_output().expect("an end").status.success());
    assert_eq!(
        sound(&lake, "scan", &["--format", "csv"]).lines().count(),
        5
    );
    sound(&lake, "check", &["--deep"]);
}

#[test]
fn refused_rows_go_aside_and_the_others_are_appended() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int!"]);
    let csv = file(
        &lake,
        "a.csv",
        "key,event_time,v\na,2024-01-01,1\nb,never,2\nc,2024-01-01,\nd,2024-01-01,4\na,2024-01-01,5\n",
    );
    let output = run(&lake, "append", &[&csv]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("a.csv, line 3: event_time is 'never'"),
        "{}",
        stderr(&output)
    );
    let rejects = lake.folder.path().join("rejects.csv");
    let output = run(
        &lake,
        "append",
        &[&csv, "--rejects", rejects.to_str().expect("a path")],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("2 rows in 1 file · version 2 · 3 put aside"),
        "{}",
        stderr(&output)
    );
    let aside = std::fs::read_to_string(rejects).expect("the refused rows");
    for line in [
        "3,\"event_time is 'never'",
        "4,\"v is empty, and the schema says",
        "6,key 'a' at 2024-01-01T00:00:00.000Z is in line 2 already",
    ] {
        assert!(aside.contains(line), "no {line:?} in {aside}");
    }
    assert_eq!(
        sound(&lake, "scan", &["--format", "csv", "--columns", "v"])
            .lines()
            .count(),
        3
    );
}

/// What is put aside can be corrected and appended: no value is lost, whatever was wrong.
#[test]
fn rows_put_aside_keep_all_their_values() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int,w:String,x:Float"]);
    let aside = |name: &str, input: &str| -> String {
        let rejects = lake.folder.path().join(name);
        let rejects = rejects.to_str().expect("a path");
        let output = run(&lake, "append", &[input, "--rejects", rejects]);
        assert!(output.status.success(), "{}", stderr(&output));
        std::fs::read_to_string(rejects).expect("the refused rows")
    };
    // Columns in another order than the table's.
    let csv = "w,key,event_time,v\none,a,2024-01-01,1\ntwo,a,2024-01-01,2\n\"3,x\",b,never,3\n";
    assert_eq!(
        aside("1", &file(&lake, "a.csv", csv)),
        "line,reason,w,key,event_time,v\n\
         4,\"event_time is 'never', which is not an RFC 3339 time or a date\",\"3,x\",b,never,3\n\
         3,key 'a' at 2024-01-01T00:00:00.000Z is in line 2 already,two,a,2024-01-01T00:00:00.000Z,2\n"
    );
    let json = "{\"key\":\"c\",\"event_time\":\"2024-01-02\",\"v\":1}\n\
                {\"key\":\"c\",\"event_time\":\"2024-01-02\",\"v\":2,\"w\":\"two\",\"x\":\"NaN\"}\n";
    let found = aside("2", &file(&lake, "a.ndjson", json));
    let row = found.lines().nth(1).expect("a row");
    assert!(
        row.contains(r#"""v"":2,""w"":""two"",""x"":""NaN"""#),
        "{found}"
    );
    let parquet = lake.folder.path().join("a.parquet");
    let parquet = parquet.to_str().expect("a path");
    let rows = "SELECT 'd' AS key, CAST(NULL AS TIMESTAMP) AS event_time, 7 AS v, 'seven' AS w \
                UNION ALL SELECT 'e', TIMESTAMP '2024-01-03', 8, 'eight'";
    let path = [
        "--path",
        lake.path(),
        "--format",
        "parquet",
        "--output",
        parquet,
    ];
    let output = azof(&[&["sql", rows][..], &path].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let found = aside("3", parquet);
    assert!(
        found.starts_with("line,reason,key,event_time,v,w\n"),
        "{found}"
    );
    assert!(
        found.contains(",event_time is empty,d,,7,seven\n"),
        "{found}"
    );
}

/// A quote that nobody closes takes rows into a field; that is an error, and names the line where it opens.
#[test]
fn a_quote_that_is_not_closed_is_told_with_its_line() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "w:String"]);
    let open = "key,event_time,w\r\na,2024-01-01,x\r\n\r\nb,2024-01-01,\"y\r\nc,2024-01-01,z\r\n";
    let open = file(&lake, "open.csv", open);
    let output = run(&lake, "append", &[&open]);
    assert_eq!(output.status.code(), Some(2));
    let said = "open.csv, line 4: the quote that opens in line 4 is never closed";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    let swallowed = "key,event_time,w\na,2024-01-01,\"x\nb,2024-01-01,y\nc,2024-01-01,\"z\"\n";
    let output = run(&lake, "append", &[&file(&lake, "late.csv", swallowed)]);
    assert_eq!(output.status.code(), Some(2));
    let said = "line 2: the quote that opens in line 2 ends in line 4 with text behind it";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    // A guess of the columns would be one of other rows.
    let output = azof(&[
        "create",
        "--path",
        lake.path(),
        "--table",
        "u",
        "--like",
        &open,
    ]);
    let said = "open.csv, line 4: the quote that opens in line 4 is never closed";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    let rejects = lake.folder.path().join("rejects.csv");
    let rejects = rejects.to_str().expect("a path");
    let output = run(&lake, "append", &[&open, "--rejects", rejects]);
    assert!(output.status.success(), "{}", stderr(&output));
    let aside = std::fs::read_to_string(rejects).expect("the refused rows");
    assert!(
        aside.contains("4,\"the quote that opens in line 4 is never closed"),
        "{aside}"
    );
    assert!(aside.contains("c,2024-01-01,z"), "{aside}");
}

/// JSON has no digits for them, and a null would be another value.
#[test]
fn floats_that_are_no_number_go_through_json_and_back() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "x:Float"]);
    let csv = "key,event_time,x\na,2024-01-01,NaN\nb,2024-01-01,inf\nc,2024-01-01,-inf\nd,2024-01-01,\ne,2024-01-01,1.5\n";
    sound(&lake, "append", &[&file(&lake, "a.csv", csv)]);
    let json = sound(&lake, "scan", &["--format", "ndjson"]);
    for value in ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "null", "1.5"] {
        assert!(json.contains(&format!("\"x\":{value}}}")), "{json}");
    }
    let ndjson = file(&lake, "a.ndjson", &json);
    let other = Lake::new();
    sound(&other, "create", &["--like", &ndjson]);
    sound(&other, "append", &[&ndjson]);
    let csv = |lake: &Lake| sound(lake, "scan", &["--format", "csv"]);
    assert_eq!(csv(&other), csv(&lake));
    // Digits are no infinity.
    for (name, row, said) in [
        (
            "b.csv",
            "key,event_time,x\na,2024-01-02,-1e999\n",
            "line 2: x is '-1e999', which is not within the range",
        ),
        (
            "b.ndjson",
            "\n{\"key\":\"a\",\"x\":1e999}\n",
            "line 2: x is 1e999, which is not within the range of a Float",
        ),
    ] {
        let output = run(&other, "append", &[&file(&other, name, row)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

/// The rest of a large file is no field: memory and time stay bounded, and nothing is put aside of it.
#[test]
fn a_row_without_an_end_is_refused_before_it_fills_the_memory() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "w:String"]);
    let rejects = lake.folder.path().join("rejects.csv");
    let rejects = rejects.to_str().expect("a path");
    let rows = "b,2024-01-01,y\n".repeat(1_200_000);
    let open = format!("key,event_time,w\na,2024-01-01,x\n\nb,2024-01-01,\"y\n{rows}");
    let endless = format!("key,event_time,w\na,2024-01-01,{}\n", "y".repeat(17 << 20));
    let json = format!("\n{{\"key\":\"{}\"}}\n", "y".repeat(17 << 20));
    for (name, text, said) in [
        (
            "open.csv",
            open,
            "line 4: the quote that opens in line 4 takes in more than 16 MB, and is not closed",
        ),
        (
            "endless.csv",
            endless,
            "line 2: the row is longer than 16 MB",
        ),
        (
            "endless.ndjson",
            json,
            "line 2: the line is longer than 16 MB",
        ),
    ] {
        let input = file(&lake, name, text);
        let output = run(&lake, "append", &[&input, "--rejects", rejects]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        // The same again finds no file in its way.
        assert!(!std::path::Path::new(rejects).exists());
    }
    // As long as a row may be, it is put aside whole.
    let long = "z".repeat(15_000_000);
    let input = file(
        &lake,
        "long.csv",
        format!("key,event_time,w\na,never,{long}\n"),
    );
    let output = run(&lake, "append", &[&input, "--rejects", rejects]);
    assert!(output.status.success(), "{}", stderr(&output));
    let aside = std::fs::read_to_string(rejects).expect("the refused rows");
    assert!(aside.ends_with(&format!(",a,never,{long}\n")));
}

#[test]
fn refused_rows_keep_their_bytes_and_never_replace_a_file() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "w:String"]);
    let rejects = lake.folder.path().join("rejects.csv");
    let rejects = rejects.to_str().expect("a path");
    let input = file(&lake, "a.csv", b"key,event_time,w\nk,2024-01-01,caf\xe9\n");
    let output = run(&lake, "append", &[&input, "--rejects", rejects]);
    assert!(output.status.success(), "{}", stderr(&output));
    let aside = std::fs::read(rejects).expect("the refused rows");
    assert!(aside.ends_with(b"2,w is not text in UTF-8,k,2024-01-01,caf\xe9\n"));
    let output = run(&lake, "append", &[&input, "--rejects", rejects]);
    assert_eq!(output.status.code(), Some(2));
    let said = "rejects.csv is there already\nhint: name another file";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    assert_eq!(std::fs::read(rejects).expect("the file"), aside);
}

#[test]
fn what_is_no_table_of_rows_is_told_with_a_next_step() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "w:String"]);
    let noise: Vec<u8> = (0..4_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80)
        .collect();
    for name in ["noise.csv", "noise.ndjson", "noise.parquet"] {
        let output = run(&lake, "append", &[&file(&lake, name, &noise)]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        let hint = said.lines().nth(1).unwrap_or_default();
        assert!(
            said.contains(name) && hint.contains("nothing was appended"),
            "{said}"
        );
    }
}

#[test]
fn a_name_that_an_object_has_twice_is_refused() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int"]);
    let row = "{\"key\":\"a\",\"event_time\":\"2024-01-01\",\"v\":1,\"v\":2}\n";
    let input = file(&lake, "a.ndjson", row);
    let output = run(&lake, "append", &[&input]);
    assert_eq!(output.status.code(), Some(2));
    let said = "a.ndjson, line 1: v is there twice";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    let output = azof(&[
        "create",
        "--path",
        lake.path(),
        "--table",
        "u",
        "--like",
        &input,
    ]);
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

/// What a table is made like can be appended to it, wherever in the file the odd values stand.
#[test]
fn a_table_holds_the_file_that_it_was_made_like() {
    let mixed = [
        ("1", "1", "1", "\"x\"", "null"),
        ("2.5", "true", "12345678901234567890", "\"2024-01-01\"", "3"),
        ("\"NaN\"", "\"x\"", "5", "7", "3"),
    ];
    let mut ndjson = String::new();
    // More rows than any bounded look at the beginning would see.
    for i in 0..120_000 {
        let (f, b, n, t, l) = if i < 119_000 { mixed[0] } else { mixed[i % 3] };
        ndjson += &format!(
            "{{\"key\":\"{i}\",\"event_time\":\"2024-01-01\",\"f\":{f},\"b\":{b},\"n\":{n},\"t\":{t},\"l\":{l}}}\n"
        );
    }
    let lake = Lake::new();
    let input = file(&lake, "a.ndjson", &ndjson);
    let output = run(&lake, "create", &["--like", &input]);
    let said = "f:Float,b:String,n:String,t:String,l:Int";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    sound(&lake, "append", &[&input]);
    let csv = sound(&lake, "scan", &["--format", "csv"]);
    let row = "\n119998,2024-01-01T00:00:00.000Z,2.5,true,12345678901234567890,2024-01-01,3\n";
    assert!(
        csv.contains(row),
        "{}",
        csv.lines().last().unwrap_or_default()
    );
    // The same in CSV, with its own guesses.
    let other = Lake::new();
    let input = file(&other, "a.csv", csv);
    sound(&other, "create", &["--like", &input]);
    sound(&other, "append", &[&input]);
    // Lists are no values of a table.
    let list = "{\"key\":\"a\",\"event_time\":\"2024-01-01\",\"v\":[1]}\n";
    let output = run(
        &Lake::new(),
        "create",
        &["--like", &file(&other, "l.ndjson", list)],
    );
    let said = "line 1: v is a list or an object, which no column type holds";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

#[test]
fn dates_and_numbers_that_name_rows_come_from_parquet() {
    use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch};
    let lake = Lake::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("key", std::sync::Arc::new(Int64Array::from(vec![7, 8]))),
        (
            "event_time",
            std::sync::Arc::new(Date32Array::from(vec![19_723, 19_724])),
        ),
        (
            "paid",
            std::sync::Arc::new(Date32Array::from(vec![Some(19_730), None])),
        ),
        (
            "price",
            std::sync::Arc::new(Float64Array::from(vec![1.5, 2.0])),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("rows");
    let path = lake.folder.path().join("dates.parquet");
    let out = std::fs::File::create(&path).expect("a file");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(out, rows.schema(), None).expect("Parquet");
    writer.write(&rows).expect("rows");
    writer.close().expect("the end");
    let path = path.to_str().expect("a path");
    sound(&lake, "create", &["--like", path]);
    sound(&lake, "append", &[path]);
    let scanned = run(&lake, "scan", &["--format", "csv"]);
    assert_eq!(
        support::stdout(&scanned),
        "key,event_time,paid,price\n\
         7,2024-01-01T00:00:00.000Z,2024-01-08T00:00:00.000Z,1.5\n\
         8,2024-01-02T00:00:00.000Z,,2.0\n"
    );
}

#[test]
fn a_fraction_in_a_column_of_whole_numbers_is_told_what_makes_room_for_it() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "price:Int"]);
    let csv = file(&lake, "a.csv", "key,event_time,price\nA,2024-01-01,10.5\n");
    let refused = run(&lake, "append", &[&csv]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("evolve --widen"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_folder_without_tables_is_not_called_sound() {
    let folder = tempfile::tempdir().expect("a folder");
    let checked = azof(&["check", "--path", folder.path().to_str().expect("a path")]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(
        stderr(&checked).contains("there is no table to check"),
        "{}",
        stderr(&checked)
    );
}

/// The parser of JSON would round some of them to a neighbour.
#[test]
fn every_digit_of_a_float_goes_through_ndjson() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "x:Float,s:String"]);
    // A seeded walk over all exponents.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut numbers = vec![
        0.957_187_493_824_474_9,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        -0.0,
        0.1 + 0.2,
    ];
    while numbers.len() < 3_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let number = f64::from_bits(state);
        if number.is_finite() {
            numbers.push(number);
        }
    }
    let lines = numbers.iter().enumerate().map(|(i, x)| {
        format!("{{\"key\":\"{i:04}\",\"event_time\":\"2024-01-01\",\"x\":{x:e},\"s\":{x:e}}}\n")
    });
    sound(
        &lake,
        "append",
        &[&file(&lake, "a.ndjson", lines.collect::<String>())],
    );
    let csv = sound(&lake, "scan", &["--format", "csv"]);
    for (line, x) in csv.lines().skip(1).zip(&numbers) {
        let fields: Vec<&str> = line.split(',').collect();
        let read: f64 = fields[2].parse().expect("a number");
        assert_eq!(read.to_bits(), x.to_bits(), "{line}");
        assert_eq!(fields[3], format!("{x:e}"), "as it was spelled");
    }
    assert_eq!(csv.lines().count(), numbers.len() + 1);
    // And back again: what a scan writes is what was read.
    let json = sound(&lake, "scan", &["--format", "ndjson"]);
    let other = Lake::new();
    sound(&other, "create", &["--columns", "x:Float,s:String"]);
    sound(&other, "append", &[&file(&other, "b.ndjson", &json)]);
    assert_eq!(sound(&other, "scan", &["--format", "csv"]), csv);
}

#[test]
fn numbers_in_columns_of_texts_are_spelled_as_they_were() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "s:String"]);
    let ndjson = "\u{feff}{\"key\":1.10,\"event_time\":\"2024-01-01\",\"s\":1e5}\n{\"key\":1.1,\"event_time\":\"2024-01-01\",\"s\":18446744073709551616}\n{\"key\":\"\\u00e9\",\"event_time\":\"2024-01-01\",\"s\":true}\n";
    sound(&lake, "append", &[&file(&lake, "a.ndjson", ndjson)]);
    let csv = sound(&lake, "scan", &["--format", "csv"]);
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    let at = "2024-01-01T00:00:00.000Z";
    assert_eq!(
        rows,
        [
            format!("1.1,{at},18446744073709551616"),
            format!("1.10,{at},1e5"),
            format!("é,{at},true"),
        ]
    );
    let output = run(
        &lake,
        "append",
        &[&file(
            &lake,
            "b.ndjson",
            "{\"key\":\"a\",\"event_time\":\"2024-01-01\",\"s\":[1]}\n",
        )],
    );
    assert!(
        stderr(&output).contains("line 1: s is [1], which is not a text"),
        "{}",
        stderr(&output)
    );
    let output = run(
        &lake,
        "append",
        &[&file(
            &lake,
            "c.ndjson",
            "{\"key\":\"\\ud800\",\"event_time\":\"2024-01-01\"}\n",
        )],
    );
    assert!(
        stderr(&output).contains("line 1: key is no text of JSON"),
        "{}",
        stderr(&output)
    );
}
