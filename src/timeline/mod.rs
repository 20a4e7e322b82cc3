//! Event times as an index: when a table changes, how much, and what every moment of an epoch shows.

mod density;
mod epoch;
mod event_times;
mod index;
mod key_set;
mod prepare;
mod read;
mod ticks;

pub use density::Density;
pub use epoch::{Epoch, Epochs};
pub use event_times::event_time_range;
pub use index::{ChangedKey, EpochIndex, EpochRows, KeyRow, KeyVersion, key_versions};
pub use prepare::{EpochCache, EpochKey, read_index, read_values};
pub use read::{TimelineProgress, read_ticks_with};
pub use ticks::{Tick, Ticks};
