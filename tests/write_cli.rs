//! The commands that write: what they take, what they say, and what is left when they are killed.
#![allow(clippy::expect_used, reason = "a broken fixture should stop the test")]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::table_commands::{file, run, sound};
use support::{Lake, NO_HOME, azof, shared_lake, stderr, stdout};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The script that the specification's readers may run: it makes, feeds, corrects, compacts and changes a table.
#[test]
fn the_script_of_daily_prices_shows_what_was_known_when() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("bash")
        .envs(NO_HOME)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/prices.sh"))
        .arg(env!("CARGO_BIN_EXE_azof-tui"))
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let (said, errors) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{said}\n{errors}");
    for (title, lines) in [
        (
            "# what we say now of that day, and what we said before",
            vec![
                "BOLT,2024-02-14T00:00:00.000Z,999.0,7",
                "BOLT,2024-02-14T00:00:00.000Z,210.5,88",
            ],
        ),
        (
            "# that day and the day before, with the correction and without",
            vec!["\"price\":999.0", "\"price\":210.5"],
        ),
        (
            "# columns change",
            vec![
                "key,event_time,price,volume,currency",
                "ACME,2024-07-31T00:00:00.000Z,108.5,212.0,",
            ],
        ),
        (
            "# all is well",
            vec![
                "1,create,0",
                "2,append,546",
                "3,append,93",
                "4,append,1",
                "5,compact,",
                "6,evolve,0",
            ],
        ),
    ] {
        let part = said.split("# ").find(|part| {
            title.ends_with(part.lines().next().unwrap_or_default()) && part.len() > 1
        });
        let part = part.unwrap_or_else(|| panic!("{title} is missing: {said}"));
        for line in lines {
            assert!(part.contains(line), "{title}: no {line:?} in {part}");
        }
    }
    for words in [
        "1 late",
        "a read at a random moment sees",
        "none of them worse than a note",
    ] {
        assert!(errors.contains(words), "no {words:?} in {errors}");
    }
}

#[test]
fn columns_swap_their_names_in_one_change() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "a:Int,b:Int,c:Int"]);
    let csv = file(&lake, "a.csv", "key,event_time,a,b,c\nk,2024-01-01,1,2,3\n");
    sound(&lake, "append", &[&csv]);
    sound(&lake, "evolve", &["--rename", "a=b,b=a,c=d"]);
    let current = sound(&lake, "scan", &["--format", "csv"]);
    assert_eq!(
        current,
        "key,event_time,b,a,d\nk,2024-01-01T00:00:00.000Z,1,2,3\n"
    );
    for (names, said) in [
        ("a=d", "column 'd' is listed twice"),
        ("a=x,a=y", "column 'a' is renamed twice"),
        ("c=x", "there is no column 'c'"),
        ("a", "'a' should be OLD=NEW"),
        ("a=a,b=b", "the columns are so already"),
    ] {
        let output = run(&lake, "evolve", &["--rename", names]);
        assert_eq!(output.status.code(), Some(2), "{names}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    // What every reading command takes, the listing takes too; a version that is not there names the current one.
    let path = ["--path", lake.path(), "--format", "csv"];
    let tables = azof(&[&["tables", "--version", "1"][..], &path].concat());
    assert!(
        stdout(&tables).contains("t,1,3,0,0,"),
        "{}",
        stdout(&tables)
    );
    let output = run(&lake, "scan", &["--version", "99"]);
    let said = "hint: the current one is 3; azof-tui versions --table t lists those that are there";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

#[test]
fn changes_of_columns_take_lists_and_names_with_commas() {
    let lake = Lake::new();
    let columns = r#""a, b":Int,c:Int,d:Int,e:Int"#;
    sound(&lake, "create", &["--columns", columns]);
    let csv = file(
        &lake,
        "a.csv",
        "key,event_time,\"a, b\",c,d,e\nk,2024-01-01,1,2,3,4\n",
    );
    sound(&lake, "append", &[&csv]);
    let rename = r#""a, b"=x,c="y=z""#;
    sound(&lake, "evolve", &["--drop", "d,e", "--rename", rename]);
    sound(&lake, "evolve", &["--widen", r#"x,"y=z""#]);
    let current = sound(&lake, "scan", &["--format", "csv"]);
    assert_eq!(
        current,
        "key,event_time,x,y=z\nk,2024-01-01T00:00:00.000Z,1.0,2.0\n"
    );
}

/// Whatever is asked of a table that is not there, the answer is the same, and names those that are.
#[test]
fn a_table_that_is_not_there_is_told_alike_by_all_commands() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int"]);
    let csv = file(&lake, "a.csv", "key,event_time,v\nk,2024-01-01,1\n");
    for command in [
        vec!["scan"],
        vec!["append", &csv],
        vec!["compact"],
        vec!["evolve", "--drop", "v"],
        vec!["check"],
        vec!["versions"],
        vec!["vacuum"],
    ] {
        let place = ["--path", lake.path(), "--table", "nope"];
        let output = azof(&[&command[..], &place].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(
            said.contains("table 'nope'")
                && said.ends_with("there is no such table\nhint: its tables are t\n"),
            "{command:?}: {said}"
        );
    }
}

/// What is said is not cut where no screen asks for it.
#[test]
fn long_messages_reach_another_program_whole() {
    let lake = Lake::new();
    lake.sound_table("t");
    let output = run(&lake, "check", &[]);
    let found = stdout(&output);
    let said = "white space stands around the version, which the reference reader does not take";
    assert!(found.contains(said), "{found}");
}

#[test]
fn a_compaction_by_another_policy_names_what_it_passes_over() {
    let lake = Lake::new();
    sound(
        &lake,
        "create",
        &["--columns", "v:Int", "--segments", "month"],
    );
    let rows = "key,event_time,v\nk,2024-01-01,1\nk,2024-02-01,1\nk,2024-03-01,1\n";
    sound(&lake, "append", &[&file(&lake, "a.csv", rows)]);
    let compact = |more: &[&str]| {
        let output = run(&lake, "compact", more);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let output = run(&lake, "compact", &["--ratio", "-1"]);
    assert!(stderr(&output).contains("the ratio should be 0 or more\nhint: "));
    assert!(!compact(&["--ratio", "0"]).contains("--all"));
    let said = compact(&["--segments", "year"]);
    assert!(
        said.contains("nothing to compact · 3 segments stay") && said.contains("--all"),
        "{said}"
    );
    let said = compact(&["--segments", "year", "--all"]);
    assert!(
        said.starts_with("version 4") && !said.contains("--all"),
        "{said}"
    );
}

#[test]
fn check_ends_with_what_it_found() {
    let lake = Lake::new();
    lake.sound_table("t");
    // The file ends with a line break, which the reference does not take.
    let output = run(&lake, "check", &["--format", "csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("t,warning,version.txt,\"white space"),
        "{}",
        stdout(&output)
    );
    lake.write("t", "version.txt", "1");
    assert_eq!(run(&lake, "check", &[]).status.code(), Some(0));
    assert_eq!(
        azof(&["check", "--path", lake.path(), "--table", "none"])
            .status
            .code(),
        Some(2)
    );
    // A commit that was interrupted before the pointer moved.
    let manifest = std::fs::read(lake.file("t", "s1.json")).expect("a snapshot");
    lake.write("t", "s2.json", manifest);
    let output = run(&lake, "check", &["--format", "csv"]);
    assert!(
        output.status.code() == Some(1) && stdout(&output).contains("a commit was interrupted"),
        "{}",
        stdout(&output)
    );
    let output = run(&lake, "check", &["--repair"]);
    assert_eq!(
        (
            output.status.code(),
            stderr(&output).contains("rolled forward to version 2")
        ),
        (Some(0), true)
    );
    std::fs::remove_file(lake.file("t", "base.parquet")).expect("the file");
    let output = run(&lake, "check", &["--format", "csv"]);
    assert!(
        output.status.code() == Some(1) && stdout(&output).contains("the data file is missing"),
        "{}",
        stdout(&output)
    );
}

/// What is truly odd in the public lake is named, and nothing else.
#[test]
fn the_public_lake_is_sound() {
    let Some(lake) = shared_lake("the_public_lake_is_sound") else {
        return;
    };
    let output = azof(&["check", "--path", &lake, "--deep", "--format", "csv"]);
    let found = stdout(&output);
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{}",
        stderr(&output)
    );
    for odd in [
        "year_2019_q2_delta.parquet,\"5 rows with the key and event time of another",
        "column 'industry' may not be null by the schema, and is in 503,744 rows of 169 files",
        "at 2019-07-01T00:00:00.000Z,\"keys have other values at the same event time: 3 keys",
    ] {
        assert!(found.contains(odd), "no {odd:?} in {found}");
    }
    assert_eq!(found.lines().count(), 4, "{found}");
}

/// A write that meets a full disk says so, and leaves nothing.
#[test]
fn a_write_that_finds_no_room_leaves_the_table_as_it_was() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int"]);
    let rows: Vec<String> = (0..60_000)
        .map(|i| {
            format!(
                "key-{},2024-01-01T00:00:00.{:03}Z,{}",
                i * 7919 % 60_000,
                i % 1_000,
                i * 31
            )
        })
        .collect();
    let csv = file(
        &lake,
        "a.csv",
        format!("key,event_time,v\n{}\n", rows.join("\n")),
    );
    // No file may grow beyond 64 KiB; the program is told by an error, as it is of a full disk.
    let script = "ulimit -f 64; exec \"$@\"";
    let output = Command::new("bash")
        .envs(NO_HOME)
        .args([
            "-c",
            script,
            "bash",
            env!("CARGO_BIN_EXE_azof-tui"),
            "append",
            "--path",
            lake.path(),
            "--table",
            "t",
            &csv,
        ])
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).starts_with("error: table 't'"),
        "{}",
        stderr(&output)
    );
    let mut left: Vec<String> = std::fs::read_dir(lake.folder.path().join("t"))
        .expect("a folder")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left.sort();
    assert_eq!(left, ["s1.json", "version.txt"]);
    sound(&lake, "append", &[&csv]);
    assert_eq!(
        sound(&lake, "scan", &["--format", "csv"]).lines().count(),
        60_001
    );
}

/// Begins a command on table `t` of a lake.
fn begin(folder: &Path, command: &[&str]) -> std::process::Child {
    let mut arguments = command.to_vec();
    let path = folder.to_str().expect("a path");
    arguments.extend(["--path", path, "--table", "t"]);
    Command::new(env!("CARGO_BIN_EXE_azof-tui"))
        .envs(NO_HOME)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs")
}

fn finish(folder: &Path, command: &[&str]) {
    let ended = begin(folder, command).wait().expect("an end");
    assert!(ended.success(), "{command:?}");
}

/// The rows of the current state.
fn count(folder: &Path) -> usize {
    let path = folder.to_str().expect("a path");
    let output = azof(&["scan", "--path", path, "--table", "t", "--format", "csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).lines().count() - 1
}

/// The table has one of two numbers of rows, takes one more, and is sound.
fn assert_recovers(folder: &Path, (before, after): (usize, usize), one_row: &str) {
    let found = count(folder);
    assert!(
        found == before || found == after,
        "{found} rows, not {before} or {after}"
    );
    finish(folder, &["append", one_row]);
    // The next writer may have found the commit done and moved the pointer for it.
    let with_one = count(folder);
    assert!(
        with_one == before + 1 || with_one == after + 1,
        "{with_one} rows"
    );
    let path = folder.to_str().expect("a path");
    let output = azof(&[
        "check", "--path", path, "--table", "t", "--deep", "--format", "csv",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    finish(folder, &["vacuum", "--retention", "0s"]);
    assert_eq!(count(folder), with_one);
}

/// Killed at any time, a write leaves the old version or the new one, and the next one works.
#[test]
fn a_killed_writer_leaves_a_whole_version() {
    const KILLS: u32 = 24;
    let lake = Lake::new();
    sound(
        &lake,
        "create",
        &["--columns", "v:Int", "--segments", "month"],
    );
    let first = "key,event_time,v\na,2024-01-01,1\nb,2024-03-01,2\n";
    sound(&lake, "append", &[&file(&lake, "first.csv", first)]);
    let row = |i: u32| format!("k{i},2024-{:02}-{:02},{i}", i % 12 + 1, i % 28 + 1);
    let rows: Vec<String> = (0..100_000).map(row).collect();
    let many = format!("key,event_time,v\n{}\n", rows.join("\n"));
    let many = file(&lake, "many.csv", &many);
    let last = file(&lake, "last.csv", "key,event_time,v\nz,2024-02-01,9\n");
    let mut killed = 0;
    for command in [
        vec!["append", many.as_str()],
        vec!["compact", "--format", "csv"],
    ] {
        let base = tempfile::tempdir().expect("a folder");
        copy(&lake.folder.path().join("t"), &base.path().join("t"));
        if command[0] == "compact" {
            finish(base.path(), &["append", &many]);
        }
        let whole = tempfile::tempdir().expect("a folder");
        copy(base.path(), whole.path());
        let started = Instant::now();
        finish(whole.path(), &command);
        let length = started.elapsed();
        let counts = (count(base.path()), count(whole.path()));
        for kill in 0..KILLS {
            let folder = tempfile::tempdir().expect("a folder");
            copy(base.path(), folder.path());
            let mut child = begin(folder.path(), &command);
            // The end is where most happens, so most kills fall there.
            let share = 1.0 - (f64::from(kill) / f64::from(KILLS)).powi(2);
            std::thread::sleep(Duration::from_secs_f64(length.as_secs_f64() * share));
            child.kill().expect("a process");
            killed += u32::from(!child.wait().expect("an end").success());
            assert_recovers(folder.path(), counts, &last);
        }
    }
    assert!(killed > KILLS / 2, "only {killed} were killed in time");
}

#[test]
fn a_version_that_cannot_be_read_is_listed_among_those_that_can() {
    let lake = Lake::new();
    sound(&lake, "create", &["--columns", "v:Int"]);
    for (name, day) in [("a.csv", 1), ("b.csv", 2)] {
        let text = format!("key,event_time,v\nk,2024-01-0{day},{day}\n");
        sound(&lake, "append", &[&file(&lake, name, &text)]);
    }
    lake.write("t", "s2.json", "{\"schema\": ");
    let listed = sound(&lake, "versions", &["--format", "csv"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    assert!(
        lines[1].starts_with("1,") && lines[1].contains(",create,"),
        "{listed}"
    );
    assert!(
        lines[2].starts_with("2,") && lines[2].contains("s2.json"),
        "{listed}"
    );
    assert!(
        lines[3].starts_with("3,") && lines[3].ends_with(",true,"),
        "{listed}"
    );
    // What the broken one names is not known, so nothing is taken away.
    let output = run(&lake, "vacuum", &["--retention", "0d"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("s2.json"), "{}", stderr(&output));
}

/// A file whose rows lie ages apart is compacted in the time of its rows, and nothing is lost between them.
#[test]
fn rows_that_lie_ages_apart_are_compacted_by_every_policy() {
    for policy in ["200B", "month", "year"] {
        let lake = Lake::new();
        sound(
            &lake,
            "create",
            &["--columns", "v:Int", "--segments", "1GB"],
        );
        let rows = (0..60).map(|i| {
            let (year, month) = (1 + (i * 2_713) % 9_998, 1 + i % 12);
            format!("k{},{year:04}-{month:02}-15,{i}\n", i % 7)
        });
        let rows: String = rows.collect();
        sound(
            &lake,
            "append",
            &[&file(&lake, "a.csv", format!("key,event_time,v\n{rows}"))],
        );
        let moments = [
            "0001-06-01",
            "0999-01-01",
            "2024-03-15",
            "2024-03-16",
            "5000-01-01",
            "9999-12-31",
        ];
        let answers =
            || moments.map(|at| sound(&lake, "scan", &["--format", "csv", "--as-of", at]));
        let before = answers();
        sound(&lake, "compact", &["--segments", policy, "--ratio", "0"]);
        assert_eq!(answers(), before, "{policy}");
        sound(&lake, "check", &["--deep"]);
    }
}
