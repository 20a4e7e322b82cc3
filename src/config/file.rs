//! Where the file of settings is.

use std::env::var_os;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

use super::{Config, parse};

/// A longer file is none that a person writes.
const BYTES_AT_MOST: u64 = 1 << 20;

/// The program's own folder below the one that a variable names, or else below one in the home directory.
pub(crate) fn own_folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    // The specification has it that a relative path is no path.
    let absolute = |name: &str| {
        var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))?;
    Some(folder.join("azof-tui"))
}

/// The settings: of the file that is named, or of the usual one, which need not be there. Faults of entries come beside
/// them; a file that was named and cannot be read is an error.
pub fn load(named: Option<&Path>) -> Result<(Config, Vec<Error>)> {
    if let Some(path) = named {
        let text = read(path).map_err(|e| {
            Error::new(ErrorKind::Usage, format!("cannot be read: {e}"))
                .in_file(&shown(path))
                .hint("azof-tui --print-config prints a file of settings to begin with")
        })?;
        return Ok(parse(&text, &shown(path)));
    }
    let usual = own_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("config.toml"));
    let Some(path) = usual else {
        return Ok((Config::default(), Vec::new()));
    };
    Ok(match read(&path) {
        Ok(text) => parse(&text, &shown(&path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => (Config::default(), Vec::new()),
        Err(e) => {
            let fault = Error::new(ErrorKind::Usage, format!("cannot be read: {e}"))
                .in_file(&shown(&path))
                .hint("until it can, everything is as if it were not there");
            (Config::default(), vec![fault])
        }
    })
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(BYTES_AT_MOST + 1)
        .read_to_string(&mut text)?;
    if read as u64 > BYTES_AT_MOST {
        return Err(io::Error::other("it is longer than 1 MB"));
    }
    Ok(text)
}

/// A path as people write it.
fn shown(path: &Path) -> String {
    let home = var_os("HOME").map(PathBuf::from);
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    below.map_or_else(
        || path.display().to_string(),
        |below| format!("~/{}", below.display()),
    )
}
