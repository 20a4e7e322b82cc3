//! Text from data, made safe and measurable for a terminal: what is invisible, moves the cursor or reorders a line
//! becomes a visible sign; what is left has the same width on every terminal.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks that one character may carry; more of them climb into the lines above.
const MARKS_AT_MOST: usize = 3;

/// Rewrites a text so that it can be written to a terminal: line breaks become `↵`, tabs `⇥`, other control
/// characters their control pictures (`␛`), characters that are invisible or reorder text `�`; joiners, variation
/// selectors and skin tones, on whose width terminals disagree, are left out.
pub fn visible(text: &str) -> String {
    let (clean, _) = clean_prefix(text, usize::MAX);
    clean
}

/// Makes the start of a text visible, up to `max_width` cells; true if all of it fitted.
///
/// Reads no more of the text than it shows, so a cell of a megabyte costs what is on screen.
fn clean_prefix(text: &str, max_width: usize) -> (String, bool) {
    let mut out = String::new();
    let mut width = 0;
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(shown) = sign(c, chars.peek()) else {
            continue;
        };
        let char_width = shown.width().unwrap_or(0);
        if char_width == 0 {
            marks += 1;
            if marks > MARKS_AT_MOST {
                continue;
            }
            // A mark with nothing before it would sit on the border of its cell.
            if out.is_empty() {
                if max_width == 0 {
                    return (out, false);
                }
                out.push('◌');
                width += 1;
            }
        } else {
            marks = 0;
            if width + char_width > max_width {
                return (out, false);
            }
        }
        width += char_width;
        out.push(shown);
    }
    (out, true)
}

/// The character that stands for `c` on screen; `None` where nothing does.
fn sign(c: char, next: Option<&char>) -> Option<char> {
    Some(match c {
        '\r' if next == Some(&'\n') => return None,
        '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => '↵',
        '\t' => '⇥',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('�'),
        '\u{7f}' => '␡',
        // The rest of C1; zero-width spaces; marks, embeddings, overrides and isolates of direction; fillers; tags.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => '�',
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => {
            return None;
        }
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    })
}

/// Cells that a text takes which has been through [`visible`].
pub fn width(text: &str) -> usize {
    // Grapheme by grapheme, as the screen's buffer counts.
    if text.is_ascii() {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// Makes a text visible and cuts it to `max_width` cells, the last of which is `…` where something was left out.
pub fn ellipsis(text: &str, max_width: usize) -> String {
    // Most cells are short and plain.
    if text.len() <= max_width && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.to_owned();
    }
    let (clean, whole) = clean_prefix(text, max_width);
    if whole && width(&clean) <= max_width {
        return clean;
    }
    if max_width == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in clean.graphemes(true) {
        let w = grapheme.width();
        if used + w > max_width - 1 {
            break;
        }
        used += w;
        out.push_str(grapheme);
    }
    out.push('…');
    out
}

/// Makes a text visible and breaks it into lines of at most `max_width` cells, between words where it can.
pub fn wrapped_at_words(text: &str, max_width: usize) -> Vec<String> {
    let text = visible(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= max_width {
            line.push_str(&" ".repeat(gap));
            line.push_str(word);
            continue;
        }
        lines.extend(Some(std::mem::take(&mut line)).filter(|l| !l.is_empty()));
        // A word that is longer than a line is broken anywhere.
        for grapheme in word.graphemes(true) {
            if !line.is_empty() && width(&line) + grapheme.width() > max_width {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme);
        }
    }
    lines.push(line);
    lines
}

/// Where a text stands in its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text, times.
    Left,
    /// Numbers.
    Right,
}

/// Makes a text visible and exactly `field` cells wide: cut with `…`, or padded with spaces.
pub fn fit(text: &str, field: usize, align: Align) -> String {
    let cut = ellipsis(text, field);
    let space = " ".repeat(field.saturating_sub(width(&cut)));
    match align {
        Align::Left => cut + &space,
        Align::Right => space + &cut,
    }
}

/// A whole number with thousands separators: `-1,208,113`.
pub fn thousands(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// A number without a sign, with thousands separators.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A floating-point number as short as it can be without loss, with thousands separators: `-1,208,113.25`, `1e300`.
pub fn decimal(number: f64) -> String {
    // From here on a double counts no single units, and below it digits would be mostly zeros.
    let is_plain = number == 0.0 || (1e-5..1e16).contains(&number.abs());
    if !number.is_finite() || !is_plain {
        return format!("{number:e}").replace("inf", "∞");
    }
    let text = number.to_string();
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), ""), |parts| parts);
    let digits = whole.trim_start_matches('-');
    let grouped = digits.parse().map_or_else(|_| digits.to_owned(), thousands);
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{fraction}")
    }
}

/// A count with its noun: `1 row`, `22,790 rows`.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(count as i64))
}

/// Reads a number of bytes as people write them: `500MB`, `1.5 GB`, `2GiB`, `4096`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1024.0 * 1024.0,
        "gi" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = digits.parse::<f64>().ok()? * unit;
    (bytes.is_finite() && bytes >= 0.0).then_some(bytes as u64)
}

/// A number of bytes for people: `997 B`, `1.2 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_move_the_cursor_is_shown_as_a_sign() {
        assert_eq!(visible("a\x1b[31mb\x07"), "a␛[31mb␇");
        assert_eq!(visible("a\r\nb\nc\td"), "a↵b↵c⇥d");
        assert_eq!(
            visible("\u{202e}abc\u{2066}\u{0}\u{9b}\u{e0041}"),
            "�abc�␀��"
        );
        assert_eq!(
            visible("👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} 👍🏽"),
            "👩👩👧 ❤ 👍"
        );
    }

    #[test]
    fn stacked_marks_are_thinned_and_never_stand_alone() {
        let zalgo = format!("a{}", "\u{301}".repeat(50));
        assert_eq!(visible(&zalgo).chars().count(), 1 + MARKS_AT_MOST);
        assert_eq!(width(&visible("\u{301}")), 1);
    }

    #[test]
    fn a_text_is_broken_between_words_and_a_long_word_anywhere() {
        let lines = |text: &str, width| wrapped_at_words(text, width).join("|");
        assert_eq!(lines("a file was lost", 7), "a file|was|lost");
        assert_eq!(lines("a file was lost", 80), "a file was lost");
        assert_eq!(lines("see /a/long/path now", 6), "see|/a/lon|g/path|now");
        assert_eq!(lines("東京証券 x", 4), "東京|証券|x");
        assert_eq!(lines("", 4), "");
        assert_eq!(lines("ab", 0), "a|b");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_and_wide_text_is_not_split() {
        assert_eq!(ellipsis("Life Sciences", 8), "Life Sc…");
        assert_eq!(ellipsis("東京証券", 8), "東京証券");
        assert_eq!(fit("東京証券", 6, Align::Left), "東京… ");
        assert_eq!(fit("12", 4, Align::Right), "  12");
        assert_eq!(ellipsis("abc", 0), "");
    }

    #[test]
    fn decimals_are_short_and_lose_nothing() {
        for (number, shown) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1_234_567.25, "1,234,567.25"),
            (-1e15, "-1,000,000,000,000,000"),
            (1e300, "1e300"),
            (1e-9, "1e-9"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-∞"),
        ] {
            assert_eq!(decimal(number), shown);
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let sizes = ["4096", "500MB", "1.5 gb", "2GiB", "1k"].map(parse_bytes);
        let expected = [4_096, 500_000_000, 1_500_000_000, 2 << 30, 1_000];
        assert_eq!(sizes, expected.map(Some));
        for nonsense in ["", "MB", "-1GB", "1 parsec", "1e400", "NaN"] {
            assert_eq!(parse_bytes(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(thousands(999), "999");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(bytes(58_280_434), "58 MB");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
    }

    proptest! {
        #[test]
        fn a_fitted_text_has_exactly_the_width_of_its_field(text in "\\PC*|(?s:.*)", field in 0usize..40) {
            let fitted = fit(&text, field, Align::Left);
            prop_assert_eq!(width(&fitted), field, "{:?}", fitted);
            prop_assert!(!fitted.chars().any(char::is_control));
        }
    }
}
