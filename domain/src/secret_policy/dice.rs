//! Uniform choices from random bytes.

use zeroize::Zeroizing;

use super::forge::Unmade;
use super::natural::Natural;

/// Bytes that are fetched at a time.
const POOLED: usize = 64;
/// Choices that are refused in a row before the source is given up: one that is random refuses at most every other.
const MOST_REFUSED: usize = 1_024;

/// A cryptographic generator, handed in.
pub trait Randomness {
    /// Fills a buffer with random bytes.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade>;
}

/// Draws from a source of random bytes. What was fetched is wiped.
pub struct Dice<'s> {
    source: &'s mut dyn Randomness,
    pool: Zeroizing<[u8; POOLED]>,
    used: usize,
}

impl<'s> Dice<'s> {
    /// Over this source.
    pub fn new(source: &'s mut dyn Randomness) -> Self {
        Self { source, pool: Zeroizing::new([0; POOLED]), used: POOLED }
    }

    fn byte(&mut self) -> Result<u8, Unmade> {
        if self.used == POOLED {
            self.source.fill(self.pool.as_mut_slice())?;
            self.used = 0;
        }
        let byte = self.pool.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        Ok(byte)
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> Result<Zeroizing<[u8; N]>, Unmade> {
        let mut bytes = Zeroizing::new([0; N]);
        for byte in bytes.iter_mut() {
            *byte = self.byte()?;
        }
        Ok(bytes)
    }

    /// A number below `bound`, which is from 1 to 256, each equally likely.
    ///
    /// Bytes from the largest multiple of `bound` on are thrown away: of those below it each remainder has equally
    /// many, so the remainder of a kept byte has no bias.
    pub fn below(&mut self, bound: usize) -> Result<usize, Unmade> {
        if !(1..=256).contains(&bound) {
            return Err(Unmade("there is nothing to choose from"));
        }
        let fair = 256 - 256 % bound;
        for _ in 0..MOST_REFUSED {
            let byte = usize::from(self.byte()?);
            if byte < fair {
                return Ok(byte % bound);
            }
        }
        Err(Unmade("the source of randomness repeats itself"))
    }

    /// A number below `bound`, each equally likely: as many random bits as the bound has, thrown away unless they
    /// come to less.
    pub(super) fn below_natural(&mut self, bound: &Natural) -> Result<Natural, Unmade> {
        for _ in 0..MOST_REFUSED {
            let mut number = Natural::zeros(bound.bits());
            for limb in number.limbs_mut() {
                *limb = u64::from_le_bytes(*self.bytes::<8>()?);
            }
            number.keep_bits(bound.bits());
            if number < *bound {
                return Ok(number);
            }
        }
        Err(Unmade("the source of randomness repeats itself"))
    }
}
