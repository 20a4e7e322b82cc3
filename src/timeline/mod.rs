//! Event times as an index: when a table changes, and how much.

mod density;
mod event_times;
mod read;
mod ticks;

pub use density::Density;
pub use event_times::event_time_range;
pub use read::{TimelineProgress, read_ticks_with};
pub use ticks::{Tick, Ticks};
