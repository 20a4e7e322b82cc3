//! How each lake was left: a file a lake, replaced as a whole, so that two sittings never mix.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::last_state::LakeState;

/// A longer file is not read, and not written.
const BYTES_AT_MOST: usize = 256 << 10;

/// Lakes remembered; the one that was left longest ago goes first.
const LAKES_AT_MOST: usize = 200;

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Which lake it is of: file names are hashes, and two lakes may share one.
    lake: String,
    state: LakeState,
}

/// How a lake was left; `None` where that is not known. The lake's name must have no secret in it.
pub(crate) fn load(lake: &str) -> Result<Option<LakeState>, String> {
    super::folder().map_or(Ok(None), |folder| load_from(&folder.join("lakes"), lake))
}

/// Keeps how a lake was left.
pub(crate) fn keep(lake: &str, state: LakeState) -> io::Result<()> {
    let folder = super::folder().ok_or_else(super::no_home)?.join("lakes");
    keep_in(&folder, lake, state)
}

fn load_from(folder: &Path, lake: &str) -> Result<Option<LakeState>, String> {
    let path = path(folder, lake);
    let unread = |why: &dyn std::fmt::Display| {
        format!(
            "how the lake was left cannot be read from {}: {why}",
            path.display()
        )
    };
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| {
        let bounded = &mut file.take(BYTES_AT_MOST as u64 + 1);
        bounded.read_to_end(&mut bytes)
    });
    match read {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unread(&e)),
        Ok(count) if count > BYTES_AT_MOST => return Err(unread(&"it is too long")),
        Ok(_) => {}
    }
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|e| unread(&e))?;
    Ok((kept.lake == lake).then_some(kept.state))
}

fn keep_in(folder: &Path, lake: &str, state: LakeState) -> io::Result<()> {
    let mut kept = Kept {
        lake: lake.to_owned(),
        state,
    };
    let mut bytes = serde_json::to_vec(&kept)?;
    if bytes.len() > BYTES_AT_MOST {
        // The table that was on screen is worth more than all others.
        let on_screen = kept.state.table.clone();
        kept.state
            .tables
            .retain(|name, _| Some(name) == on_screen.as_ref());
        bytes = serde_json::to_vec(&kept)?;
    }
    if bytes.len() > BYTES_AT_MOST {
        return Err(io::Error::other("it is too long"));
    }
    super::make(folder)?;
    let path = path(folder, lake);
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let _ = fs::remove_file(&beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    forget_the_oldest(folder)
}

fn forget_the_oldest(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let surplus = files.len().saturating_sub(LAKES_AT_MOST);
    files[..surplus]
        .iter()
        .try_for_each(|(_, path)| match fs::remove_file(path) {
            // Another sitting may have been quicker.
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        })
}

/// A file name is the hash of the lake's name (FNV-1a, 64 bits): a name itself may be longer than a file's may.
fn path(folder: &Path, lake: &str) -> PathBuf {
    let hash = lake.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    folder.join(format!("{hash:016x}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn state(table: &str) -> LakeState {
        LakeState {
            table: Some(table.to_owned()),
            ..LakeState::default()
        }
    }

    #[test]
    fn each_lake_has_its_own_and_only_its_owner_reads_it() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("azof-tui/lakes");
        assert_eq!(load_from(&folder, "/a"), Ok(None));
        for (lake, table) in [("/a", "t"), ("/b", "u"), ("/a", "v")] {
            keep_in(&folder, lake, state(table)).expect("kept");
        }
        assert_eq!(load_from(&folder, "/a"), Ok(Some(state("v"))));
        assert_eq!(load_from(&folder, "/b"), Ok(Some(state("u"))));
        let files: Vec<_> = fs::read_dir(&folder)
            .expect("the folder")
            .flatten()
            .collect();
        assert_eq!(files.len(), 2, "{files:?}");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert!(files.iter().all(|f| mode(&f.path()) == 0o600));
        assert_eq!(mode(&folder), 0o700);
    }

    #[test]
    fn what_is_no_state_is_told_and_what_is_too_long_is_not_kept() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path();
        for broken in ["", "{", "[]", r#"{"lake":"/a","state":{"table":7}}"#] {
            fs::write(path(folder, "/a"), broken).expect("written");
            let why = load_from(folder, "/a").expect_err(broken);
            assert!(why.contains("cannot be read from"), "{why}");
        }
        fs::write(path(folder, "/a"), " ".repeat(BYTES_AT_MOST + 1)).expect("written");
        assert!(load_from(folder, "/a").is_err_and(|why| why.ends_with("too long")));
        // A file of another lake with the same hash is not this lake's.
        keep_in(folder, "/b", state("t")).expect("kept");
        fs::rename(path(folder, "/b"), path(folder, "/a")).expect("renamed");
        assert_eq!(load_from(folder, "/a"), Ok(None));
        let mut long = state("t");
        for name in ["t".to_owned(), "x".repeat(BYTES_AT_MOST)] {
            long.tables
                .insert(name, crate::app::last_state::TableState::default());
        }
        keep_in(folder, "/a", long).expect("kept");
        let kept = load_from(folder, "/a").expect("read").expect("there");
        assert_eq!(kept.tables.keys().collect::<Vec<_>>(), ["t"]);
        let longer = state(&"x".repeat(BYTES_AT_MOST));
        assert!(keep_in(folder, "/a", longer).is_err());
        assert!(
            load_from(folder, "/a").is_ok_and(|s| s.is_some()),
            "the old one stays"
        );
    }

    #[test]
    fn the_oldest_go() {
        let home = tempfile::tempdir().expect("a folder");
        for i in 0..LAKES_AT_MOST + 3 {
            keep_in(home.path(), &i.to_string(), state("t")).expect("kept");
        }
        let left = fs::read_dir(home.path()).expect("the folder").count();
        assert_eq!(left, LAKES_AT_MOST);
        let newest = (LAKES_AT_MOST + 2).to_string();
        assert!(load_from(home.path(), &newest).is_ok_and(|s| s.is_some()));
    }
}
