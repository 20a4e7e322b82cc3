//! The program's commands on table `t` of a lake.

use std::process::Output;

use super::{Lake, azof, stderr, stdout};

pub fn run(lake: &Lake, command: &str, arguments: &[&str]) -> Output {
    let mut all = vec![command, "--path", lake.path(), "--table", "t"];
    all.extend(arguments);
    azof(&all)
}

pub fn sound(lake: &Lake, command: &str, arguments: &[&str]) -> String {
    let output = run(lake, command, arguments);
    assert!(
        output.status.success(),
        "{command} {arguments:?}: {}",
        stderr(&output)
    );
    stdout(&output)
}

/// A file beside the table.
pub fn file(lake: &Lake, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = lake.folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a UTF-8 path").to_owned()
}
