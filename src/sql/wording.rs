//! DataFusion's messages in the words of this project: what is wrong in one line, then what to do.

/// A message, and the next step where there is one to tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub message: String,
    pub hint: Option<String>,
}

/// Retells a message; one that is not known keeps its first line.
pub(super) fn retold(text: &str) -> Said {
    // A word alone is all that is told of what was left out.
    let missing = text
        .trim()
        .strip_prefix("This feature is not implemented: ");
    if let Some(what) = missing.filter(|what| !what.contains(' ')) {
        return said(format!("{what} is not understood"), "");
    }
    let text = without_stages(text);
    let known = KNOWN.iter().find_map(|retell| retell(&text));
    let said = known.unwrap_or_else(|| plain(&text));
    Said {
        message: types_in_words(&said.message),
        hint: said.hint,
    }
}

const KNOWN: [fn(&str) -> Option<Said>; 8] = [
    wrong_arguments,
    wrong_cast,
    division_by_zero,
    overflow,
    exists_as_column,
    written_within,
    same_name_twice,
    no_function,
];

fn said(message: impl Into<String>, hint: &str) -> Said {
    Said {
        message: message.into(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

fn wrong_arguments(text: &str) -> Option<Said> {
    let call = between(text, "the given name and argument types '", "'.")?;
    let (name, types) = call.strip_suffix(')')?.split_once('(')?;
    let candidates = text.split_once("Candidate functions:").map(|(_, all)| all);
    let mut forms: Vec<String> = candidates
        .into_iter()
        .flat_map(str::lines)
        .map(|line| types_in_words(line.trim()))
        .filter(|line| !line.is_empty() && !line.contains("UserDefined"))
        .take(6)
        .collect();
    forms.dedup();
    let hint = if forms.is_empty() {
        "CAST(x AS double) makes a number of a text".to_owned()
    } else {
        format!("it takes {}", forms.join(", "))
    };
    Some(said(format!("'{name}' does not take ({types})"), &hint))
}

fn wrong_cast(text: &str) -> Option<Said> {
    let (_, rest) = text.split_once("Cannot cast string '")?;
    let (value, rest) = rest.rsplit_once("' to value of ")?;
    let wanted = rest.split_once(" type").map_or(rest, |(wanted, _)| wanted);
    Some(said(
        format!("'{value}' is no {wanted}"),
        "TRY_CAST(x AS …) gives null where a text is none",
    ))
}

fn division_by_zero(text: &str) -> Option<Said> {
    let is_it = text.contains("Divide by zero");
    is_it.then(|| said("a division by zero", "x / NULLIF(y, 0) gives null instead"))
}

fn overflow(text: &str) -> Option<Said> {
    let sum = between(text, "value of ", " is out of range Int64");
    let what = match text.split_once("Overflow happened on: ") {
        Some((_, what)) => what.lines().next().unwrap_or_default().trim(),
        None => sum?,
    };
    Some(said(
        format!("{what} is beyond whole numbers of 64 bits"),
        "CAST(x AS double) or CAST(x AS decimal(38, 0)) has room for more",
    ))
}

fn exists_as_column(text: &str) -> Option<Said> {
    let is_it = text.contains("does not support logical expression Exists");
    is_it.then(|| {
        said(
            "EXISTS is understood in WHERE only",
            "(SELECT count(*) FROM …) > 0 tells the same",
        )
    })
}

fn written_within(text: &str) -> Option<Said> {
    let query = between(text, "Query ", " not implemented yet")?;
    let word = query.split_whitespace().next()?;
    Some(said(
        format!("{word} is refused: SQL reads here, and changes nothing"),
        "",
    ))
}

fn same_name_twice(text: &str) -> Option<Said> {
    let (_, field) = text.split_once("duplicate qualified field name ")?;
    let table = field.rsplit_once('.').map_or(field, |(table, _)| table);
    let table = table.trim();
    Some(said(
        format!("two tables go by the name '{table}'"),
        &format!("give each a name of its own: {table} AT (…) AS a JOIN {table} AT (…) AS b"),
    ))
}

fn no_function(text: &str) -> Option<Said> {
    let (_, name) = text.split_once("Invalid function '")?;
    let name = name.split_once('\'').map_or(name, |(name, _)| name);
    Some(said(
        format!("there is no function '{name}'"),
        "in the explorer, Tab completes the names of functions",
    ))
}

/// The first sentence as the message, what follows it as the hint.
fn plain(text: &str) -> Said {
    // Whose fault it may be helps nobody here.
    let text = ["This issue was likely caused", "This was likely caused"]
        .into_iter()
        .find_map(|begins| text.split_once(begins))
        .map_or(text, |(before, _)| before.trim_end());
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (first, guess) = match first.split_once(". Did you mean ") {
        Some((first, guess)) => (first, format!("did you mean {guess}")),
        None => (first, String::new()),
    };
    let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = [guess, rest].into_iter().filter(|part| !part.is_empty());
    said(
        first.trim_end().trim_end_matches('.'),
        hint.collect::<Vec<_>>().join(" ").trim_end_matches('.'),
    )
}

/// Without the names of the stages that an error came through.
fn without_stages(text: &str) -> String {
    const STAGES: [&str; 11] = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Invalid or Unsupported Configuration: ",
        "This feature is not implemented: ",
        "External error: ",
        "Internal error: ",
        "Optimizer rule",
        "Arrow error: ",
        "Cast error: ",
    ];
    let mut rest = text.trim();
    loop {
        let after = STAGES.iter().find_map(|stage| rest.strip_prefix(stage));
        // 'simplify_expressions' failed, caused by …
        let cause = || {
            let (stage, cause) = rest.split_once("\ncaused by\n")?;
            let is_stage = stage.ends_with(" failed") || !stage.contains(' ');
            is_stage.then_some(cause)
        };
        match after.or_else(cause) {
            Some(after) => rest = after.trim(),
            None => break,
        }
    }
    let parsed = ["ParserError(\"", "TokenizerError(\""].into_iter();
    let inner = parsed
        .filter_map(|name| rest.strip_prefix(name))
        .find_map(|inner| inner.strip_suffix("\")"));
    inner
        .unwrap_or(rest)
        .replace("\\\"", "\"")
        .replace("While expanding wildcard, ", "")
}

/// The types by the names that tables have for them.
fn types_in_words(text: &str) -> String {
    const TYPES: [(&str, &str); 12] = [
        ("Timestamp(ms, \"UTC\")", "time"),
        ("LargeUtf8", "string"),
        ("Utf8View", "string"),
        ("Utf8", "string"),
        ("UInt64", "int"),
        ("Int64", "int"),
        ("Int32", "int"),
        ("Float64", "float"),
        ("Boolean", "boolean"),
        ("String)", "string)"),
        ("Decimal)", "decimal)"),
        ("Interval)", "interval)"),
    ];
    TYPES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Where the text that a message puts in quotes first stands in the statement, by line and column, if it stands there once.
pub(super) fn place_of_quoted(message: &str, statement: &str) -> Option<(usize, usize)> {
    let quoted = between(message, "'", "'").filter(|q| !q.is_empty())?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = statement.match_indices(quoted).filter(|(at, text)| {
        let before = statement[..*at].chars().next_back();
        let after = statement[at + text.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    });
    let (at, _) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let before = &statement[..at];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Some((line, before[start..].chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_is_retold() {
        for (text, message, hint) in [
            (
                "Internal error: Function 'sum' failed to match any signature, errors: Error during planning: …\nThis issue was \
                 likely caused by a bug. No function matches the given name and argument types 'sum(Utf8View)'. You might need \
                 to add explicit type casts.\n\tCandidate functions:\n\tsum(Int64)\n\tsum(Float64)",
                "'sum' does not take (string)",
                Some("it takes sum(int), sum(float)"),
            ),
            (
                "'simplify_expressions' failed\ncaused by\nArrow error: Cast error: Cannot cast string 'a'b' to value of Int64 type",
                "'a'b' is no int",
                Some("TRY_CAST(x AS …) gives null where a text is none"),
            ),
            (
                "Schema error: No field named revnue. Did you mean 'financials.revenue'?\nValid fields are financials.key.",
                "No field named revnue",
                Some("did you mean 'financials.revenue'? Valid fields are financials.key"),
            ),
            (
                "Error during planning: Cannot coerce arithmetic expression Utf8View + Int64 to valid types",
                "Cannot coerce arithmetic expression string + int to valid types",
                None,
            ),
            (
                "Query DELETE FROM t not implemented yet",
                "DELETE is refused: SQL reads here, and changes nothing",
                None,
            ),
        ] {
            let said = retold(text);
            assert_eq!(
                (said.message.as_str(), said.hint.as_deref()),
                (message, hint)
            );
        }
    }

    #[test]
    fn a_quoted_word_is_found_where_it_stands_once() {
        let statement = "SELECT key,\n  sum(industry) FROM t";
        assert_eq!(
            place_of_quoted("'sum' does not take (string)", statement),
            Some((2, 3))
        );
        assert_eq!(place_of_quoted("'su' is not there", statement), None);
        assert_eq!(place_of_quoted("'t' twice", "SELECT t FROM t"), None);
        assert_eq!(place_of_quoted("nothing is quoted", statement), None);
    }
}
