//! The SQL that is understood: standard SQL, with a moment after a table's name.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

/// Generic SQL with `AT (…)` and `FOR SYSTEM_TIME AS OF …` after a table's name.
///
/// Clauses of other systems that DataFusion parses and then forgets (`PREWHERE`, `SETTINGS`, `LIMIT BY` and their like)
/// are not switched on: a syntax error is better than an answer to another question.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsOfDialect;

/// Switches that are simply on.
macro_rules! with {
    ($($feature:ident),* $(,)?) => {
        $(fn $feature(&self) -> bool { true })*
    };
}

impl Dialect for AsOfDialect {
    /// Where the parser asks for a dialect by name, this is the generic one.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"' || c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$'
    }

    /// `a IS DISTINCT FROM b AND c`: the parser's own way takes in all that follows.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        const IS: Keyword = Keyword::IS;
        let is_distinct = parser.parse_keywords(&[IS, Keyword::DISTINCT, Keyword::FROM]);
        let not_distinct = [IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM];
        if !is_distinct && !parser.parse_keywords(&not_distinct) {
            return None;
        }
        let other = parser.parse_subexpr(self.prec_value(Precedence::Is));
        let made = |other| {
            let (left, right) = (Box::new(expr.clone()), Box::new(other));
            if is_distinct {
                Expr::IsDistinctFrom(left, right)
            } else {
                Expr::IsNotDistinctFrom(left, right)
            }
        };
        Some(other.map(made))
    }

    with!(
        supports_numeric_literal_underscores,
        supports_table_versioning,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_interval_options,
        supports_left_associative_joins_without_parens,
        supports_nested_comments,
        supports_parens_around_table_factor,
        supports_projection_trailing_commas,
        supports_select_wildcard_except,
        supports_select_wildcard_exclude,
        supports_select_wildcard_rename,
        supports_select_wildcard_replace,
        supports_string_escape_constant,
        supports_struct_literal,
        supports_unicode_string_literal,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
        supports_bitwise_shift_operators,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_array_typedef_with_brackets,
    );
}
