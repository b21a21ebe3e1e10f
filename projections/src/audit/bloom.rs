//! A Bloom filter (Bloom 1970): what is certainly not in a segment, without opening it.

use super::hash::mixed;

/// Bits per key: about one in a hundred keys that are not there seems to be.
const BITS_PER_KEY: usize = 10;
/// Bits that a key sets.
const PROBES: u64 = 7;

/// The keys of a segment.
pub(super) struct Bloom {
    words: Vec<u64>,
}

impl Bloom {
    /// With these keys.
    pub(super) fn of(keys: &[u64]) -> Self {
        let mut bloom = Self { words: vec![0; (keys.len() * BITS_PER_KEY).div_ceil(64).max(1)] };
        for key in keys {
            for bit in bloom.bits(*key) {
                if let Some(word) = bloom.words.get_mut(bit / 64) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
        bloom
    }

    /// Whether a key may be there; if not, it is not.
    pub(super) fn may_have(&self, key: u64) -> bool {
        let is_set = |bit: usize| self.words.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0);
        self.bits(key).all(is_set)
    }

    /// As bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// What [`Self::to_bytes`] gave.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let is_whole = rest.is_empty() && !words.is_empty();
        is_whole.then(|| Self { words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }

    /// The bits of a key: two digests combined (Kirsch and Mitzenmacher 2006).
    fn bits(&self, key: u64) -> impl Iterator<Item = usize> + use<> {
        let size = self.words.len() as u64 * 64;
        let step = mixed(key.rotate_left(32)) | 1;
        (0..PROBES).map(move |probe| usize::try_from(key.wrapping_add(probe.wrapping_mul(step)) % size).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_there_is_found_and_little_else() {
        let keys: Vec<u64> = (0..10_000).map(mixed).collect();
        let bloom = Bloom::from_bytes(&Bloom::of(&keys).to_bytes()).unwrap();
        assert!(keys.iter().all(|key| bloom.may_have(*key)));
        let wrong = (10_000..20_000).filter(|number| bloom.may_have(mixed(*number))).count();
        assert!(wrong < 300, "{wrong} of 10,000");
        assert!(Bloom::from_bytes(&[1; 7]).is_none() && Bloom::from_bytes(&[]).is_none());
        assert!(!Bloom::of(&[]).may_have(1));
    }
}
