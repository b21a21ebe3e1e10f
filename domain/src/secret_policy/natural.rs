//! Natural numbers of any size, as far as counting strings needs them.

use std::cmp::Ordering;

use zeroize::Zeroize;

const LIMB: usize = 64;

/// A number, its least significant limb first. Wiped when dropped: what was drawn tells what was chosen by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Natural(Vec<u64>);

impl Drop for Natural {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Natural {
    pub(super) fn one() -> Self {
        Self(vec![1])
    }

    /// Zero, with room for so many bits.
    pub(super) fn zeros(bits: usize) -> Self {
        Self(vec![0; bits.div_ceil(LIMB)])
    }

    pub(super) fn limbs_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        self.0.iter_mut()
    }

    fn limb(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or_default()
    }

    /// Bits up to the highest that is set.
    pub(super) fn bits(&self) -> usize {
        let highest = self.0.iter().rposition(|limb| *limb != 0);
        highest.map_or(0, |at| (at + 1) * LIMB - self.limb(at).leading_zeros() as usize)
    }

    /// Clears all but the lowest `bits`, of which there is room for just so many limbs.
    pub(super) fn keep_bits(&mut self, bits: usize) {
        if let (Some(last), rest @ 1..) = (self.0.last_mut(), bits % LIMB) {
            *last &= (1 << rest) - 1;
        }
    }

    /// Adds a multiple of another number.
    pub(super) fn add_scaled(&mut self, other: &Self, times: u64) {
        let mut carry: u128 = 0;
        let length = self.0.len().max(other.0.len());
        self.0.resize(length, 0);
        for (at, limb) in self.0.iter_mut().enumerate() {
            let sum = u128::from(*limb) + u128::from(other.limb(at)) * u128::from(times) + carry;
            *limb = (sum & u128::from(u64::MAX)) as u64;
            carry = sum >> LIMB;
        }
        if carry > 0 {
            self.0.push(carry as u64);
        }
    }

    /// Takes off a number that is not greater.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrowed = false;
        for (at, limb) in self.0.iter_mut().enumerate() {
            let (less, first) = limb.overflowing_sub(other.limb(at));
            let (less, second) = less.overflowing_sub(u64::from(borrowed));
            *limb = less;
            borrowed = first || second;
        }
    }
}

impl PartialEq for Natural {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Natural {}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let limbs = (0..self.0.len().max(other.0.len())).rev();
        limbs.map(|at| self.limb(at).cmp(&other.limb(at))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_beyond_a_word() {
        let mut power = Natural::one();
        for _ in 0..20 {
            let mut next = Natural::default();
            next.add_scaled(&power, 256);
            power = next;
        }
        assert_eq!(power.bits(), 161);
        let mut less = power.clone();
        less.subtract(&Natural::one());
        assert!(less < power && less.bits() == 160 && less > Natural::one());
        less.add_scaled(&Natural::one(), 1);
        assert_eq!(less, power);
        assert_eq!(Natural::zeros(100).bits(), 0);
    }
}
