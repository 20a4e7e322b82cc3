//! The command line: what goes to which stream, in which form.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::process::{Command, Stdio};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use support::{Lake, NO_HOME, azof, stderr, stdout, test_data, time_type};

fn scan(table: &str, more: &[&str]) -> String {
    let lake = test_data();
    let mut arguments = vec!["scan", "--path", &lake, "--table", table];
    arguments.extend(more);
    let output = azof(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn the_small_tables_are_what_they_should_be() {
    let rows = |table: &str, at: &str| {
        scan(table, &["--as-of", at, "--format", "csv"])
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let day = |d: &str| format!("{d}T00:00:00.000Z");
    assert_eq!(rows("table0", "2023-12-31"), [""; 0]);
    assert_eq!(
        rows("table0", "2024-01-01"),
        [
            format!("1,{},abc", day("2024-01-01")),
            format!("2,{},xyz", day("2024-01-01"))
        ]
    );
    assert_eq!(
        rows("table0", "2024-02-20"),
        [
            format!("1,{},abc2", day("2024-02-01")),
            format!("2,{},xyz2", day("2024-02-20"))
        ]
    );
    assert_eq!(rows("table0", "current").len(), 3);
    assert_eq!(rows("table1", "2024-01-31"), [""; 0]);
    assert_eq!(
        rows("table1", "2024-02-16"),
        [
            format!("1,{},abc2", day("2024-02-01")),
            format!("2,{},xyz1", day("2024-02-15"))
        ]
    );
    assert_eq!(
        rows("table1", "2024-06-10"),
        [
            format!("1,{},abc3", day("2024-06-01")),
            format!("2,{},xyz2", day("2024-06-01"))
        ]
    );
    assert_eq!(
        rows("table1", "current"),
        [
            format!("1,{},abc4", day("2024-06-29")),
            format!("2,{},xyz3", day("2024-06-20"))
        ]
    );
    let three = format!(
        "3,{},www2,300,false,{}",
        day("2024-03-10"),
        day("2024-03-01")
    );
    assert_eq!(rows("table2", "current")[2], three);
}

#[test]
fn text_formats_write_times_and_nulls_as_promised() {
    let lake = Lake::new();
    lake.sound_table("t");
    let run = |format| {
        stdout(&azof(&[
            "scan",
            "--path",
            lake.path(),
            "--table",
            "t",
            "--format",
            format,
        ]))
    };
    assert_eq!(
        run("csv"),
        "key,event_time,v\na,1970-01-01T00:00:00.000Z,1\nb,1970-01-01T00:00:00.005Z,\n"
    );
    let (a, b) = (
        r#"{"key":"a","event_time":"1970-01-01T00:00:00.000Z","v":1}"#,
        r#"{"key":"b","event_time":"1970-01-01T00:00:00.005Z","v":null}"#,
    );
    assert_eq!(run("ndjson"), format!("{a}\n{b}\n"));
    assert_eq!(run("json"), format!("[{a},{b}]\n"));
    assert_eq!(
        run("table"),
        "key  event_time               v\n───  ───────────────────────  ─\na    1970-01-01 00:00:00.000  1\nb    1970-01-01 00:00:00.005  ∅\n"
    );
}

#[test]
fn binary_formats_keep_types_and_the_order_of_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out");
    let lake = test_data();
    let write = |format| {
        let output = azof(&[
            "scan",
            "--path",
            &lake,
            "--table",
            "table2",
            "--columns",
            "value2,value1",
            "--format",
            format,
            "--output",
            path.to_str().expect("UTF-8"),
        ]);
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{}",
            stderr(&output)
        );
    };
    let check = |batch: &RecordBatch| {
        let schema = batch.schema();
        let fields: Vec<(&str, DataType)> = schema
            .fields()
            .iter()
            .map(|f| (f.name().as_str(), f.data_type().clone()))
            .collect();
        let expected = [
            ("key", DataType::Utf8),
            ("event_time", time_type()),
            ("value2", DataType::Int64),
            ("value1", DataType::Utf8),
        ];
        assert_eq!(fields, expected);
        assert_eq!(batch.num_rows(), 3);
    };
    write("parquet");
    let file = File::open(&path).expect("the file");
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .expect("Parquet")
        .build()
        .expect("a reader");
    check(&reader.next().expect("a batch").expect("rows"));
    write("arrow");
    let bytes = std::fs::read(&path).expect("the file");
    check(
        &StreamReader::try_new(Cursor::new(bytes), None)
            .expect("Arrow")
            .next()
            .expect("a batch")
            .expect("rows"),
    );
}

#[test]
fn limit_columns_and_unknown_names() {
    assert_eq!(
        scan(
            "financials",
            &["--limit", "3", "--columns", "revenue", "--format", "csv"]
        )
        .lines()
        .count(),
        4
    );
    assert!(
        scan("financials", &["--limit", "0", "--format", "csv"])
            .starts_with("key,event_time,industry,")
    );
    let lake = test_data();
    let output = azof(&[
        "scan",
        "--path",
        &lake,
        "--table",
        "table0",
        "--columns",
        "price",
    ]);
    assert_eq!(
        stderr(&output),
        format!(
            "error: table 'table0' in {lake}: there is no column 'price'\nhint: its columns are value\n"
        )
    );
}

#[test]
fn the_timeline_lists_ticks_or_buckets() {
    let lake = test_data();
    let run = |more: &[&str]| {
        let mut arguments = vec![
            "timeline", "--path", &lake, "--table", "table1", "--format", "ndjson",
        ];
        arguments.extend(more);
        stdout(&azof(&arguments))
    };
    let tick = |day: &str, n: u32| {
        format!("{{\"event_time\":\"2024-{day}T00:00:00.000Z\",\"changes\":{n}}}\n")
    };
    let all = [
        ("02-01", 1),
        ("02-15", 1),
        ("02-20", 1),
        ("06-01", 2),
        ("06-20", 1),
        ("06-29", 1),
    ];
    assert_eq!(run(&[]), all.map(|(d, n)| tick(d, n)).concat());
    assert_eq!(
        run(&["--from", "2024-02-15", "--to", "2024-06-01"]),
        all[1..4]
            .iter()
            .map(|(d, n)| tick(d, *n))
            .collect::<String>()
    );
    let buckets = run(&[
        "--from",
        "2024-01-01",
        "--to",
        "2024-06-30",
        "--buckets",
        "2",
    ]);
    let counts: Vec<&str> = buckets
        .lines()
        .filter_map(|l| l.rsplit(':').next())
        .collect();
    assert_eq!(counts, ["3}", "4}"], "{buckets}");
    assert!(
        stderr(&azof(&[
            "timeline",
            "--path",
            &lake,
            "--table",
            "table1",
            "--buckets",
            "0"
        ]))
        .starts_with("error: ")
    );
}

#[test]
fn tables_are_listed_with_what_they_hold() {
    let listed = stdout(&azof(&[
        "tables",
        "--path",
        &test_data(),
        "--format",
        "csv",
    ]));
    assert!(listed.starts_with("name,version,columns,segments,files,bytes,first_event_time,last_event_time,error\nfinancials,1,4,"));
    assert!(
        listed.contains("\ntable1,1,1,1,2,")
            && listed.contains(",2024-02-01T00:00:00.000Z,2024-06-29T00:00:00.000Z,\n")
    );
}

#[test]
fn gen_writes_what_the_csv_says() {
    let lake = Lake::new();
    lake.sound_table("t").write(
        "t",
        "more.csv",
        "x,2024-01-01T00:00:00.000Z,5\n\"y,z\",2024-01-02,\n",
    );
    let done = azof(&[
        "gen",
        "--path",
        lake.path(),
        "--table",
        "t",
        "--file",
        "more",
    ]);
    assert!(done.status.success(), "{}", stderr(&done));
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"more.parquet"}"#,
    );
    let rows = stdout(&azof(&[
        "scan",
        "--path",
        lake.path(),
        "--table",
        "t",
        "--format",
        "csv",
    ]));
    assert_eq!(
        rows,
        "key,event_time,v\nx,2024-01-01T00:00:00.000Z,5\n\"y,z\",2024-01-02T00:00:00.000Z,\n"
    );
    lake.write("t", "bad.csv", "x,2024-01-01,5\ny,2024-01-01,many\n");
    let refused = azof(&[
        "gen",
        "--path",
        lake.path(),
        "--table",
        "t",
        "--file",
        "bad",
    ]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("file bad.csv, line 2: v is 'many'"),
        "{}",
        stderr(&refused)
    );
    assert!(!lake.file("t", "bad.parquet").exists());
}

#[test]
fn control_characters_never_reach_the_terminal_raw() {
    let lake = Lake::new();
    let rows = [("\u{1b}[31mred\u{7}\u{202e}".to_owned(), 0, Some(1))];
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet"}"#,
    )
    .write("t", "base.parquet", support::parquet(&rows, 1, 1));
    let shown = stdout(&azof(&["scan", "--path", lake.path(), "--table", "t"]));
    assert!(shown.contains("␛[31mred␇�"), "{shown:?}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    let named = azof(&["scan", "--path", lake.path(), "--table", "\u{1b}]0;x\u{7}"]);
    assert!(!stderr(&named).contains('\u{1b}'));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_azof-tui"))
        .envs(NO_HOME)
        .args([
            "scan",
            "--path",
            &test_data(),
            "--table",
            "financials",
            "--format",
            "ndjson",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(
        !stderr(&output).contains("error") && !stderr(&output).contains("panic"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn arguments_that_make_no_sense_are_one_line_and_a_hint() {
    for arguments in [
        &["scan"][..],
        &["scan", "--tabel", "x"],
        &["nonsense", "extra"],
        &["scan", "--table", "table0", "--as-of", "soon"],
    ] {
        let lake = test_data();
        let mut all = arguments.to_vec();
        all.extend(["--path", &lake]);
        let output = azof(&all);
        let error = stderr(&output);
        assert_eq!(
            (output.status.code(), stdout(&output).as_str()),
            (Some(2), ""),
            "{arguments:?}: {error}"
        );
        assert!(
            error.lines().count() == 2
                && error.starts_with("error: ")
                && error.contains("\nhint: "),
            "{error}"
        );
    }
}

#[test]
fn help_completions_and_the_manual_are_there() {
    assert!(stdout(&azof(&["--help"])).contains("scrub the timeline"));
    assert!(stdout(&azof(&["completions", "bash"])).contains("complete"));
    assert!(stdout(&azof(&["man"])).contains(".TH azof-tui"));
}

#[test]
fn without_a_terminal_the_explorer_says_what_to_do() {
    let output = azof(&["--path", &test_data()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: the explorer needs a terminal\nhint: "));
}

#[test]
fn the_log_tells_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let log_path = log.to_str().expect("UTF-8");
    azof(&[
        "scan",
        "--path",
        &test_data(),
        "--table",
        "table0",
        "--log",
        log_path,
    ]);
    azof(&[
        "scan",
        "--path",
        &test_data(),
        "--table",
        "nope",
        "--log",
        log_path,
    ]);
    let lines = std::fs::read_to_string(&log).expect("the log");
    assert!(
        lines.lines().count() == 2 && lines.contains("done (") && lines.contains("no such table"),
        "{lines}"
    );
}

/// Serves files of the committed lake over loopback, whole and one a connection: a web server that knows neither ranges
/// nor listings. Ends after `connections`.
fn serve(connections: usize) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.expect("a connection");
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(n @ 1..) => request.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let mut words = request.split_whitespace();
            let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let (status, body) = match (method, std::fs::read(format!("{}{path}", test_data()))) {
                ("GET" | "HEAD", Ok(body)) => ("200 OK", body),
                ("GET" | "HEAD", Err(_)) => ("404 Not Found", Vec::new()),
                _ => ("501 Not Implemented", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // The client may have seen enough.
            let _ = stream.write_all(head.as_bytes());
            if method == "GET" {
                let _ = stream.write_all(&body);
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn a_lake_behind_a_plain_web_server_is_read() {
    let url = serve(100);
    let output = azof(&[
        "scan",
        "--path",
        &url,
        "--table",
        "table0",
        "--as-of",
        "2024-02-20",
        "--format",
        "csv",
    ]);
    let expected =
        "key,event_time,value\n1,2024-02-01T00:00:00.000Z,abc2\n2,2024-02-20T00:00:00.000Z,xyz2\n";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
}
