//! SQL at any event time: the suite whose answers another engine made, the moments that a clause may name, and what is
//! refused, cancelled or bounded.
#![allow(clippy::expect_used, reason = "a broken fixture should stop a test")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType};
use azof_tui::cancel::CancelToken;
use azof_tui::event_time::{AsOf, parse_calendar};
use azof_tui::open_tables::OpenTables;
use azof_tui::scan::ReadLimits;
use azof_tui::sql::{AsOfPlanner, AsOfTable};
use azof_tui::{Error, ErrorKind, ExecutionContext, Lakehouse};
use sqllogictest::{ColumnType, DB, DBOutput, Runner};
use support::{azof, shared_lake, stderr, stdout, test_data};

/// A letter after `query`; the heads of the suites say what each means.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter(char);

impl ColumnType for Letter {
    fn from_char(letter: char) -> Option<Self> {
        "TIRBP".contains(letter).then_some(Self(letter))
    }
    fn to_char(&self) -> char {
        self.0
    }
}

struct Session {
    runtime: tokio::runtime::Runtime,
    context: ExecutionContext,
}

impl Session {
    fn open(lake: &str) -> Self {
        Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            context: ExecutionContext::new(lake).expect("a lake"),
        }
    }

    fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let mut stream = {
            let _inside = self.runtime.enter();
            self.context.run(sql, &CancelToken::default())
        };
        self.runtime.block_on(async {
            let mut batches = vec![RecordBatch::new_empty(stream.schema().await?)];
            while let Some(batch) = stream.next().await? {
                batches.push(batch);
            }
            Ok(batches)
        })
    }

    /// One text for all rows, values parted by spaces.
    fn text(&self, sql: &str) -> String {
        let batches = self.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let rows: Vec<String> = batches
            .iter()
            .flat_map(rows_of)
            .map(|r| r.join(" "))
            .collect();
        rows.join(" | ")
    }

    fn refused(&self, sql: &str) -> Error {
        match self.query(sql) {
            Ok(_) => panic!("{sql} should be refused"),
            Err(e) => e,
        }
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Vec<String>> {
    let rows = 0..batch.num_rows();
    rows.map(|row| batch.columns().iter().map(|c| value(c, row)).collect())
        .collect()
}

/// A value as the suites have it.
fn value(array: &Arc<dyn Array>, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    match array.data_type() {
        DataType::Float64 => {
            let text = format!("{:.4}", array.as_primitive::<Float64Type>().value(row));
            let text = text.trim_end_matches('0').trim_end_matches('.');
            if text == "-0" { "0" } else { text }.to_owned()
        }
        DataType::Timestamp(..) => {
            let ms = arrow::compute::cast(array, &support::time_type()).expect("a time");
            let ms = ms.as_primitive::<TimestampMillisecondType>().value(row);
            let text = azof_tui::EventTime::from_ms(ms).to_string();
            text.replace(".000Z", "Z")
        }
        data_type if data_type.is_integer() => {
            let wide = arrow::compute::cast(array, &DataType::Int64).expect("an integer");
            wide.as_primitive::<Int64Type>().value(row).to_string()
        }
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        _ => {
            let text = arrow::util::display::array_value_to_string(array, row).expect("a text");
            let text = text
                .replace('\\', "\\\\")
                .replace('\t', "\\t")
                .replace('\n', "\\n")
                .replace('\r', "\\r");
            if text.is_empty() {
                "(empty)".to_owned()
            } else {
                text
            }
        }
    }
}

fn letter(data_type: &DataType) -> Letter {
    Letter(match data_type {
        DataType::Float64 => 'R',
        DataType::Timestamp(..) => 'P',
        DataType::Boolean => 'B',
        t if t.is_integer() => 'I',
        _ => 'T',
    })
}

impl DB for Session {
    type Error = Error;
    type ColumnType = Letter;

    fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, Error> {
        let batches = self.query(sql)?;
        let schema = batches[0].schema();
        Ok(DBOutput::Rows {
            types: schema
                .fields()
                .iter()
                .map(|f| letter(f.data_type()))
                .collect(),
            rows: batches.iter().flat_map(rows_of).collect(),
        })
    }
}

fn run_suite(name: &str) {
    let Some(lake) = shared_lake(name) else {
        return;
    };
    let path = format!("{}/tests/sql/{name}.slt", env!("CARGO_MANIFEST_DIR"));
    let mut runner = Runner::new(|| {
        let session = Session::open(&lake);
        async move { Ok(session) }
    });
    // Another count of columns is told by the values; the letters are what this holds.
    runner.with_column_validator(sqllogictest::strict_column_validator);
    runner
        .run_file(path)
        .expect("every answer as the other engine has it");
}

#[test]
fn financials_answers_as_another_engine_does() {
    run_suite("financials");
}

#[test]
fn small_tables_answer_as_another_engine_does() {
    run_suite("small_tables");
}

#[test]
fn a_clause_takes_every_form_of_a_moment() {
    let session = Session::open(&test_data());
    let count = |clause: &str| session.text(&format!("SELECT count(*) FROM financials {clause}"));
    let reference = count("AT ('2009-03-31')");
    assert_ne!(reference, count(""), "the moment makes a difference");
    for clause in [
        "AT ('2009-03-31T00:00:00Z')",
        "AT (TIMESTAMP => '2009-03-31')",
        "AT (timestamp => TIMESTAMP '2009-03-31 00:00:00')",
        "at (1238457600000)",
        "AT (DATE '2009-03-31')",
        "AT (DATE '2009-03-30' + INTERVAL '1 day')",
        "AT (concat('2009', '-03-31'))",
        "FOR SYSTEM_TIME AS OF '2009-03-31'",
        "FOR SYSTEM_TIME AS OF TIMESTAMP '2009-03-31'",
        "FOR SYSTEM_TIME AS OF '2009-03-31' AS f",
        "TIMESTAMP AS OF '2009-03-31'",
    ] {
        assert_eq!(count(clause), reference, "{clause}");
    }
    assert_eq!(count("AT ('2009-Q2')"), count("AT ('2009-04-01')"));
    assert_eq!(count("AT ('current')"), count(""));
    assert_eq!(count("AT (now() + INTERVAL '1 day')"), count("AT ('+1d')"));
    assert_eq!(count("AT ('1999')"), "0");
}

#[test]
fn a_clause_that_cannot_be_honoured_is_an_error_and_never_current_data() {
    let session = Session::open(&test_data());
    for (sql, said) in [
        (
            "SELECT * FROM financials BEFORE ('2009-03-31')",
            "line 1, column 26: 'BEFORE('2009-03-31')' names no moment",
        ),
        (
            "SELECT * FROM financials AT (OFFSET => -60)",
            "names no moment",
        ),
        ("SELECT * FROM financials AT ()", "names no moment"),
        (
            "SELECT * FROM financials AT ('2009-03-31', '2010-03-31')",
            "says the timestamp twice",
        ),
        ("SELECT * FROM financials VERSION AS OF 99", "version 99"),
        (
            "SELECT * FROM financials AT (VERSION => 'one')",
            "is no version",
        ),
        (
            "SELECT * FROM ticks('financials') VERSION AS OF 1",
            "line 1, column 43: Expected: end of statement, found: AS",
        ),
        (
            "SELECT * FROM financials CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => '2009-03-31')",
            "names no moment",
        ),
        ("SELECT * FROM financials AT (NULL)", "null is no moment"),
        (
            "SELECT *\nFROM financials AT ('yesterday')",
            "line 2, column 21: 'yesterday' is not a time",
        ),
        (
            "SELECT * FROM ticks('financials') AT ('2009-03-31')",
            "line 1, column 35: a moment stands once, right behind the name of a table",
        ),
        (
            "SELECT * FROM (financials) AT ('2009-03-31')",
            "a moment stands once, right behind the name of a table",
        ),
        (
            "SELECT * FROM financials AT ('2009-03-31') AT ('2010-03-31')",
            "line 1, column 44: a moment stands once, right behind the name of a table",
        ),
        (
            "SELECT * FROM financials f AT ('2009-03-31')",
            "a moment stands once, right behind the name of a table",
        ),
        (
            "SELECT * FROM financials FOR SYSTEM_TIME BETWEEN '2009-03-31' AND '2010-03-31'",
            "behind FOR SYSTEM_TIME comes AS OF",
        ),
        ("SELECT * FROM financials AT (true)", "is no moment"),
        ("SELECT * FROM financials AT (random() * 1000)", "constant"),
        ("SELECT * FROM financials AT (revenue)", "constant"),
        (
            "SELECT * FROM financials a JOIN financials AT (a.event_time) b ON a.key = b.key",
            "constant",
        ),
        (
            "WITH f AS (SELECT 1) SELECT * FROM f AT ('2009-03-31')",
            "is no table of the lake",
        ),
        (
            "WITH financials AS (SELECT 1) SELECT * FROM financials AT ('2009-03-31')",
            "is no table of the lake",
        ),
        (
            "SELECT 1 FROM (SELECT 1) AT ('2009-03-31')",
            "line 1, column 26: a moment stands once, right behind the name of a table",
        ),
        (
            "SELECT * FROM ticks('financials') FOR SYSTEM_TIME AS OF '2009-03-31'",
            "",
        ),
        (
            "SELECT * FROM information_schema.tables AT ('2009-03-31')",
            "is no table of the lake",
        ),
        (
            "WITH f AS (SELECT 1) SELECT * FROM f VERSION AS OF 1",
            "'f' is no table of the lake",
        ),
        (
            "WITH financials AS (SELECT 1) SELECT * FROM financials VERSION AS OF 1",
            "is no table of the lake",
        ),
        ("SELECT key FROM financials GROUP BY at )", "found: )"),
        (
            "SELECT * FROM financials TABLESAMPLE BERNOULLI (10)",
            "not understood",
        ),
    ] {
        let error = session.refused(sql).to_string();
        assert!(error.contains(said), "{sql}: {error}");
    }
}

#[test]
fn a_clause_as_other_engines_write_it_is_told_how_it_is_written_here() {
    let session = Session::open(&test_data());
    for clause in ["TIMESTAMP", "VERSION"] {
        let sql =
            format!("SELECT * FROM financials FOR {clause} AS OF '2009-03-31' WHERE key > 'M'");
        let error = session.refused(&sql);
        let said = format!("line 1, column 26: 'FOR {clause}' is no clause");
        assert!(error.to_string().contains(&said), "{error}");
        let hint = error.next_step().unwrap_or_default();
        assert!(hint.contains(&format!("{clause} AS OF")), "{hint}");
    }
}

#[test]
fn two_moments_of_one_table_are_never_taken_for_one() {
    let session = Session::open(&test_data());
    let one = |moment: &str| {
        session.text(&format!(
            "SELECT sum(revenue) FROM financials AT ('{moment}')"
        ))
    };
    let (then, now) = (one("2009-03-31"), one("current"));
    for sql in [
        "SELECT (SELECT sum(revenue) FROM financials AT ('2009-03-31')) AS a, (SELECT sum(revenue) FROM financials AT ('current')) AS b",
        "SELECT (SELECT sum(revenue) FROM financials AT ('2009-03-31')) AS a, (SELECT sum(revenue) FROM financials) AS b",
        "SELECT (SELECT sum(revenue) FROM financials AT ('2009-03-31')), (SELECT sum(revenue) FROM financials)",
        "WITH a AS (SELECT sum(revenue) s FROM financials AT ('2009-03-31')), b AS (SELECT sum(revenue) s FROM financials) SELECT a.s, b.s FROM a, b",
        "SELECT a.s, b.s FROM (SELECT sum(revenue) s FROM financials AT ('2009-03-31')) a, (SELECT sum(revenue) s FROM financials AT ('current')) b",
    ] {
        assert_eq!(session.text(sql), format!("{then} {now}"), "{sql}");
    }
    let union = "SELECT sum(revenue) s FROM financials AT ('2009-03-31') UNION ALL SELECT sum(revenue) FROM financials ORDER BY s";
    assert_eq!(session.text(union), format!("{then} | {now}"));
    let ticks = session.text(
        "SELECT (SELECT count(*) FROM ticks('financials')) AS a, (SELECT count(*) FROM ticks('table0')) AS b",
    );
    let apart = ["financials", "table0"]
        .map(|t| session.text(&format!("SELECT count(*) FROM ticks('{t}')")));
    assert_eq!(ticks, apart.join(" "));
}

#[test]
fn a_view_keeps_the_moments_that_it_names() {
    let session = Session::open(&test_data());
    let made = session.query(
        "CREATE TEMPORARY VIEW crisis AS SELECT key, revenue FROM financials AT ('2009-03-31')",
    );
    made.expect("a view");
    let sum = |from: &str| session.text(&format!("SELECT sum(revenue) FROM {from}"));
    assert_eq!(sum("crisis"), sum("financials AT ('2009-03-31')"));
    assert_ne!(sum("crisis"), sum("financials"));
    let error = session.refused("SELECT * FROM crisis AT ('2010-03-31')");
    assert!(
        error.to_string().contains("is no table of the lake"),
        "{error}"
    );
}

#[test]
fn tables_without_a_clause_are_as_of_the_session() {
    let session = Session::open(&test_data());
    let moment = parse_calendar("2009-03-31")
        .map(AsOf::At)
        .expect("a moment");
    let then = Session {
        context: session.context.at(moment),
        runtime: tokio::runtime::Runtime::new().expect("a runtime"),
    };
    let sql = "SELECT sum(revenue) FROM financials";
    assert_eq!(
        then.text(sql),
        session.text(&format!("{sql} AT ('2009-03-31')"))
    );
}

#[test]
fn table_functions_tell_what_the_commands_tell() {
    let session = Session::open(&test_data());
    let kinds = session.text(
        "SELECT change, count(*) FROM changes('financials', '2008-03-31', '2009-03-31') WHERE change <> 'touched' GROUP BY change ORDER BY change",
    );
    let summary = azof(&[
        "diff",
        "--path",
        &test_data(),
        "--table",
        "financials",
        "--from",
        "2008-03-31",
        "--to",
        "2009-03-31",
        "--summary",
        "--format",
        "json",
    ]);
    let summary: serde_json::Value = serde_json::from_str(&stdout(&summary)).expect("JSON");
    for kind in ["added", "changed", "removed"] {
        let count = summary[kind].as_u64().expect("a count");
        assert_eq!(
            kinds.contains(&format!("{kind} {count}")),
            count > 0,
            "{kinds}"
        );
    }
    let history = azof(&[
        "history",
        "--path",
        &test_data(),
        "--table",
        "financials",
        "--key",
        "ZXQE",
        "--format",
        "csv",
    ]);
    let versions = stdout(&history).lines().count() - 1;
    let counted = session.text("SELECT count(*) FROM history('financials') WHERE key = 'ZXQE'");
    assert_eq!(counted, versions.to_string());
    let all = session.text("SELECT count(*), count(DISTINCT key) FROM history('financials') h WHERE h.key || '' = 'ZXQE'");
    assert_eq!(all, format!("{versions} 1"), "read whole, it says the same");
    let at = session.text("SELECT sum(revenue) FROM history('financials') WHERE valid_from <= TIMESTAMP '2009-03-31' AND (valid_to IS NULL OR valid_to >= TIMESTAMP '2009-03-31')");
    assert_eq!(
        at,
        session.text("SELECT sum(revenue) FROM financials AT ('2009-03-31')")
    );
    let ticks = azof(&[
        "timeline",
        "--path",
        &test_data(),
        "--table",
        "financials",
        "--format",
        "csv",
    ]);
    let ticks = stdout(&ticks).lines().count() - 1;
    assert_eq!(
        session.text("SELECT count(*) FROM ticks('financials')"),
        ticks.to_string()
    );
}

#[test]
fn what_is_asked_again_is_answered_alike() {
    let session = Session::open(&test_data());
    let sql = "SELECT count(*), sum(revenue), min(key), max(event_time) FROM financials AT ('2009-03-31')";
    let first = session.text(sql);
    let other = "SELECT count(*), sum(revenue), min(key), max(event_time) FROM financials AT ('2009-02-10')";
    let apart = Session::open(&test_data()).text(other);
    let (started, mut is_indexed) = (Instant::now(), false);
    while !is_indexed {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "no index is made"
        );
        assert_eq!(session.text(sql), first);
        assert_eq!(session.text(other), apart);
        let plan = session.text(&format!("EXPLAIN ANALYZE {sql}"));
        is_indexed = plan.contains("files_read=0");
    }
    assert_eq!(session.text(sql), first);
    assert_eq!(session.text(other), apart);
}

#[test]
fn the_catalog_can_be_asked() {
    let session = Session::open(&test_data());
    let tables = session.text("SHOW TABLES");
    assert!(
        tables.contains("lake public financials BASE TABLE"),
        "{tables}"
    );
    assert!(session.text("DESCRIBE table0").contains("key Utf8View NO"));
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'table0' ORDER BY ordinal_position";
    assert_eq!(session.text(columns), "key | event_time | value");
}

#[test]
fn one_table_that_cannot_be_opened_does_not_keep_the_others_from_answering() {
    let lake = support::Lake::new();
    lake.sound_table("good").write("bad", "version.txt", "none");
    let session = Session::open(lake.path());
    assert_eq!(session.text("SELECT count(*) FROM good"), "2");
    assert!(session.text("SHOW TABLES").contains("bad"));
    assert!(
        session
            .text("SELECT table_name, column_name FROM information_schema.columns")
            .contains("good v")
    );
    let error = session.refused("SELECT * FROM bad");
    assert_eq!(error.kind(), ErrorKind::Version, "{error}");
}

#[test]
fn explain_names_table_moment_files_columns_and_keys() {
    let session = Session::open(&test_data());
    let plan = session.text("EXPLAIN SELECT key, revenue FROM financials AT ('2009-03-31') WHERE key LIKE 'ZX%' AND revenue > 5");
    for said in [
        "AsOfScan: table=financials, as_of=2009-03-31T00:00:00.000Z, version=1, files=",
        "columns=[key, revenue]",
        "keys=[key >= 'ZX' and key < 'ZY']",
        "FilterExec: revenue",
    ] {
        assert!(plan.contains(said), "{said} in {plan}");
    }
}

#[test]
fn a_point_query_reads_only_the_row_groups_whose_statistics_admit_the_key() {
    let lake = support::Lake::new();
    let rows: Vec<support::Row> = (0..1_000)
        .map(|i| (format!("k{i:04}"), i, Some(i)))
        .collect();
    lake.table(
        "t",
        r#"{"id":"s","start":"1970-01-01T00:00:00Z","file":"base.parquet"}"#,
    )
    .write("t", "base.parquet", support::parquet(&rows, 100, 100));
    let session = Session::open(lake.path());
    assert_eq!(session.text("SELECT v FROM t WHERE key = 'k0250'"), "250");
    let plan = session.text("EXPLAIN ANALYZE SELECT v FROM t WHERE key = 'k0250'");
    assert!(plan.contains("row_groups_read=1, "), "{plan}");
    assert!(plan.contains("row_groups_pruned=9"), "{plan}");
}

#[test]
fn one_table_at_one_moment_can_be_registered_in_a_session_of_ones_own() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("a lake");
        let table = lake.table("table0").await.expect("a table");
        let moment = parse_calendar("2024-01-15").map(AsOf::At).expect("a moment");
        let mut config = datafusion::prelude::SessionConfig::new();
        config.options_mut().sql_parser.dialect = datafusion::config::Dialect::Snowflake;
        let own = datafusion::prelude::SessionContext::new_with_config(config);
        own.register_table("then", Arc::new(AsOfTable::new(table, moment))).expect("registered");
        own.register_relation_planner(Arc::new(AsOfPlanner::new(azof_tui::event_time::now()))).expect("registered");
        let sql = "SELECT (SELECT count(*) FROM then) AS a, (SELECT count(*) FROM then AT ('current')) AS b";
        own.sql(sql).await.expect("a plan").collect().await.expect("rows")
    });
    assert_eq!(rows_of(&answer[0]), [["2", "3"]]);
}

#[test]
fn a_query_that_does_not_end_is_cancelled_at_once() {
    let session = Session::open(&test_data());
    let cancel = CancelToken::default();
    let started = session.runtime.block_on(async {
        let everything = "SELECT count(*) FROM financials a, financials b, financials c, financials d WHERE a.revenue + b.revenue + c.revenue < d.revenue";
        let mut stream = session.context.run(everything, &cancel);
        let token = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel();
        });
        let started = Instant::now();
        let ended = stream.schema().await;
        let ended = match ended {
            Ok(_) => stream.next().await.map(|_| ()),
            Err(e) => Err(e),
        };
        assert_eq!(ended.map_err(|e| e.kind()), Err(ErrorKind::Cancelled));
        started
    });
    // Far from what the query would take, which is years.
    assert!(started.elapsed() < Duration::from_secs(20));
    // An operator that is in the middle of something must not hold up the end of the test.
    session.runtime.shutdown_background();
}

#[test]
fn a_query_stays_within_its_memory_or_says_that_it_cannot() {
    let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("a lake");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let context = {
        let _inside = runtime.enter();
        ExecutionContext::with_tables(Arc::new(OpenTables::new(lake)), 8_000_000)
            .expect("a session")
    };
    let session = Session { runtime, context };
    let greedy = "SELECT a.key, array_agg(b.revenue) FROM financials a, financials b, financials c GROUP BY a.key";
    let error = session.refused(greedy);
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    assert!(
        error
            .next_step()
            .is_some_and(|hint| hint.contains("--memory"))
    );
}

#[test]
fn faults_tell_their_place_in_the_text() {
    let session = Session::open(&test_data());
    for (sql, place) in [
        (
            "SELECT key\nFROM financials\nWHERE revnue > 1",
            Some((3, 7)),
        ),
        ("SELECT key FROM finacials", Some((1, 17))),
        ("SELECT key FROM financials WHERE", Some((1, 33))),
        ("SELECT 'open", Some((1, 8))),
    ] {
        let error = session.refused(sql);
        assert_eq!(error.text_position(), place, "{sql}: {error}");
    }
    let error = session.refused("SELECT key FROM finacials");
    assert!(
        error
            .next_step()
            .is_some_and(|hint| hint.contains("financials")),
        "{error}"
    );
}

#[test]
fn the_command_takes_statements_from_anywhere_and_gives_rows_in_every_format() {
    let (path, sql) = (
        test_data(),
        "SELECT key, value FROM table0 AT ('2024-01-15') ORDER BY key",
    );
    let run = |more: &[&str]| {
        let output = azof(&[&["sql", "--path", &path], more].concat());
        (stdout(&output), stderr(&output), output.status.code())
    };
    assert_eq!(
        run(&[sql, "--format", "csv"]).0,
        "key,value\n1,abc\n2,xyz\n"
    );
    let at = run(&[
        "SELECT key, value FROM table0 ORDER BY key",
        "--as-of",
        "2024-01-15",
        "--format",
        "ndjson",
    ]);
    assert_eq!(
        at.0,
        "{\"key\":\"1\",\"value\":\"abc\"}\n{\"key\":\"2\",\"value\":\"xyz\"}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("q.sql");
    std::fs::write(
        &file,
        format!("CREATE TEMPORARY VIEW v AS {sql}; SELECT count(*) AS n FROM v;"),
    )
    .expect("written");
    let file = file.to_str().expect("UTF-8");
    assert_eq!(run(&["--file", file, "--format", "csv"]).0, "n\n2\n");
    let (out, said, status) = run(&["DROP TABLE table0"]);
    assert_eq!((out.as_str(), status), ("", Some(2)));
    assert!(said.starts_with("error: DROP TABLE is refused"), "{said}");
    for format in ["json", "table"] {
        assert!(
            run(&[sql, "--format", format]).0.contains("xyz"),
            "{format}"
        );
    }
    for format in ["parquet", "arrow"] {
        let to = folder.path().join(format);
        let to = to.to_str().expect("UTF-8");
        assert_eq!(
            run(&[sql, "--format", format, "--output", to]).2,
            Some(0),
            "{format}"
        );
        let written = std::fs::read(to).expect("the file");
        assert!(written.windows(3).any(|w| w == b"xyz"), "{format}");
    }
}

#[test]
fn the_example_runs() {
    let example = std::path::Path::new(env!("CARGO_BIN_EXE_azof-tui"))
        .with_file_name("examples")
        .join("sql");
    let output = std::process::Command::new(example)
        .output()
        .expect("cargo test builds the examples; with --test sql, add --examples");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("| 1   | abc  | abc2 |"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_a_table_said_of_the_past_before_it_was_corrected_is_a_version_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = folder.path().to_str().expect("a path");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let header = "key,event_time,price";
    let first = write(
        "first.csv",
        &format!("{header}\nA,2024-01-01,1\nB,2024-01-01,2\n"),
    );
    let second = write(
        "second.csv",
        &format!("{header}\nA,2024-01-01,10\nA,2024-03-01,11\n"),
    );
    for arguments in [
        vec!["create", "--table", "prices", "--columns", "price:Int"],
        vec!["append", "--table", "prices", &first],
        vec!["append", "--table", "prices", &second],
    ] {
        let run = azof(&[&["--path", lake], &arguments[..]].concat());
        assert!(run.status.success(), "{}", stderr(&run));
    }
    let session = Session::open(lake);
    let prices =
        |clause: &str| session.text(&format!("SELECT price FROM prices {clause} ORDER BY key"));
    assert_eq!(prices(""), "11 | 2");
    assert_eq!(prices("VERSION AS OF 2"), "1 | 2");
    assert_eq!(prices("AT (VERSION => 1)"), "");
    assert_eq!(prices("AT ('2024-02-01')"), "10 | 2");
    assert_eq!(
        prices("AT (TIMESTAMP => '2024-02-01', VERSION => 2)"),
        "1 | 2"
    );
    assert_eq!(prices("AT (VERSION => 2, TIMESTAMP => '2023')"), "");
    // Two versions of one moment are not taken for one.
    let restated = "SELECT a.key, a.price, b.price FROM prices AT ('2024-02-01', VERSION => 2) a
        JOIN prices AT ('2024-02-01') b ON a.key = b.key WHERE a.price <> b.price";
    assert_eq!(session.text(restated), "A 1 10");
    let sums = "SELECT (SELECT sum(price) FROM prices VERSION AS OF 2), (SELECT sum(price) FROM prices VERSION AS OF 3)";
    assert_eq!(session.text(sums), "3 13");
    let missing = session
        .refused("SELECT * FROM prices VERSION AS OF 99")
        .to_string();
    assert!(
        missing.contains("version 99") && missing.contains("prices"),
        "{missing}"
    );

    let run = azof(&[
        "--path",
        lake,
        "sql",
        "--version",
        "2",
        "--format",
        "csv",
        "SELECT sum(price) FROM prices",
    ]);
    assert!(stdout(&run).ends_with("\n3\n"), "{}", stdout(&run));
    let run = azof(&[
        "--path",
        lake,
        "sql",
        "--version",
        "99",
        "SELECT sum(price) FROM prices",
    ]);
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("version 99"), "{}", stderr(&run));
}

#[test]
fn a_cancelled_cross_join_gives_its_thread_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let context = ExecutionContext::new(&test_data()).expect("a lake");
    let _inside = runtime.enter();
    for endless in [
        "SELECT count(*) FROM financials a, financials b, financials c, financials d, financials e",
        "SELECT sum(levenshtein(a.key, b.key)) FROM financials a, financials b, financials c, financials d",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 0 FROM n) SELECT count(*) FROM n",
    ] {
        let cancel = CancelToken::default();
        let mut stream = context.run(endless, &cancel);
        let ended = runtime.block_on(async {
            stream.schema().await.expect("a plan");
            let stop = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                cancel.cancel();
            };
            tokio::join!(stream.next(), stop).0
        });
        assert!(
            ended.is_err_and(|e| e.kind() == ErrorKind::Cancelled),
            "{endless}"
        );
        drop(stream);
        // The only thread that runs queries is free for the next one.
        let mut next = context.run("SELECT 43", &CancelToken::default());
        let answered = runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(30), async {
                next.schema().await?;
                next.next().await
            })
            .await
        });
        assert!(matches!(answered, Ok(Ok(Some(_)))), "{endless}");
    }
}

#[test]
fn what_memory_does_not_hold_is_spilled_and_read_back() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let lake = Lakehouse::open(&test_data(), ReadLimits::default()).expect("a lake");
    let tables = Arc::new(OpenTables::new(lake));
    let context = ExecutionContext::with_tables(tables, 24 << 20).expect("a session");
    let sql = "SELECT max(r) AS most, sum(v) AS total FROM (
        SELECT v, row_number() OVER (ORDER BY v * 7919 % 1000003, v) AS r FROM generate_series(1, 2000000) AS t(v))";
    let (batches, spilled) = runtime.block_on(async {
        let frame = context.sql(sql).await.expect("a plan");
        let tasks = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.expect("a plan");
        let batches = datafusion::physical_plan::collect(Arc::clone(&plan), tasks).await;
        (batches.expect("rows"), spills(plan.as_ref()))
    });
    assert!(spilled > 0, "this much memory should not have been enough");
    let row = &batches[0];
    assert_eq!(
        row.column(0)
            .as_primitive::<arrow::datatypes::UInt64Type>()
            .value(0),
        2_000_000
    );
    assert_eq!(
        row.column(1).as_primitive::<Int64Type>().value(0),
        2_000_001_000_000
    );
}

/// How often the operators of a plan that has run spilled.
fn spills(plan: &dyn datafusion::physical_plan::ExecutionPlan) -> usize {
    let own = plan.metrics().and_then(|m| m.spill_count()).unwrap_or(0);
    own + plan
        .children()
        .iter()
        .map(|child| spills(child.as_ref()))
        .sum::<usize>()
}

#[test]
fn what_the_engine_would_answer_wrong_is_answered_right() {
    let session = Session::open(&test_data());
    let t = "(VALUES (1), (5), (12)) t(x)";
    let of_t = "SELECT x FROM (VALUES (5), (9)) t(x)";
    for (sql, answer) in [
        // Two columns of one name are not one column.
        (
            format!("SELECT count(*) FROM {t} WHERE x = ANY ({of_t})"),
            "1",
        ),
        (
            format!("SELECT count(*) FROM {t} WHERE x = SOME ({of_t})"),
            "1",
        ),
        (
            format!("SELECT count(*) FROM {t} WHERE x <> ALL ({of_t})"),
            "2",
        ),
        // Nothing but the next term is compared.
        (
            "SELECT true IS DISTINCT FROM true AND false".into(),
            "false",
        ),
        ("SELECT true IS DISTINCT FROM true OR true".into(), "true"),
        (
            "SELECT NOT 1 IS DISTINCT FROM 2 OR 1 IS NOT DISTINCT FROM 1 AND false".into(),
            "false",
        ),
        ("SELECT 1 + 1 IS NOT DISTINCT FROM 2".into(), "true"),
        (
            "SELECT true AND 1 IS DISTINCT FROM 1 OR true".into(),
            "true",
        ),
        (
            format!("SELECT count(*) FROM {t} WHERE x IS DISTINCT FROM 5 AND x > 1"),
            "1",
        ),
        // A null counts where it makes a difference.
        (
            format!("SELECT count(*) FROM {t} WHERE x IN ({of_t}) OR x > 10"),
            "2",
        ),
        (
            format!("SELECT count(*) FROM {t} WHERE x NOT IN ({of_t}) AND x > 1"),
            "1",
        ),
        (
            format!("SELECT count(*) FROM {t} WHERE NOT x IN ({of_t})"),
            "2",
        ),
        ("SELECT 1_000_000 + 1".into(), "1000001"),
        (
            "SELECT 9223372036854775806 + 1".into(),
            "9223372036854775807",
        ),
        (
            "SELECT sum(x * x - 1) FROM (VALUES (3), (NULL), (-4)) t(x)".into(),
            "23",
        ),
        (
            "SELECT 2 * x, count(*) FROM (VALUES (3), (3)) t(x) GROUP BY 2 * x ORDER BY 2 * x"
                .into(),
            "6 2",
        ),
    ] {
        assert_eq!(session.text(&sql), answer, "{sql}");
    }
    // Keys are never null, so this is what it says, wherever it stands.
    let beside = session.text(
        "SELECT count(*) FROM financials WHERE key NOT IN (SELECT key FROM financials AT ('2009-03-31')) OR revenue < 0",
    );
    let apart = session.text(
        "SELECT count(*) FROM financials f WHERE NOT EXISTS (SELECT 1 FROM financials AT ('2009-03-31') o WHERE o.key = f.key) OR revenue < 0",
    );
    assert_eq!(beside, apart);
}

#[test]
fn what_could_only_be_answered_wrong_is_refused() {
    let session = Session::open(&test_data());
    let t = "(VALUES (1), (2), (NULL)) t(x)";
    let u = "(SELECT y FROM (VALUES (2), (NULL)) u(y))";
    let doubled: Vec<String> = (1..=22)
        .map(|i| format!("c{i} AS (SELECT a.x FROM c{} a, c{} b)", i - 1, i - 1))
        .collect();
    let doubled = format!(
        "WITH c0 AS (SELECT 1 x), {} SELECT count(*) FROM c22",
        doubled.join(", ")
    );
    let null = "may be null here, and would be taken for false";
    let large = "is beyond whole numbers of 64 bits";
    for (sql, said) in [
        (format!("SELECT count(*) FROM {t} WHERE x NOT IN {u} OR x > 100"), null),
        (format!("SELECT count(*) FROM {t} WHERE NOT (x IN {u} AND x < 100)"), null),
        (format!("SELECT count(*) FROM {t} WHERE (x IN {u}) IS NULL"), null),
        (
            "SELECT count(*) FROM financials WHERE industry NOT IN (SELECT industry FROM financials AT ('2010')) OR revenue < 0".into(),
            null,
        ),
        ("SELECT 9223372036854775807 + 1".into(), large),
        ("SELECT -9223372036854775807 - 2".into(), large),
        ("SELECT revenue * revenue FROM financials".into(), large),
        ("SELECT count(*) FROM financials WHERE revenue * revenue > 0".into(), large),
        (format!("SELECT x FROM {t} WHERE x > ALL {u}"), "= ANY and <> ALL are understood"),
        (format!("SELECT x FROM {t} WHERE x < ANY {u}"), "= ANY and <> ALL are understood"),
        ("SELECT count(*) FROM financials AT (2019)".into(), "a year is '2019'"),
        ("SELECT TOP 2 key FROM financials".into(), "TOP is not understood"),
        (doubled, "unfolds into more than 10000 tables"),
    ] {
        let error = session.refused(&sql);
        assert!(error.to_string().contains(said), "{sql}: {error}");
    }
}

#[test]
fn two_columns_of_one_name_are_no_json() {
    let lake = test_data();
    let sql = "SELECT a.revenue, b.revenue FROM financials AT ('2009-03-31') a JOIN financials b ON a.key = b.key LIMIT 1";
    for format in ["json", "ndjson"] {
        let output = azof(&["sql", "--path", &lake, "--format", format, sql]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("two columns are called 'revenue'"), "{said}");
        assert!(said.contains("with AS"), "{said}");
    }
    assert!(
        azof(&["sql", "--path", &lake, "--format", "csv", sql])
            .status
            .success()
    );
}

#[test]
fn sums_of_whole_numbers_have_room_or_fail() {
    let session = Session::open(&test_data());
    for (sql, answer) in [
        (
            "SELECT sum(x) FROM (VALUES (9223372036854775807), (1), (-1)) t(x)",
            "9223372036854775807",
        ),
        (
            "SELECT sum(x), sum(DISTINCT x), avg(x), sum(x) FILTER (WHERE x > 3), sum(x) + 1 FROM (VALUES (3), (3), (4)) t(x)",
            "10 7 3.3333 4 11",
        ),
        (
            "SELECT a, sum(x) AS s FROM (VALUES (1, 2), (1, 3), (2, 4)) t(a, x) GROUP BY ROLLUP (a) HAVING sum(x) < 9 ORDER BY sum(x), a",
            "2 4 | 1 5",
        ),
        (
            "SELECT sum(sum(x)) OVER () FROM (VALUES (1, 2), (2, 4)) t(a, x) GROUP BY a LIMIT 1",
            "6",
        ),
        (
            "SELECT sum(x) IS NULL FROM (VALUES (1)) t(x) WHERE x > 1",
            "true",
        ),
        (
            "SELECT arrow_typeof(sum(x)) FROM (VALUES (1)) t(x)",
            "Int64",
        ),
        (
            "SELECT (SELECT sum(x) FROM (VALUES (1), (2)) t(x)) + sum(y) FROM (VALUES (4)) u(y)",
            "7",
        ),
    ] {
        assert_eq!(session.text(sql), answer, "{sql}");
    }
    for sql in [
        "SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) t(x)",
        "SELECT industry, sum(revenue) * 1000000000 FROM financials GROUP BY industry",
        "SELECT sum(a) FROM (SELECT 9000000000000000000 + 0 * revenue AS a FROM financials) HAVING sum(a) > 0",
    ] {
        let error = session.refused(sql).to_string();
        assert!(
            error.contains("is beyond whole numbers of 64 bits"),
            "{sql}: {error}"
        );
    }
}
