//! Aggregates of a table over event time: what they are at each tick, and when a condition on them turns true.
//!
//! From one tick to the next an aggregate changes only by the keys that change: they are taken out as they were and put
//! in as they are. Every value is the same as if all rows were gone through: whole numbers are summed in 128 bits,
//! floating-point ones without rounding ([`ExactSum`]), and of the least or greatest enough is kept to go on when it goes.
//!
//! Nothing here reads: a walk says which moment it needs, and goes on when it is given its snapshot.

mod exact_sum;
mod extreme;
mod moments;
mod row_condition;
mod series;
mod state;
mod tally;
mod when;

pub use exact_sum::ExactSum;
pub use moments::{Pause, change_moments};
pub use row_condition::moments_of_truth;
pub use series::{Point, Series};
pub use state::TableState;
pub use when::{Step, When};
