//! Running code of others on hostile bytes: a panic there becomes an error here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread runs code whose panic becomes an error, so that a panic hook can keep quiet about it.
pub fn is_contained() -> bool {
    CONTAINED.get()
}

/// Runs `work`; the error is what it panicked with.
///
/// What `work` touches must be thrown away after a panic, which holds for decoders: they are made, run once and
/// dropped.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    outcome.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        said.or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given")
            .to_owned()
    })
}
