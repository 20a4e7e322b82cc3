//! Imports point one way: each module uses only those above it in the list of `src/lib.rs`.
#![allow(
    clippy::expect_used,
    reason = "a source file that cannot be read should stop the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom.
fn layers() -> Vec<String> {
    let source =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).expect("lib.rs");
    let module = |line: &str| {
        let rest = line
            .strip_prefix("pub mod ")
            .or_else(|| line.strip_prefix("mod "))?;
        rest.strip_suffix(';').map(str::to_owned)
    };
    source.lines().filter_map(module).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source file names after `crate::`.
fn imports(source: &str) -> Vec<String> {
    let names = source.split("crate::").skip(1);
    names
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn imports_point_one_way() {
    let layers = layers();
    assert!(layers.len() > 10, "{layers:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    files(&root, &mut sources);
    let mut looked_at = 0;
    for path in sources {
        let relative = path.strip_prefix(&root).expect("under src");
        let module = relative
            .iter()
            .next()
            .and_then(|c| c.to_str())
            .expect("a name")
            .trim_end_matches(".rs")
            .to_owned();
        let Some(own) = layers.iter().position(|l| *l == module) else {
            continue;
        };
        for import in imports(&fs::read_to_string(&path).expect("a source")) {
            if let Some(theirs) = layers.iter().position(|l| *l == import) {
                looked_at += 1;
                assert!(
                    theirs <= own,
                    "{} imports {import}, which stands below {module}",
                    relative.display()
                );
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} imports were seen");
}

#[test]
fn only_the_engine_spawns_threads_and_only_the_terminal_touches_the_terminal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    files(&root, &mut sources);
    for path in sources {
        let source = fs::read_to_string(&path).expect("a source");
        let name = path
            .strip_prefix(&root)
            .expect("under src")
            .display()
            .to_string();
        if !name.starts_with("engine") {
            assert!(
                !source.contains("thread::spawn") && !source.contains("thread::Builder"),
                "{name} spawns a thread"
            );
        }
        if name != "terminal.rs" {
            assert!(
                !source.contains("enable_raw_mode") && !source.contains("EventStream"),
                "{name} touches the terminal"
            );
        }
    }
}
