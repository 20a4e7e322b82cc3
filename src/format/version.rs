//! The version of a table: which `s<V>.json` is current.

use std::fmt;

/// The file that holds the current version.
pub const VERSION_FILE: &str = "version.txt";

/// A version file larger than this is not one.
pub const VERSION_BYTES_AT_MOST: u64 = 1_024;

/// The number of a table's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// Reads what `version.txt` holds; surrounding white space is ignored. The error says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "it is not UTF-8".to_owned())?
            .trim();
        if text.is_empty() {
            return Err("it is empty, and should hold a version number such as 1".to_owned());
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("'{text}' is not a version number such as 1"));
        }
        text.parse()
            .map(Self)
            .map_err(|_| format!("version '{text}' is too large"))
    }

    /// The version whose manifest has this file name.
    pub fn of_manifest_file(name: &str) -> Option<Self> {
        let digits = name.strip_prefix('s')?.strip_suffix(".json")?;
        let version = Self::parse(digits.as_bytes()).ok()?;
        // Only as it is written: neither `s01.json` nor `s 1.json`.
        (version.manifest_file() == name).then_some(version)
    }

    /// The name of this version's manifest: `s1.json`.
    pub fn manifest_file(self) -> String {
        format!("s{}.json", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_version_is_ignored_and_nothing_else() {
        assert_eq!(Version::parse(b" 12\r\n"), Ok(Version(12)));
        for bad in [
            &b""[..],
            b"\n",
            b"v1",
            b"-1",
            b"1 2",
            b"\xff",
            b"99999999999999999999999",
        ] {
            assert!(Version::parse(bad).is_err());
        }
    }
}
