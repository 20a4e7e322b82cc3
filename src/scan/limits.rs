//! What reading may take of the machine.

use crate::memory::quarter_of_memory;

/// What reading may take of the machine.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// Bytes of decoded columns that one read may hold.
    pub read_bytes: usize,
    /// Bytes of decoded columns kept for later reads; 0 keeps none, and then pages beyond the moment are not decoded.
    pub cache_bytes: usize,
    /// Columns decoded at the same time.
    pub decoders: usize,
}

impl Default for ReadLimits {
    /// A quarter of the machine's memory for a read, no cache, a decoder a core.
    fn default() -> Self {
        let decoders = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            read_bytes: quarter_of_memory(),
            cache_bytes: 0,
            decoders,
        }
    }
}

impl ReadLimits {
    /// The limits of one who asks again: three quarters of the memory for what is kept.
    #[must_use]
    pub fn keeping(self) -> Self {
        Self {
            cache_bytes: self.read_bytes / 4 * 3,
            ..self
        }
    }
}
