//! The query thread: requests in, replies out, and never a wait on the caller's side.
//!
//! One thread named `azof-engine` owns a runtime for stores and decoding. It is spoken to through channels, in plain
//! data. Requests travel in lanes, one for each thing on screen.

mod arrange;
mod export;
mod lanes;
mod over_time;
mod preparation;
mod protocol;
mod query;
mod statistics;
mod worker;

pub use protocol::{
    Answer, ArrangedDiff, Arrangement, Exported, Held, Lane, OverTime, Reply, Request, RequestId,
    Searched, TableInfo, Turns,
};
pub use worker::{EngineHandle, runtime};
