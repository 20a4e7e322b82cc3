//! Syntax -> a typed expression: every name is a column's, every type fits.

use std::ops::Range;

use crate::event_time::parse_calendar;
use crate::format::{Column, EVENT_TIME, KEY};

use super::ast::{Ast, AstKind, Comparison, Operation};
use super::complete::written_name;
use super::error::{ExprError, nearest};
use super::lexer::written_at;
use super::node::{Aggregate, AggregateFunction, Expression, Field, Kind, Node, Op};
use super::parser::parse;
use super::pattern::Pattern;
use super::scalar::Scalar;

/// Columns that a message lists, at most.
const NAMES_LISTED: usize = 12;

impl Expression {
    /// Reads a condition on a row: true or false, without aggregates.
    pub fn filter(text: &str, columns: &[Column]) -> Result<Self, ExprError> {
        let ast = parse(text)?;
        if let Some(span) = first_call(&ast) {
            return Err(ExprError::new(span, "a filter looks at one row at a time")
                .hint("conditions on the whole table are for :when"));
        }
        as_condition(Self::checked(text, &ast, columns)?)
    }

    /// Reads a condition on a row, or with aggregates on a table.
    pub fn condition(text: &str, columns: &[Column]) -> Result<Self, ExprError> {
        as_condition(Self::checked(text, &parse(text)?, columns)?)
    }

    /// Reads an expression of any kind.
    pub fn value(text: &str, columns: &[Column]) -> Result<Self, ExprError> {
        Self::checked(text, &parse(text)?, columns)
    }

    /// An aggregate of a column, or without one the number of rows.
    pub fn aggregate(
        function: AggregateFunction,
        column: Option<&str>,
        columns: &[Column],
    ) -> Result<Self, ExprError> {
        let argument = column.map(written_name).unwrap_or_default();
        Self::value(&format!("{}({argument})", function.name()), columns)
    }

    fn checked(text: &str, ast: &Ast, columns: &[Column]) -> Result<Self, ExprError> {
        let mut checker = Checker {
            text,
            known: columns,
            used: Vec::new(),
            aggregates: Vec::new(),
            place: if first_call(ast).is_some() {
                Place::Table
            } else {
                Place::Row
            },
        };
        let root = checker.check(ast)?;
        Ok(Self {
            text: text.to_owned(),
            root,
            columns: checker.used,
            aggregates: checker.aggregates,
        })
    }
}

fn as_condition(expression: Expression) -> Result<Expression, ExprError> {
    match expression.kind() {
        Kind::Bool | Kind::Null => Ok(expression),
        kind => {
            let text = expression.text();
            let span = text.len() - text.trim_start().len()..text.trim_end().len();
            let told = format!("this is {}, and a condition is wanted", kind.name());
            Err(ExprError::new(span, told).hint(match kind {
                Kind::Text => "compare it, as in: industry ~ \"soft\"",
                Kind::Time => "compare it, as in: event_time >= \"2019-11\"",
                _ => "compare it, as in: revenue > 1e9",
            }))
        }
    }
}

/// The name of the first function that is called.
fn first_call(ast: &Ast) -> Option<Range<usize>> {
    match &ast.kind {
        AstKind::Call(_, span, _) => Some(span.clone()),
        kind => kind.parts().into_iter().find_map(first_call),
    }
}

/// What an expression is about where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Row,
    Table,
    /// Within an aggregate's brackets: about a row.
    Argument,
}

struct Checker<'a> {
    text: &'a str,
    known: &'a [Column],
    used: Vec<Column>,
    aggregates: Vec<Aggregate>,
    place: Place,
}

type Checked = Result<Node, ExprError>;

impl Checker<'_> {
    fn node(&self, kind: Kind, op: Op) -> Node {
        Node {
            kind,
            op,
            is_wide: self.place == Place::Table,
        }
    }

    fn written(&self, ast: &Ast) -> &str {
        &self.text[ast.span.clone()]
    }

    fn check(&mut self, ast: &Ast) -> Checked {
        Ok(match &ast.kind {
            AstKind::Column(name) => return self.column(name, &ast.span),
            AstKind::Text(text) => self.literal(Kind::Text, Scalar::Text(text.as_str().into())),
            AstKind::Int(number) => self.literal(Kind::Int, Scalar::Int((*number).into())),
            AstKind::Float(number) => self.literal(Kind::Float, Scalar::Float(*number)),
            AstKind::Bool(yes) => self.literal(Kind::Bool, Scalar::Bool(*yes)),
            AstKind::Null => self.literal(Kind::Null, Scalar::Null),
            AstKind::Call(name, span, arguments) => return self.call(name, span, arguments, ast),
            AstKind::Not(inner) => {
                let inner = Box::new(self.truth(inner)?);
                self.node(Kind::Bool, Op::Not(inner))
            }
            AstKind::And(parts) => {
                let parts = self.truths(parts)?;
                self.node(Kind::Bool, Op::And(parts))
            }
            AstKind::Or(parts) => {
                let parts = self.truths(parts)?;
                self.node(Kind::Bool, Op::Or(parts))
            }
            AstKind::Compare(comparison, a, b) => return self.compare(*comparison, a, b),
            AstKind::Match(text, pattern, negated) => {
                return self.matches(text, pattern, *negated);
            }
            AstKind::OneOf(value, list, negated) => {
                let mut checked = self.check(value)?;
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    let mut node = self.check(item)?;
                    if node.kind != Kind::Null && checked.kind != Kind::Null {
                        self.same_family((value, &mut checked), (item, &mut node))?;
                    }
                    items.push(node);
                }
                self.node(Kind::Bool, Op::OneOf(Box::new(checked), items, *negated))
            }
            AstKind::IsNull(value, negated) => {
                let value = Box::new(self.check(value)?);
                self.node(Kind::Bool, Op::IsNull(value, *negated))
            }
            AstKind::Negate(value) => {
                let value = self.number(value)?;
                let zero = self.literal(Kind::Int, Scalar::Int(0));
                self.arithmetic(Operation::Subtract, zero, value)
            }
            AstKind::Arithmetic(operation, a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                self.arithmetic(*operation, a, b)
            }
        })
    }

    fn literal(&self, kind: Kind, value: Scalar) -> Node {
        self.node(kind, Op::Literal(value))
    }

    fn column(&mut self, name: &str, span: &Range<usize>) -> Checked {
        let (kind, field) = match name {
            KEY => (Kind::Text, Field::Key),
            EVENT_TIME => (Kind::Time, Field::EventTime),
            _ => {
                let column = self.known.iter().find(|c| c.name == name);
                let column = column.ok_or_else(|| self.unknown_column(name, span))?;
                let used = self.used.iter().position(|c| c.name == name);
                let at = used.unwrap_or_else(|| {
                    self.used.push(column.clone());
                    self.used.len() - 1
                });
                (Kind::of(column.data_type), Field::Value(at))
            }
        };
        if self.place == Place::Table {
            let written = &self.text[span.clone()];
            return Err(ExprError::new(
                span.clone(),
                format!("{written} is of a row, and the rest is about the table"),
            )
            .hint(format!(
                "write sum({written}), count({written}) or another aggregate of it"
            )));
        }
        Ok(self.node(kind, Op::Field(field)))
    }

    fn unknown_column(&self, name: &str, span: &Range<usize>) -> ExprError {
        let names = self.known.iter().map(|c| c.name.as_str());
        let names = names.chain([KEY, EVENT_TIME]);
        let error = ExprError::new(span.clone(), format!("there is no column '{name}'"));
        if let Some(near) = nearest(name, names.clone()) {
            return error.hint(format!("did you mean '{near}'?"));
        }
        let known: Vec<&str> = names.take(NAMES_LISTED).collect();
        let more = if self.known.len() + 2 > known.len() {
            ", …"
        } else {
            ""
        };
        error.hint(format!(
            "the columns are {}{more}; a text stands in quotes",
            known.join(", ")
        ))
    }

    fn call(&mut self, name: &str, span: &Range<usize>, arguments: &[Ast], whole: &Ast) -> Checked {
        let all = AggregateFunction::ALL;
        let Some(function) = all
            .into_iter()
            .find(|f| f.name().eq_ignore_ascii_case(name))
        else {
            let names = all.map(AggregateFunction::name);
            let error = ExprError::new(span.clone(), format!("there is no function '{name}'"));
            return Err(error.hint(match nearest(name, names.into_iter()) {
                Some(near) => format!("did you mean '{near}'?"),
                None if name.eq_ignore_ascii_case("avg") => "did you mean 'mean'?".to_owned(),
                None => format!("the functions are {}", names.join(", ")),
            }));
        };
        if self.place == Place::Argument {
            return Err(
                ExprError::new(whole.span.clone(), "an aggregate stands within another")
                    .hint("within the brackets is what each row has"),
            );
        }
        let outer = std::mem::replace(&mut self.place, Place::Argument);
        let argument = match (function, arguments) {
            (AggregateFunction::Count, []) => None,
            (_, [only]) => Some(self.argument(function, only)?),
            _ => {
                return Err(
                    ExprError::new(whole.span.clone(), format!("{name} takes one value"))
                        .hint(format!("write {name}(revenue)")),
                );
            }
        };
        self.place = outer;
        let kind = match (function, argument.as_ref().map(|a| a.kind)) {
            (AggregateFunction::Count, _) | (_, None) => Kind::Int,
            (AggregateFunction::Mean, _) => Kind::Float,
            (_, Some(kind)) => kind,
        };
        self.aggregates.push(Aggregate {
            function,
            argument,
            kind,
        });
        let at = self.aggregates.len() - 1;
        Ok(self.node(kind, Op::Aggregate(at)))
    }

    fn argument(&mut self, function: AggregateFunction, ast: &Ast) -> Checked {
        let node = self.check(ast)?;
        let needs_number = matches!(function, AggregateFunction::Sum | AggregateFunction::Mean);
        if node.kind == Kind::Null || needs_number && !node.kind.is_number() {
            let (name, kind) = (function.name(), node.kind.name());
            let error = ExprError::new(
                ast.span.clone(),
                format!("{} is {kind}, which has no {name}", self.written(ast)),
            );
            return Err(error.hint("count, min and max take any column, sum and mean numbers"));
        }
        Ok(node)
    }

    fn truths(&mut self, parts: &[Ast]) -> Result<Vec<Node>, ExprError> {
        parts.iter().map(|part| self.truth(part)).collect()
    }

    fn truth(&mut self, ast: &Ast) -> Checked {
        let node = self.check(ast)?;
        if matches!(node.kind, Kind::Bool | Kind::Null) {
            return Ok(node);
        }
        let written = self.written(ast);
        let error = ExprError::new(
            ast.span.clone(),
            format!(
                "{written} is {}, and a condition is wanted here",
                node.kind.name()
            ),
        );
        Err(error.hint("compare it with something"))
    }

    fn number(&mut self, ast: &Ast) -> Checked {
        let node = self.check(ast)?;
        if node.kind.is_number() {
            return Ok(node);
        }
        let written = self.written(ast);
        let error = ExprError::new(
            ast.span.clone(),
            format!(
                "{written} is {}, and arithmetic takes numbers",
                node.kind.name()
            ),
        );
        Err(if node.kind == Kind::Bool {
            error.hint("put the comparison in brackets, or the arithmetic")
        } else {
            error
        })
    }

    fn arithmetic(&self, operation: Operation, a: Node, b: Node) -> Node {
        let is_whole = operation != Operation::Divide && (a.kind, b.kind) == (Kind::Int, Kind::Int);
        let kind = if is_whole { Kind::Int } else { Kind::Float };
        self.node(kind, Op::Arithmetic(operation, Box::new(a), Box::new(b)))
    }

    fn compare(&mut self, comparison: Comparison, a: &Ast, b: &Ast) -> Checked {
        let (mut left, mut right) = (self.check(a)?, self.check(b)?);
        for (node, ast, other) in [(&left, a, b), (&right, b, a)] {
            if node.kind == Kind::Null {
                let is = if comparison == Comparison::NotEqual {
                    "is not null"
                } else {
                    "is null"
                };
                let error = ExprError::new(ast.span.clone(), "nothing compares with null");
                return Err(error.hint(format!("write {} {is}", self.written(other))));
            }
        }
        self.same_family((a, &mut left), (b, &mut right))?;
        Ok(self.node(
            Kind::Bool,
            Op::Compare(comparison, Box::new(left), Box::new(right)),
        ))
    }

    /// Sees to it that two values can be compared; a text as it is written beside a time is read as one.
    fn same_family(
        &self,
        (a, left): (&Ast, &mut Node),
        (b, right): (&Ast, &mut Node),
    ) -> Result<(), ExprError> {
        match (left.kind, right.kind) {
            (x, y) if x == y || x.is_number() && y.is_number() => Ok(()),
            (Kind::Time, Kind::Text) => self.read_time(b, right),
            (Kind::Text, Kind::Time) => self.read_time(a, left),
            (x, y) => {
                let (a, b_written) = (self.written(a), self.written(b));
                let error = ExprError::new(
                    b.span.clone(),
                    format!(
                        "{a} is {}, and {b_written} is {}; they do not compare",
                        x.name(),
                        y.name()
                    ),
                );
                Err(match (x, y) {
                    (Kind::Text, _) | (_, Kind::Text) => {
                        error.hint("a number stands without quotes, a text in quotes")
                    }
                    (Kind::Time, _) | (_, Kind::Time) => {
                        error.hint("write a time in quotes, as in \"2019-11-17\"")
                    }
                    _ => error.hint("compare like with like"),
                })
            }
        }
    }

    fn read_time(&self, ast: &Ast, node: &mut Node) -> Result<(), ExprError> {
        let Op::Literal(Scalar::Text(text)) = &node.op else {
            let error = ExprError::new(
                ast.span.clone(),
                format!(
                    "{} is text, and the other side is a time",
                    self.written(ast)
                ),
            );
            return Err(error.hint("write a time in quotes, as in \"2019-11-17\""));
        };
        let at = parse_calendar(text).ok_or_else(|| {
            ExprError::new(ast.span.clone(), format!("{} is not a time", self.written(ast)))
                .hint("a time is \"2019-11-17T08:30:00Z\", \"2019-11-17\", \"2019-11\", \"2019-Q3\" or \"2019\"")
        })?;
        *node = self.literal(Kind::Time, Scalar::Time(at.ms()));
        Ok(())
    }

    fn matches(&mut self, text: &Ast, pattern: &Ast, negated: bool) -> Checked {
        let node = self.check(text)?;
        if !matches!(node.kind, Kind::Text | Kind::Null) {
            let error = ExprError::new(
                text.span.clone(),
                format!(
                    "{} is {}, and ~ looks into text",
                    self.written(text),
                    node.kind.name()
                ),
            );
            return Err(error.hint("compare it with = < or >"));
        }
        let AstKind::Text(content) = &pattern.kind else {
            return Err(ExprError::new(
                pattern.span.clone(),
                "a pattern in quotes is missing here",
            )
            .hint("write it as in: industry ~ \"soft\""));
        };
        let compiled = Pattern::new(content).map_err(|e| {
            let written = self.written(pattern);
            let at = |byte| pattern.span.start + written_at(written, byte);
            ExprError {
                span: at(e.span.start)..at(e.span.end),
                ..e
            }
        })?;
        Ok(self.node(Kind::Bool, Op::Match(Box::new(node), compiled, negated)))
    }
}
