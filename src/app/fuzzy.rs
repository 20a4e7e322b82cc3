//! Which names a few typed letters may mean, and how likely.

/// For a letter that matches.
const MATCH: i32 = 1;
/// For one that matches at the start of a word.
const WORD_START: i32 = 10;
/// For one that follows the letter matched before.
const ADJACENT: i32 = 6;
/// For a name that is what was typed.
const WHOLE: i32 = 100;
/// A longer name is not looked at to its end.
const CHARS_AT_MOST: usize = 256;

/// How well a pattern fits a text: the letters of the pattern occur in the text in their order, case aside. More is
/// better; `None` where they do not. An empty pattern fits everything.
pub fn score(pattern: &str, text: &str) -> Option<i32> {
    let lower = |s: &str| -> Vec<char> {
        let chars = s.chars().flat_map(char::to_lowercase);
        chars.take(CHARS_AT_MOST).collect()
    };
    let (pattern, text) = (lower(pattern), lower(text));
    // The best score of what has been matched, where its last letter stands at each place.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (i, wanted) in pattern.iter().enumerate() {
        let mut next = vec![None; text.len()];
        // The best of all places before, and of the one just before.
        let mut before: Option<i32> = (i == 0).then_some(0);
        for (at, c) in text.iter().enumerate() {
            if c == wanted {
                let is_start = at == 0 || !text[at - 1].is_alphanumeric();
                let own = MATCH + if is_start { WORD_START } else { 0 };
                let adjacent = at
                    .checked_sub(1)
                    .and_then(|last| best.get(last).copied().flatten())
                    .map(|s| s + ADJACENT);
                next[at] = before.max(adjacent).map(|s| s + own);
            }
            if i > 0 {
                before = before.max(best[at]);
            }
        }
        best = next;
    }
    let whole = if pattern == text { WHOLE } else { 0 };
    let shorter = text.len() as i32 / 8;
    if pattern.is_empty() {
        return Some(0);
    }
    let best = best.into_iter().flatten().max()?;
    Some(best + whole - shorter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn starts_of_words_and_neighbours_come_first() {
        let better = |pattern: &str, a: &str, b: &str| {
            assert!(score(pattern, a) > score(pattern, b), "{pattern}: {a}, {b}");
        };
        better("zi", "zoom-in", "size");
        better("goto", "goto", "go-to-mark");
        better("back", "back", "back-ten");
        better("comp", "compare", "copy-map");
        assert_eq!(score("xyz", "compare"), None);
        assert_eq!(score("", "compare"), Some(0));
    }

    proptest! {
        #[test]
        fn a_pattern_fits_exactly_where_its_letters_occur_in_order(pattern in "[abAB]{0,4}", text in "[abcAB -]{0,9}") {
            let mut rest = text.to_lowercase().chars().collect::<Vec<_>>().into_iter();
            let naive = pattern.to_lowercase().chars().all(|wanted| rest.any(|c| c == wanted));
            prop_assert_eq!(score(&pattern, &text).is_some(), naive);
        }
    }
}
