//! Lists of columns as people type them: `a,b`, `a=b,c=d`, `a:Int,b:Float`.
//!
//! A name that holds a comma, or another sign that means something, stands in double quotes, and a quote within them
//! is doubled, as in CSV.

use crate::error::{Error, ErrorKind, Result};
use crate::format::{Column, DataType, Schema};

/// Reads columns: `price:Float,sold:Int`. A `!` behind the type says that it may not be null.
pub fn parse_columns(list: &str) -> Result<Vec<Column>> {
    let refused = |message: String| {
        Error::new(ErrorKind::Usage, message)
            .hint("columns are given as price:Float,sold:Int; a ! behind the type forbids nulls")
    };
    let mut columns = Vec::new();
    for text in items(list) {
        let (name, data_type) = text
            .rsplit_once(':')
            .ok_or_else(|| refused(format!("'{text}' has no type")))?;
        let (data_type, nullable) = data_type
            .strip_suffix('!')
            .map_or((data_type, true), |bare| (bare, false));
        let of_name = |t: &DataType| t.name().eq_ignore_ascii_case(data_type.trim());
        let Some(data_type) = DataType::ALL.into_iter().find(of_name) else {
            let e = DataType::parse(data_type.trim()).err().unwrap_or_default();
            return Err(refused(e));
        };
        columns.push(Column {
            name: unquoted(name),
            data_type,
            nullable,
            stored_as: None,
        });
    }
    match Schema::try_new(columns) {
        Ok(schema) => Ok(schema.columns().to_vec()),
        Err((_, e)) => Err(refused(e)),
    }
}

/// Reads names: `price,sold`.
pub fn parse_names(list: &str) -> Vec<String> {
    items(list).map(unquoted).collect()
}

/// Reads pairs of an old name and a new one: `price=close,sold=volume`.
pub fn parse_renames(list: &str) -> Result<Vec<(String, String)>> {
    let pair = |text: &str| {
        match split(text, '=')[..] {
        [from, to] => Ok((unquoted(from), unquoted(to))),
        _ => Err(
            Error::new(ErrorKind::Usage, format!("'{text}' should be OLD=NEW")).hint(
                r#"several are given as OLD=NEW,OLD=NEW; a name with a comma or an equals sign stands in quotes: "OLD, A"=NEW"#,
            ),
        ),
    }
    };
    items(list).map(pair).collect()
}

/// The parts between commas, without blanks around them and without empty ones.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let parts = split(list, ',').into_iter().map(str::trim);
    parts.filter(|part| !part.is_empty())
}

/// The parts between separators that stand outside quotes. A quote opens only where a name may begin: in `5" pipe` it
/// is a letter.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut may_open) = (false, true);
    let is_separator = |c: char| {
        if c == '"' {
            (is_quoted, may_open) = (!is_quoted && may_open, is_quoted);
            return false;
        }
        if !is_quoted {
            may_open = matches!(c, ',' | '=') || may_open && c == ' ';
        }
        c == separator && !is_quoted
    };
    text.split(is_separator).collect()
}

/// A name without the quotes in which it stands.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let within = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    within.map_or_else(|| text.to_owned(), |name| name.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_people_type_them() {
        let columns =
            parse_columns(" price:Float, sold:int!,\"net, of tax\":Float").expect("columns");
        let seen: Vec<_> = columns
            .iter()
            .map(|c| (c.name.as_str(), c.data_type, c.nullable))
            .collect();
        assert_eq!(
            seen,
            [
                ("price", DataType::Float, true),
                ("sold", DataType::Int, false),
                ("net, of tax", DataType::Float, true)
            ]
        );
        for bad in ["price", "price:Real", "a:Int,a:Int", "key:String", ":Int"] {
            assert!(parse_columns(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_in_quotes_may_hold_what_separates() {
        assert_eq!(parse_names("a, b,,"), ["a", "b"]);
        assert_eq!(
            parse_names(r#""a, b","say ""x"", y",5" pipe,6" pipe"#),
            ["a, b", "say \"x\", y", "5\" pipe", "6\" pipe"]
        );
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            parse_renames(r#""a,b"=c, d = "e=f,g""#).expect("pairs"),
            [pair("a,b", "c"), pair("d", "e=f,g")]
        );
        for bad in ["a", "a=b=c", "\"a=b\""] {
            assert!(parse_renames(bad).is_err(), "{bad}");
        }
    }
}
