//! Sums of floating-point numbers without rounding.

/// Bits that a limb stands for; the rest of it takes up carries.
const LIMB_BITS: usize = 32;

/// The least double is 2^-1074, the greatest below 2^1024, and 2^62 of them may be added.
const LIMBS: usize = (1074 + 1024 + 64) / LIMB_BITS + 1;

/// Numbers added between two carries: a limb gains less than 2^32 by each.
const ADDS_PER_CARRY: u32 = 1 << 30;

/// The exact sum of doubles, from which they may be taken again: a fixed-point number as wide as all doubles together
/// (Kulisch's accumulator). The order in which numbers come makes no difference.
#[derive(Debug, Clone)]
pub struct ExactSum {
    /// In units of 2^-1074, the least first; each stands for `limb * 2^(32 i)`.
    limbs: [i64; LIMBS],
    adds: u32,
    nans: i64,
    infinities: [i64; 2],
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            limbs: [0; LIMBS],
            adds: 0,
            nans: 0,
            infinities: [0; 2],
        }
    }
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        self.change(number, 1);
    }

    /// Takes away a number that was added.
    pub fn remove(&mut self, number: f64) {
        self.change(number, -1);
    }

    fn change(&mut self, number: f64, times: i64) {
        if number.is_nan() {
            self.nans += times;
            return;
        }
        if number.is_infinite() {
            self.infinities[usize::from(number < 0.0)] += times;
            return;
        }
        let bits = number.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as usize;
        let fraction = bits & ((1 << 52) - 1);
        // Numbers below 2^-1022 have no hidden bit, and the exponent of those right above.
        let (mantissa, shift) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        let sign = if number < 0.0 { -times } else { times };
        let wide = u128::from(mantissa) << (shift % LIMB_BITS);
        let at = shift / LIMB_BITS;
        for (i, limb) in self.limbs[at..at + 3].iter_mut().enumerate() {
            *limb += sign * i64::from((wide >> (LIMB_BITS * i)) as u32);
        }
        self.adds += 1;
        if self.adds == ADDS_PER_CARRY {
            self.carry();
        }
    }

    /// Brings every limb but the last within 0..2^32.
    fn carry(&mut self) {
        let mut carry = 0;
        let last = LIMBS - 1;
        for limb in &mut self.limbs[..last] {
            let sum = *limb + carry;
            carry = sum >> LIMB_BITS;
            *limb = sum & 0xffff_ffff;
        }
        self.limbs[last] += carry;
        self.adds = 0;
    }

    /// The sum, rounded once, to the nearest double.
    pub fn value(&self) -> f64 {
        match (self.nans, self.infinities) {
            (0, [0, 0]) => {}
            (0, [_, 0]) => return f64::INFINITY,
            (0, [0, _]) => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        let mut sum = self.clone();
        sum.carry();
        let is_negative = sum.limbs[LIMBS - 1] < 0;
        if is_negative {
            sum.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            sum.carry();
        }
        let magnitude = sum.magnitude();
        if is_negative { -magnitude } else { magnitude }
    }

    /// The value of limbs that have been carried and are not negative.
    fn magnitude(&self) -> f64 {
        let Some(top) = self.limbs.iter().rposition(|limb| *limb != 0) else {
            return 0.0;
        };
        let highest = top * LIMB_BITS + (63 - self.limbs[top].leading_zeros() as usize);
        let bit = |at: usize| self.limbs[at / LIMB_BITS] >> (at % LIMB_BITS) & 1;
        let bits = |from: usize, to: usize| {
            (from..to)
                .rev()
                .fold(0u64, |all, at| all << 1 | bit(at) as u64)
        };
        if highest <= 52 {
            return f64::from_bits(bits(0, highest + 1));
        }
        let dropped = highest - 52;
        let mantissa = bits(dropped, highest + 1);
        let half = bit(dropped - 1) == 1;
        let is_odd_or_more = || {
            let below = dropped - 1;
            let whole = &self.limbs[..below / LIMB_BITS];
            mantissa & 1 == 1
                || whole.iter().any(|limb| *limb != 0)
                || bits(below / LIMB_BITS * LIMB_BITS, below) != 0
        };
        let rounded = mantissa + u64::from(half && is_odd_or_more());
        // A mantissa in place has exponent 1; one that rounding carried over raises it by itself.
        let all = ((dropped as u64) << 52) + rounded;
        f64::from_bits(all.min(f64::INFINITY.to_bits()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "the sums are exact")]

    use super::*;
    use proptest::prelude::*;

    fn sum_of(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        numbers.iter().for_each(|n| sum.add(*n));
        sum.value()
    }

    #[test]
    fn small_numbers_survive_large_ones() {
        assert_eq!(sum_of(&[1e308, 1.0, -1e308]), 1.0);
        assert_eq!(sum_of(&[f64::MAX, f64::MAX, -f64::MAX, 5e-324]), f64::MAX);
        assert_eq!(sum_of(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(sum_of(&[-5e-324, -5e-324]), -1e-323);
        assert_eq!(sum_of(&[0.1; 10]), 1.0);
        assert_eq!(sum_of(&[f64::INFINITY, -1.0]), f64::INFINITY);
        assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(sum_of(&[]), 0.0);
    }

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut sum = ExactSum::default();
        for number in [1.5, f64::NAN, 1e300, f64::NEG_INFINITY] {
            sum.add(number);
        }
        for number in [f64::NAN, f64::NEG_INFINITY, 1e300] {
            sum.remove(number);
        }
        assert_eq!(sum.value(), 1.5);
    }

    proptest! {
        #[test]
        fn a_number_alone_is_its_own_sum(number: f64) {
            prop_assert!(sum_of(&[number]) == number || number.is_nan());
        }

        #[test]
        fn a_sum_is_rounded_once(numbers in prop::collection::vec(any::<i64>(), 0..40), scale in -200i32..200) {
            // Doubles that are whole multiples of a power of two, summed as whole numbers.
            let rounded: Vec<i128> = numbers.iter().map(|n| (*n as f64) as i128).collect();
            let scale = f64::from(scale).exp2();
            let scaled: Vec<f64> = rounded.iter().map(|n| *n as f64 * scale).collect();
            let expected = rounded.iter().sum::<i128>() as f64 * scale;
            prop_assert_eq!(sum_of(&scaled), expected);
        }
    }
}
