//! Values as numbers that order as they do.

use std::cmp::Ordering;

/// Rows of a part, with what they are sorted by.
#[derive(Debug)]
pub(super) enum SortKeys {
    /// In key order.
    Rows(Vec<u32>),
    /// Numbers, times and truths, with their row.
    Numbers(Vec<(u64, u32)>),
    /// Beginnings of texts, with their row.
    Texts(Vec<(u128, u32)>),
}

/// Bytes of a text that its key holds.
const PREFIX: usize = 15;

/// What stands in a key for the length of a text that does not fit.
const IS_LONGER: u8 = 16;

/// A whole number or a time.
#[inline]
pub(super) fn int_key(number: i64) -> u64 {
    number as u64 ^ 1 << 63
}

/// A floating-point number; `None` for NaN, which is sorted apart.
#[inline]
pub(super) fn float_key(number: f64) -> Option<u64> {
    // Zero and negative zero are one number.
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    let key = if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    };
    (!number.is_nan()).then_some(key)
}

/// A text, or the bytes after a beginning that all have in common: the first of them, padded with zeros, then their number
/// up to one more than fits. Keys of two texts are equal only where the texts are, or where both are longer.
#[inline]
pub(super) fn text_key(bytes: &[u8]) -> u128 {
    let mut key = [0; 16];
    let held = bytes.len().min(PREFIX);
    key[..held].copy_from_slice(&bytes[..held]);
    key[PREFIX] = bytes.len().min(usize::from(IS_LONGER)) as u8;
    u128::from_be_bytes(key)
}

/// Bytes at the beginning of texts that are looked at for what they have in common.
const COMMON_AT_MOST: usize = 256;

/// How many bytes all texts have in common at their beginning, up to a bound.
pub(super) fn common_prefix<'a>(mut texts: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = texts.next() else { return 0 };
    let mut common = &first.as_bytes()[..first.len().min(COMMON_AT_MOST)];
    for text in texts {
        if !text.as_bytes().starts_with(common) {
            let same = common
                .iter()
                .zip(text.as_bytes())
                .take_while(|(a, b)| a == b);
            common = &common[..same.count()];
            if common.is_empty() {
                break;
            }
        }
    }
    common.len()
}

/// The order of two texts by key and row; keys are those of [`text_key`], inverted where the order is descending.
#[inline]
pub(super) fn compare_texts<'a>(
    (a, row_a): (u128, u32),
    (b, row_b): (u128, u32),
    descending: bool,
    text: impl Fn(u32) -> &'a str,
) -> Ordering {
    let same_keys = || {
        let key = if descending { !a } else { a };
        if key as u8 != IS_LONGER {
            return Ordering::Equal;
        }
        let order = text(row_a).cmp(text(row_b));
        if descending { order.reverse() } else { order }
    };
    a.cmp(&b).then_with(same_keys).then(row_a.cmp(&row_b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_their_values(a in any::<f64>(), b in any::<f64>(), x in any::<i64>(), y in any::<i64>()) {
            prop_assert_eq!(int_key(x).cmp(&int_key(y)), x.cmp(&y));
            prop_assert_eq!(float_key(a).zip(float_key(b)).map(|(a, b)| a.cmp(&b)), a.partial_cmp(&b));
        }

        #[test]
        fn texts_order_by_bytes(a in "[ab\u{0}]{0,20}", b in "[ab\u{0}]{0,20}", descending: bool) {
            let texts = [a.as_str(), b.as_str()];
            let key = |text: &str| if descending { !text_key(text.as_bytes()) } else { text_key(text.as_bytes()) };
            let order = compare_texts((key(&a), 0), (key(&b), 1), descending, |row| texts[row as usize]);
            let expected = if descending { b.cmp(&a) } else { a.cmp(&b) };
            prop_assert_eq!(order, expected.then(Ordering::Less));
        }
    }
}
