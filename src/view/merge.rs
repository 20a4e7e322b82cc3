//! Sorting that can be told to stop.

use std::cmp::Ordering;

use crate::cancel::CancelToken;
use crate::error::Result;

/// What is sorted or merged between two looks at the cancel token.
const ITEMS_PER_CHECK: usize = 1 << 16;

/// Sorts; items must all be distinct in `order`.
pub(super) fn sort<T: Copy>(
    mut items: Vec<T>,
    order: impl Fn(&T, &T) -> Ordering,
    cancel: &CancelToken,
) -> Result<Vec<T>> {
    if items.len() <= ITEMS_PER_CHECK {
        cancel.check()?;
        items.sort_unstable_by(&order);
        return Ok(items);
    }
    let mut runs = Vec::with_capacity(items.len().div_ceil(ITEMS_PER_CHECK));
    for run in items.chunks_mut(ITEMS_PER_CHECK) {
        cancel.check()?;
        run.sort_unstable_by(&order);
        runs.push(run.to_vec());
    }
    drop(items);
    merge(runs, order, cancel)
}

/// Merges sorted lists, two at a time.
pub(super) fn merge<T: Copy>(
    mut runs: Vec<Vec<T>>,
    order: impl Fn(&T, &T) -> Ordering,
    cancel: &CancelToken,
) -> Result<Vec<T>> {
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(a) = pairs.next() {
            merged.push(match pairs.next() {
                Some(b) => merge_two(&a, &b, &order, cancel)?,
                None => a,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge_two<T: Copy>(
    mut a: &[T],
    mut b: &[T],
    order: &impl Fn(&T, &T) -> Ordering,
    cancel: &CancelToken,
) -> Result<Vec<T>> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        if out.len() % ITEMS_PER_CHECK == 0 {
            cancel.check()?;
        }
        if order(x, y).is_le() {
            out.push(*x);
            a = &a[1..];
        } else {
            out.push(*y);
            b = &b[1..];
        }
    }
    out.extend_from_slice(a);
    out.extend_from_slice(b);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sorted_in_runs_is_sorted_as_a_whole() {
        let cancel = CancelToken::default();
        for count in [0, 1, 1_000, ITEMS_PER_CHECK * 3 + 17] {
            let items: Vec<(u64, usize)> = (0..count)
                .map(|i| ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50, i))
                .collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            let sorted = sort(items, Ord::cmp, &cancel).expect("not cancelled");
            assert!(sorted == expected);
        }
        let runs = vec![vec![1, 4, 7], vec![], vec![2, 5], vec![0, 9], vec![3]];
        let merged = merge(runs, Ord::cmp, &cancel).expect("not cancelled");
        assert_eq!(merged, [0, 1, 2, 3, 4, 5, 7, 9]);
    }
}
