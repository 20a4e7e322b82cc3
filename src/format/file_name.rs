//! Names of data files, checked before they become paths.

use std::fmt;

/// The name of a data file: one path segment beside the metadata.
///
/// Guarantees: not empty, neither `.` nor `..`, without `/`, `\`, control characters or a URL scheme; so joined to a
/// table's prefix it names a direct child and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Checks a name; the error says what is wrong with it.
    pub fn try_new(name: &str) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("'{name}' is not a data file name: {why}"));
        if name.is_empty() {
            return Err("the data file name is empty".to_owned());
        }
        if name == "." || name == ".." {
            return refuse("it names a folder");
        }
        if name.contains(['/', '\\']) {
            return refuse("it leads to another folder");
        }
        if name.chars().any(char::is_control) {
            return refuse("it holds a control character");
        }
        if has_scheme(name) {
            return refuse("it is a URL");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True where the text begins as a URL does: a letter, then letters, digits, `+`, `.` or `-`, then a colon.
fn has_scheme(name: &str) -> bool {
    let Some((scheme, _)) = name.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_path_segment_is_a_file_name() {
        for good in [
            "a.parquet",
            "a..b",
            "x%2F.parquet",
            "2019-01-01T00:00.parquet",
            "ü 1.parquet",
        ] {
            assert!(FileName::try_new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../x",
            "/etc/passwd",
            "a\\b",
            "s3:x",
            "file://x",
            "a\0b",
            "a\nb",
        ] {
            assert!(FileName::try_new(bad).is_err(), "{bad}");
        }
    }
}
