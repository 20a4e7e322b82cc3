//! Tokens -> syntax, by recursive descent. From loosest to tightest: `or`, `and`, `not`, comparisons, `+ -`, `* /`, the
//! sign.

use std::ops::Range;

use super::ast::{Ast, AstKind, Comparison, Operation};
use super::error::ExprError;
use super::lexer::{Token, TokenKind, tokens};

/// Levels of an expression, at most: what walks it calls itself once a level.
const DEPTH_AT_MOST: usize = 100;

/// Items of a list after `in`, at most.
const ITEMS_AT_MOST: usize = 1_000;

/// Words of the language, which are names of columns only in backquotes.
pub(super) const WORDS: [&str; 9] = [
    "and", "or", "not", "in", "is", "null", "true", "false", "between",
];

/// True where a plain word is one of the language's.
pub(super) fn is_reserved(word: &str) -> bool {
    WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Ast, ExprError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    if parser.tokens.is_empty() {
        return Err(
            ExprError::new(text.len()..text.len(), "there is no condition yet")
                .hint("write one, such as revenue > 1e9"),
        );
    }
    let parsed = parser.any()?;
    match parser.peek() {
        None => Ok(parsed),
        Some(token) => {
            let fault = ExprError::new(
                token.span.clone(),
                format!("'{}' was not expected here", &text[token.span.clone()]),
            );
            Err(if token.kind == TokenKind::Sign(")") {
                fault.hint("no bracket is open")
            } else {
                fault.hint("join two conditions with `and` or `or`")
            })
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// How many calls deep the descent is.
    depth: usize,
}

type Parsed = Result<Ast, ExprError>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn peek_sign(&self) -> Option<&'static str> {
        match self.peek()?.kind {
            TokenKind::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let is_it = self.peek_sign() == Some(sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn is_word_at(&self, at: usize, word: &str) -> bool {
        let found = self.tokens.get(at).map(|t| &t.kind);
        matches!(found, Some(TokenKind::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_it = self.is_word_at(self.at, word);
        self.at += usize::from(is_it);
        is_it
    }

    /// From the beginning of `from` to the end of the last token taken.
    fn span_from(&self, from: usize) -> Range<usize> {
        let end = self
            .at
            .checked_sub(1)
            .map_or(from, |at| self.tokens[at].span.end);
        from..end.max(from)
    }

    /// Where the next token begins, or the text ends.
    fn here(&self) -> Range<usize> {
        self.peek()
            .map_or(self.text.len()..self.text.len(), |t| t.span.clone())
    }

    fn made(&self, kind: AstKind, from: usize) -> Parsed {
        let span = self.span_from(from);
        let depth = kind
            .parts()
            .iter()
            .map(|p| p.depth)
            .max()
            .map_or(0, |d| d + 1);
        if depth > DEPTH_AT_MOST {
            return Err(too_deep(span));
        }
        Ok(Ast { kind, span, depth })
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth >= DEPTH_AT_MOST {
            return Err(too_deep(self.here()));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn any(&mut self) -> Parsed {
        let from = self.here().start;
        let mut parts = vec![self.all()?];
        while self.eat_word("or") || self.eat_sign("||") {
            parts.push(self.all()?);
        }
        self.joined(parts, AstKind::Or, from)
    }

    fn all(&mut self) -> Parsed {
        let from = self.here().start;
        let mut parts = vec![self.negation()?];
        while self.eat_word("and") || self.eat_sign("&&") {
            parts.push(self.negation()?);
        }
        self.joined(parts, AstKind::And, from)
    }

    fn joined(&self, mut parts: Vec<Ast>, join: fn(Vec<Ast>) -> AstKind, from: usize) -> Parsed {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                parts.extend(last);
                self.made(join(parts), from)
            }
        }
    }

    fn negation(&mut self) -> Parsed {
        let from = self.here().start;
        if self.eat_word("not") || self.eat_sign("!") {
            let inner = self.deeper(Self::negation)?;
            return self.made(AstKind::Not(Box::new(inner)), from);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let from = self.here().start;
        let mut left = self.sum()?;
        loop {
            if self.eat_word("is") {
                let negated = self.eat_word("not");
                if !self.eat_word("null") {
                    return Err(ExprError::new(self.here(), "`null` is missing here")
                        .hint("write `is null` or `is not null`; all else is compared with ="));
                }
                left = self.made(AstKind::IsNull(Box::new(left), negated), from)?;
                continue;
            }
            let negated = self.is_word_at(self.at, "not") && self.is_word_at(self.at + 1, "in");
            if negated || self.is_word_at(self.at, "in") {
                self.at += 1 + usize::from(negated);
                let list = self.list()?;
                left = self.made(AstKind::OneOf(Box::new(left), list, negated), from)?;
                continue;
            }
            if self.is_word_at(self.at, "between") {
                return Err(ExprError::new(self.here(), "there is no `between`")
                    .hint("write x >= a and x <= b"));
            }
            let Some(sign) = self.peek_sign() else {
                return Ok(left);
            };
            if matches!(sign, "~" | "!~") {
                self.at += 1;
                let pattern = Box::new(self.sum()?);
                let kind = AstKind::Match(Box::new(left), pattern, sign == "!~");
                left = self.made(kind, from)?;
                continue;
            }
            let Some(comparison) = Comparison::of_sign(sign) else {
                return Ok(left);
            };
            if matches!(left.kind, AstKind::Compare(..))
                && self.text[left.span.clone()].ends_with(|c| c != ')')
            {
                return Err(ExprError::new(self.here(), "comparisons do not chain")
                    .hint("write a < b and b < c"));
            }
            self.at += 1;
            let right = Box::new(self.sum()?);
            left = self.made(AstKind::Compare(comparison, Box::new(left), right), from)?;
        }
    }

    fn list(&mut self) -> Result<Vec<Ast>, ExprError> {
        let open = self.here();
        if !self.eat_sign("(") {
            return Err(ExprError::new(open, "a list in brackets is missing here")
                .hint("write it as in: industry in (\"Banks\", \"Media\")"));
        }
        let mut items = Vec::new();
        loop {
            items.push(self.deeper(Self::sum)?);
            if items.len() > ITEMS_AT_MOST {
                return Err(ExprError::new(
                    self.span_from(open.start),
                    format!("the list has more than {ITEMS_AT_MOST} items"),
                ));
            }
            if !self.eat_sign(",") {
                break;
            }
        }
        self.close(&open)?;
        Ok(items)
    }

    fn close(&mut self, open: &Range<usize>) -> Result<(), ExprError> {
        if self.eat_sign(")") {
            return Ok(());
        }
        Err(match self.peek() {
            None => {
                ExprError::new(open.clone(), "this bracket is never closed").hint("end it with )")
            }
            Some(token) => ExprError::new(token.span.clone(), "a ) is missing here"),
        })
    }

    fn sum(&mut self) -> Parsed {
        let from = self.here().start;
        let mut left = self.product()?;
        loop {
            let operation = match self.peek_sign() {
                Some("+") => Operation::Add,
                Some("-") => Operation::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = Box::new(self.product()?);
            left = self.made(AstKind::Arithmetic(operation, Box::new(left), right), from)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let from = self.here().start;
        let mut left = self.signed()?;
        loop {
            let operation = match self.peek_sign() {
                Some("*") => Operation::Multiply,
                Some("/") => Operation::Divide,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = Box::new(self.signed()?);
            left = self.made(AstKind::Arithmetic(operation, Box::new(left), right), from)?;
        }
    }

    fn signed(&mut self) -> Parsed {
        let from = self.here().start;
        if self.eat_sign("-") {
            let inner = self.deeper(Self::signed)?;
            let kind = match inner.kind {
                AstKind::Int(number) if number >= 0 => AstKind::Int(-number),
                AstKind::Float(number) if number > 0.0 => AstKind::Float(-number),
                _ => AstKind::Negate(Box::new(inner)),
            };
            return self.made(kind, from);
        }
        if self.eat_sign("+") {
            return self.deeper(Self::signed);
        }
        self.operand()
    }

    fn operand(&mut self) -> Parsed {
        let Some(token) = self.peek().cloned() else {
            let end = self.text.len();
            return Err(ExprError::new(end..end, "something is missing at the end")
                .hint("a column, a number, or a text in quotes"));
        };
        let from = token.span.start;
        let kind = match token.kind {
            TokenKind::Int(number) => AstKind::Int(number),
            TokenKind::Float(number) => AstKind::Float(number),
            TokenKind::Text(text) => AstKind::Text(text),
            TokenKind::Name(name) => AstKind::Column(name),
            TokenKind::Sign("(") => {
                self.at += 1;
                let inner = self.deeper(Self::any)?;
                self.close(&token.span)?;
                return Ok(Ast {
                    span: self.span_from(from),
                    ..inner
                });
            }
            TokenKind::Word(word) if word.eq_ignore_ascii_case("true") => AstKind::Bool(true),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("false") => AstKind::Bool(false),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("null") => AstKind::Null,
            TokenKind::Word(word) if !is_reserved(&word) => {
                let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
                if next == Some(&TokenKind::Sign("(")) {
                    return self.call(word, token.span);
                }
                AstKind::Column(word)
            }
            TokenKind::Word(_) | TokenKind::Sign(_) => {
                let written = &self.text[token.span.clone()];
                return Err(ExprError::new(
                    token.span,
                    format!("a value is missing before '{written}'"),
                )
                .hint("a column, a number, or a text in quotes"));
            }
        };
        self.at += 1;
        self.made(kind, from)
    }

    fn call(&mut self, name: String, span: Range<usize>) -> Parsed {
        self.at += 1;
        let open = self.here();
        self.at += 1;
        let mut arguments = Vec::new();
        if !self.eat_sign(")") {
            arguments.push(self.deeper(Self::any)?);
            while self.eat_sign(",") {
                arguments.push(self.deeper(Self::any)?);
            }
            self.close(&open)?;
        }
        let from = span.start;
        self.made(AstKind::Call(name, span, arguments), from)
    }
}

fn too_deep(span: Range<usize>) -> ExprError {
    ExprError::new(
        span,
        format!("the expression is nested deeper than {DEPTH_AT_MOST} levels"),
    )
}
