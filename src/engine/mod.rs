//! The query thread: requests in, replies out, and never a wait on the caller's side.
//!
//! One thread named `azof-engine` owns a runtime for stores and decoding. It is spoken to through channels, in plain
//! data. Requests travel in lanes, one for each thing on screen.

mod export;
mod lanes;
mod preparation;
mod protocol;
mod worker;

pub use protocol::{Answer, Exported, Lane, Reply, Request, RequestId, TableInfo};
pub use worker::{EngineHandle, runtime};
