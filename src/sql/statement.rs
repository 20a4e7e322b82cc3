//! Statements as text: split, parsed, and looked at before anything is planned.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, Visit, VisitMut, Visitor, VisitorMut};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::text::bytes;

use super::clause::{fault, version_asked};
use super::dialect::AsOfDialect;
use super::fault::query_fault;
use super::misplaced::misplaced;

/// A longer text is no statement that a person or a program means.
const BYTES_AT_MOST: usize = 1 << 20;

/// Parentheses, cases and subqueries may be nested so deep.
const DEPTH_AT_MOST: usize = 100;

/// Operators may follow one another so often without a comma or a parenthesis; each is one level of a tree.
const CHAIN_AT_MOST: usize = 1_000;

/// Tables and queries that a statement may unfold into. A name that stands for a query twice, in a query that is named twice
/// itself, and so on, doubles at every step.
const UNFOLDED_AT_MOST: u64 = 10_000;

/// What a statement is about to do.
pub(super) enum Parsed {
    /// It reads.
    Reads(Box<Statement>),
    /// It names a query for the statements that follow.
    View {
        /// The view's name.
        name: String,
        /// The query.
        query: Box<Statement>,
    },
}

/// Splits a text at the semicolons between statements; empty ones are left out.
pub fn split_statements(text: &str) -> Result<Vec<&str>> {
    let mut statements = Vec::new();
    let mut from = 0;
    for token in tokens(text)? {
        if token.token == Token::SemiColon {
            let at = offset_of(text, token.span.start.line, token.span.start.column);
            statements.push(&text[from..at]);
            from = (at + 1).min(text.len());
        }
    }
    statements.push(&text[from..]);
    let says_something = |statement: &&str| {
        tokens(statement).is_ok_and(|tokens| {
            tokens
                .iter()
                .any(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF))
        })
    };
    Ok(statements.into_iter().filter(says_something).collect())
}

/// The byte at a line and a column, which count from one.
fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..]
            .find('\n')
            .map_or(text.len() - start, |at| at + 1);
    }
    let within = text[start..]
        .char_indices()
        .nth(column.saturating_sub(1) as usize);
    start + within.map_or(text.len() - start, |(at, _)| at)
}

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>> {
    if text.len() > BYTES_AT_MOST {
        return Err(Error::new(
            ErrorKind::Query,
            format!("the text is {} long", bytes(text.len() as u64)),
        )
        .hint(format!(
            "a statement has at most {}",
            bytes(BYTES_AT_MOST as u64)
        )));
    }
    Tokenizer::new(&AsOfDialect, text)
        .tokenize_with_location()
        .map_err(|e| {
            Error::new(ErrorKind::Query, e.message)
                .at_text(e.location.line as usize, e.location.column as usize)
        })
}

/// Refuses what would nest too deep before a tree is built of it.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut chains = vec![0];
    for TokenWithSpan { token, span } in tokens {
        let too_deep = |what: &str| {
            Error::new(
                ErrorKind::Query,
                format!("the statement is nested too deep: {what}"),
            )
            .at_text(span.start.line as usize, span.start.column as usize)
            .hint("a list, as in key IN (…), may be as long as you like")
        };
        match token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::LParen | Token::LBracket | Token::LBrace => {
                if chains.len() > DEPTH_AT_MOST {
                    return Err(too_deep(&format!(
                        "more than {DEPTH_AT_MOST} parentheses in one another"
                    )));
                }
                chains.push(0);
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if chains.len() > 1 {
                    chains.pop();
                }
            }
            Token::Comma | Token::SemiColon => {
                if let Some(chain) = chains.last_mut() {
                    *chain = 0;
                }
            }
            // Names and values stand between operators, and prefixes such as NOT and CASE come without them.
            _ => {
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                    if *chain > 2 * CHAIN_AT_MOST {
                        return Err(too_deep(&format!(
                            "more than {CHAIN_AT_MOST} operators in a row"
                        )));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Parses one statement, and refuses those that write, create or change the session.
pub(super) fn parse(text: &str) -> Result<Parsed> {
    let tokens = tokens(text)?;
    check_depth(&tokens)?;
    let parser = DFParserBuilder::new(text)
        .with_dialect(&AsOfDialect)
        .with_recursion_limit(DEPTH_AT_MOST * 4)
        .build();
    let mut statements = parser
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|e| {
            let error = at_the_end(query_fault(&e), text);
            let place = error.text_position();
            place.and_then(|at| misplaced(&tokens, at)).unwrap_or(error)
        })?;
    let statement = match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => statement,
        (None, _) => {
            return Err(Error::new(ErrorKind::Query, "there is no statement")
                .hint("such as SELECT * FROM prices AT ('2019-01-17')"));
        }
        (Some(_), _) => {
            return Err(
                Error::new(ErrorKind::Query, "this is more than one statement")
                    .hint("run them one after the other"),
            );
        }
    };
    allowed(statement)
}

/// The parser tells no place where it wants more than there is.
fn at_the_end(error: Error, text: &str) -> Error {
    if error.text_position().is_some() || !error.message().ends_with("found: EOF") {
        return error;
    }
    let text = text.trim_end();
    let lines = text.lines().count().max(1);
    let last = text.lines().next_back().unwrap_or_default();
    error.at_text(lines, last.chars().count() + 1)
}

fn allowed(statement: Statement) -> Result<Parsed> {
    let statement = match statement {
        Statement::Statement(statement) => *statement,
        Statement::Explain(mut explain) => {
            // What is explained is planned, and with ANALYZE run.
            let Parsed::Reads(explained) = allowed(*explain.statement)? else {
                return Err(refused("EXPLAIN CREATE VIEW"));
            };
            explain.statement = explained;
            return Ok(Parsed::Reads(Box::new(Statement::Explain(explain))));
        }
        Statement::CreateExternalTable(_) => return Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => return Err(refused("COPY")),
        Statement::Reset(_) => return Err(refused("RESET")),
    };
    match statement {
        ast::Statement::CreateView(view) if view.temporary && !view.materialized => {
            let name = view.name.to_string();
            if name.contains(['.', '"', '`']) || !view.columns.is_empty() {
                return Err(Error::new(
                    ErrorKind::Query,
                    format!("'{name}' is no name for a view"),
                )
                .hint("CREATE TEMPORARY VIEW plain_name AS SELECT …"));
            }
            let query = Statement::Statement(Box::new(ast::Statement::Query(view.query)));
            let Parsed::Reads(query) = allowed(query)? else {
                return Err(refused("CREATE VIEW"));
            };
            Ok(Parsed::View {
                name: name.to_ascii_lowercase(),
                query,
            })
        }
        ast::Statement::Query(query) => {
            refuse_within(&query)?;
            check_unfolding(&query)?;
            let mut query = query;
            let _ = VisitMut::visit(&mut query, &mut Rewriting);
            Ok(Parsed::Reads(Box::new(Statement::Statement(Box::new(
                ast::Statement::Query(query),
            )))))
        }
        reads @ (ast::Statement::ExplainTable { .. }
        | ast::Statement::Explain { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. }
        | ast::Statement::ShowVariable { .. }) => Ok(Parsed::Reads(Box::new(
            Statement::Statement(Box::new(reads)),
        ))),
        other => Err(refused(&name_of(&other))),
    }
}

/// Refuses what writes or is not understood within a query.
fn refuse_within(query: &ast::Query) -> Result<()> {
    struct Refusing;
    impl Visitor for Refusing {
        type Break = Error;
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Error> {
            let mut bodies = vec![&*query.body];
            while let Some(body) = bodies.pop() {
                match body {
                    ast::SetExpr::Select(select) if select.into.is_some() => {
                        return ControlFlow::Break(refused("SELECT INTO"));
                    }
                    ast::SetExpr::Table(table) => {
                        let name = table.table_name.as_deref().unwrap_or("prices");
                        return ControlFlow::Break(
                            Error::new(ErrorKind::Query, "a query begins with SELECT or WITH")
                                .hint(format!("write SELECT * FROM {name}")),
                        );
                    }
                    ast::SetExpr::SetOperation { left, right, .. } => {
                        bodies.extend([&**right, &**left]);
                    }
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<Error> {
            let (ast::Expr::AnyOp { left, right, .. } | ast::Expr::AllOp { left, right, .. }) =
                expr
            else {
                return ControlFlow::Continue(());
            };
            if query_in(right).is_none() || as_in(expr).is_some() {
                return ControlFlow::Continue(());
            }
            let message =
                "of comparisons with ANY or ALL rows of a query, = ANY and <> ALL are understood";
            ControlFlow::Break(fault(message, &**left).hint(
                "x > ALL (SELECT y …) is x > (SELECT max(y) …) where no y is null; > ANY is > (SELECT min(y) …)",
            ))
        }
    }
    match query.visit(&mut Refusing) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Refuses what unfolds beyond measure: planning it alone would take the memory of the machine.
fn check_unfolding(query: &ast::Query) -> Result<()> {
    match query.visit(&mut Unfolding::default()) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Counts what queries unfold into, from the innermost on.
#[derive(Default)]
struct Unfolding {
    within: Vec<Scope>,
}

/// A query that is being looked at.
struct Scope {
    /// Names that it gives to queries, and what these unfold into.
    named: HashMap<String, u64>,
    /// The names of those of its queries that are still to come, by where they stand.
    to_name: HashMap<*const ast::Query, String>,
    unfolded: u64,
}

/// A name whatever its letters: to take two for one counts too much at worst.
fn plain_name(name: &ast::Ident) -> String {
    name.value.to_lowercase()
}

impl Visitor for Unfolding {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Error> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        let to_name = named.map(|cte| {
            let place: *const ast::Query = &raw const *cte.query;
            (place, plain_name(&cte.alias.name))
        });
        self.within.push(Scope {
            named: HashMap::new(),
            to_name: to_name.collect(),
            unfolded: 1,
        });
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<Error> {
        if let ast::TableFactor::Table { name, .. } = factor {
            let name = match name.0.as_slice() {
                [part] => part.as_ident().map(plain_name).unwrap_or_default(),
                _ => String::new(),
            };
            let known = self.within.iter().rev().find_map(|s| s.named.get(&name));
            let unfolded = known.copied().unwrap_or(1);
            if let Some(scope) = self.within.last_mut() {
                scope.unfolded = scope.unfolded.saturating_add(unfolded);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Error> {
        let Some(scope) = self.within.pop() else {
            return ControlFlow::Continue(());
        };
        if scope.unfolded > UNFOLDED_AT_MOST {
            let message = format!(
                "the statement unfolds into more than {UNFOLDED_AT_MOST} tables and queries"
            );
            let hint = "a query that is named in WITH is worked out as often as it is used";
            return ControlFlow::Break(Error::new(ErrorKind::Query, message).hint(hint));
        }
        if let Some(outer) = self.within.last_mut() {
            let place: *const ast::Query = query;
            match outer.to_name.remove(&place) {
                Some(name) => {
                    outer.named.insert(name, scope.unfolded);
                }
                None => outer.unfolded = outer.unfolded.saturating_add(scope.unfolded),
            }
        }
        ControlFlow::Continue(())
    }
}

/// Says in other words what would be misunderstood.
struct Rewriting;

impl VisitorMut for Rewriting {
    type Break = ();

    /// Subqueries that stand as columns get their text as a name: DataFusion has one name for all of them, and takes no two
    /// columns of one name.
    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let ast::SelectItem::UnnamedExpr(expr @ ast::Expr::Subquery(_)) = item {
                let alias = ast::Ident::with_quote('"', expr.to_string());
                *item = ast::SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias,
                };
            }
        }
        ControlFlow::Continue(())
    }

    /// `= ANY (SELECT …)` is `IN`, and `<> ALL` is `NOT IN`: compared as written, columns of one name would be taken for
    /// one column.
    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        let Some((left, query, negated)) = as_in(expr) else {
            return ControlFlow::Continue(());
        };
        *expr = ast::Expr::InSubquery {
            expr: Box::new(left.clone()),
            subquery: Box::new(query.clone()),
            negated,
        };
        ControlFlow::Continue(())
    }

    /// Digits may be grouped: `1_000_000`.
    fn pre_visit_value(&mut self, value: &mut ast::ValueWithSpan) -> ControlFlow<()> {
        if let ast::Value::Number(digits, _) = &mut value.value {
            digits.retain(|c| c != '_');
        }
        ControlFlow::Continue(())
    }
}

/// A comparison with any or all rows of a query, where `IN` says the same: what is compared, the query, and whether it is
/// `NOT IN`.
fn as_in(expr: &ast::Expr) -> Option<(&ast::Expr, &ast::Query, bool)> {
    let (left, right, negated) = match expr {
        ast::Expr::AnyOp {
            left,
            compare_op: ast::BinaryOperator::Eq,
            right,
            ..
        } => (left, right, false),
        ast::Expr::AllOp {
            left,
            compare_op: ast::BinaryOperator::NotEq,
            right,
        } => (left, right, true),
        _ => return None,
    };
    Some((left, query_in(right)?, negated))
}

/// The query that an operand is, in however many parentheses.
fn query_in(mut operand: &ast::Expr) -> Option<&ast::Query> {
    while let ast::Expr::Nested(inner) = operand {
        operand = inner;
    }
    match operand {
        ast::Expr::Subquery(query) => Some(query),
        _ => None,
    }
}

/// The words that a statement begins with: `INSERT`, `CREATE TABLE`.
fn name_of(statement: &ast::Statement) -> String {
    let text = statement.to_string();
    let mut words = text.split_whitespace().map(str::to_uppercase);
    let first = words.next().unwrap_or_default();
    let second = words.find(|w| !matches!(w.as_str(), "OR" | "REPLACE" | "IF" | "EXTERNAL"));
    match (first.as_str(), second) {
        ("CREATE" | "DROP" | "ALTER", Some(second)) => format!("{first} {second}"),
        _ => first,
    }
}

fn refused(name: &str) -> Error {
    if name == "SHOW" {
        return Error::new(
            ErrorKind::Query,
            "of what SHOW shows, only TABLES and COLUMNS are here",
        )
        .hint(
            "SHOW TABLES lists the tables, and DESCRIBE followed by the name of one its columns",
        );
    }
    let hint = if name == "CREATE VIEW" {
        "CREATE TEMPORARY VIEW names a query for this session"
    } else {
        "statements read: SELECT, WITH, EXPLAIN, DESCRIBE, SHOW; tables are written by azof-tui append"
    };
    Error::new(
        ErrorKind::Query,
        format!("{name} is refused: SQL reads here, and changes nothing"),
    )
    .hint(hint)
}

/// What a statement must have opened before it is planned, because planning does not wait.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// The tables that table functions name as their first argument.
    pub tables: Vec<String>,
    /// Tables at a version of their own.
    pub versions: Vec<(String, Version)>,
}

impl Needed {
    /// Goes through a statement once.
    pub(super) fn by(statement: &Statement) -> Self {
        let mut needed = Self::default();
        match statement {
            Statement::Statement(statement) => {
                let _ = statement.visit(&mut needed);
            }
            Statement::Explain(explain) => return Self::by(&explain.statement),
            _ => {}
        }
        needed
    }
}

impl Visitor for Needed {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
        self.versions.extend(version_asked(factor));
        let args = match factor {
            ast::TableFactor::Table {
                args: Some(args), ..
            } => &args.args,
            ast::TableFactor::Function { args, .. } => args,
            _ => return ControlFlow::Continue(()),
        };
        if let Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Value(value)))) =
            args.first()
            && let Some(name) = value.value.clone().into_string()
        {
            self.tables.push(name);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match parse(text) {
            Ok(_) => "reads".to_owned(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn statements_are_split_at_semicolons_that_end_them() {
        let text = "SELECT ';' -- not; here\n; ;\nSELECT /* nor; here */ 2;\n-- the end";
        let split = split_statements(text).expect("statements");
        assert_eq!(
            split,
            ["SELECT ';' -- not; here\n", "\nSELECT /* nor; here */ 2"]
        );
    }

    #[test]
    fn what_writes_or_creates_is_refused_by_name() {
        for (text, name) in [
            ("INSERT INTO t VALUES (1)", "INSERT"),
            ("UPDATE t SET a = 1", "UPDATE"),
            ("DELETE FROM t", "DELETE"),
            ("DROP TABLE t", "DROP TABLE"),
            ("CREATE TABLE t AS SELECT 1", "CREATE TABLE"),
            ("CREATE OR REPLACE TABLE t (a INT)", "CREATE TABLE"),
            ("CREATE VIEW v AS SELECT 1", "CREATE VIEW"),
            (
                "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
                "CREATE EXTERNAL TABLE",
            ),
            ("COPY t TO '/tmp/x.csv'", "COPY"),
            ("SET datafusion.execution.batch_size = 1", "SET"),
            ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", "INSERT"),
            ("TRUNCATE TABLE t", "TRUNCATE"),
            ("SELECT 1 INTO t", "SELECT INTO"),
            ("WITH a AS (SELECT 1 INTO t) SELECT 2", "SELECT INTO"),
            ("SELECT 1 UNION ALL SELECT 2 INTO t", "SELECT INTO"),
            ("BEGIN", "BEGIN"),
            ("GRANT SELECT ON t TO u", "GRANT"),
        ] {
            assert_eq!(
                said(text),
                format!("{name} is refused: SQL reads here, and changes nothing"),
                "{text}"
            );
        }
        for text in [
            "SELECT 1",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "EXPLAIN SELECT 1",
            "SHOW TABLES",
            "DESCRIBE t",
            "CREATE TEMPORARY VIEW v AS SELECT 1",
        ] {
            assert_eq!(said(text), "reads", "{text}");
        }
    }

    #[test]
    fn a_hostile_text_is_an_error_and_no_crash() {
        let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        let chain = format!("SELECT 1{}", " + 1".repeat(200_000));
        let not = format!("SELECT {} true", "NOT ".repeat(50_000));
        let minus = format!("SELECT {}1", "- ".repeat(50_000));
        let cases = format!(
            "SELECT {} 1 {}",
            "CASE WHEN true THEN ".repeat(5_000),
            "END ".repeat(5_000)
        );
        let long = format!("SELECT '{}'", "x".repeat(1 << 20));
        let unions = vec!["SELECT 1"; 20_000].join(" UNION ALL ");
        for text in [&deep, &chain, &not, &minus, &cases, &long, &unions] {
            assert!(parse(text).is_err(), "{}…", &text[..40]);
        }
        let list = format!("SELECT 1 IN ({})", vec!["1"; 100_000].join(", "));
        assert_eq!(said(&list), "reads");
    }

    #[test]
    fn faults_of_syntax_tell_their_place() {
        let error = parse("SELECT 1\nFROM t WHERE ) x").err().expect("an error");
        assert_eq!(
            error.text_position().map(|(line, _)| line),
            Some(2),
            "{error}"
        );
    }
}
