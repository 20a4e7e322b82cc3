//! What a person types for a lake, turned into a store and a prefix; and keeping secrets out of what is printed.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// Where a lake was found.
pub(super) struct Found {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The prefix in the store.
    pub(super) root: Path,
    /// The lake's printable name.
    pub(super) name: String,
    /// Set where the lake is a local directory.
    pub(super) directory: Option<PathBuf>,
}

/// Finds the store of a lake, and the prefix in it.
pub(super) fn resolve(location: &str) -> Result<Found> {
    if !location.contains("://") {
        return resolve_folder(FsPath::new(location), location);
    }
    let name = redact(location);
    let url = Url::parse(location)
        .map_err(|e| Error::new(ErrorKind::Lake, format!("it is not a URL: {e}")).in_lake(&name))?;
    if url.scheme() == "file" {
        let path = url.to_file_path().map_err(|()| {
            Error::new(ErrorKind::Lake, "a file URL needs an absolute path").in_lake(&name)
        })?;
        return resolve_folder(&path, &name);
    }
    let plain_http = (url.scheme() == "http").then(|| ("allow_http".to_owned(), "true".to_owned()));
    // Names that are not settings of the store's are passed over by it.
    let settings = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let (store, root) =
        object_store::parse_url_opts(&url, settings.chain(plain_http)).map_err(|e| {
            let detail = redact(&super::root_cause(&e));
            Error::new(ErrorKind::Lake, format!("it cannot be opened: {detail}"))
                .in_lake(&name)
                .hint("a lake is a directory or an s3://, gs://, az://, http:// or https:// URL")
        })?;
    Ok(Found {
        store: Arc::from(store),
        root,
        name,
        directory: None,
    })
}

fn resolve_folder(path: &FsPath, name: &str) -> Result<Found> {
    let refused = |message: &str, hint: String| {
        Err(Error::new(ErrorKind::Lake, message)
            .in_lake(name)
            .hint(hint))
    };
    let a_lake =
        "a lake is a directory whose child directories hold version.txt, or the URL of one";
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return refused("there is no such directory", a_lake.into());
        }
        Err(e) => return refused(&format!("it cannot be opened: {e}"), a_lake.into()),
        Ok(found) if !found.is_dir() => {
            return refused("it is a file, not a directory", a_lake.into());
        }
        Ok(_) if path.join("version.txt").is_file() => {
            let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let lake = path
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(FsPath::new(".."));
            let table = absolute
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            return refused(
                "it is a table, not a lake",
                format!("open its lake: --path {} --table {table}", lake.display()),
            );
        }
        Ok(_) => {}
    }
    let store = LocalFileSystem::new_with_prefix(path).map_err(|e| {
        Error::new(
            ErrorKind::Lake,
            format!("it cannot be opened: {}", super::root_cause(&e)),
        )
        .in_lake(name)
    })?;
    Ok(Found {
        store: Arc::new(store),
        root: Path::default(),
        name: name.to_owned(),
        directory: Some(path.to_owned()),
    })
}

/// Takes user names, passwords and query strings out of every URL in a text.
pub(super) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>'))
            .unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        let (bare, query) = url
            .split_once('?')
            .map_or((url, false), |(bare, _)| (bare, true));
        let authority_end = bare.find('/').unwrap_or(bare.len());
        let host_at = bare[..authority_end].rfind('@').map_or(0, |i| i + 1);
        out.push_str(&bare[host_at..]);
        if query {
            out.push_str("?…");
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_printed() {
        assert_eq!(
            redact("GET https://me:pass@host/a/b?sig=SECRET&x=1 failed (s3://bucket/k)"),
            "GET https://host/a/b?… failed (s3://bucket/k)"
        );
        assert_eq!(redact("no url"), "no url");
    }
}
