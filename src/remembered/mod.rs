//! What is kept from sitting to sitting, for its owner alone: below `$XDG_STATE_HOME/azof-tui`, or else below
//! `~/.local/state/azof-tui`.

pub(crate) mod lakes;
pub(crate) mod queries;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::config::own_folder;

fn folder() -> Option<PathBuf> {
    own_folder("XDG_STATE_HOME", ".local/state")
}

fn no_home() -> io::Error {
    io::Error::other("there is no home for it")
}

/// Makes a folder, and those above it, where they are not there.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
