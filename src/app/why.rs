//! Why the row under the cursor is what it is: where it lies, which rows it beat, and what finding that took.

use std::sync::Arc;

use crate::engine::{Request, RequestId};
use crate::error::{Error, ErrorKind};
use crate::event_time::AsOf;
use crate::provenance::Provenance;

use super::{App, Effect, Overlay, Scroll, TableView};

/// Why a row is what it is.
#[derive(Debug)]
pub struct WhyView {
    /// Its key.
    pub key: String,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// The answer, once it is there; of the moment that it names.
    pub answer: Option<Result<Arc<Provenance>, Error>>,
    id: RequestId,
}

impl TableView {
    /// The moment of the rows that the cursor is on: the playhead's, or that of the side of a comparison that is shown.
    pub fn moment_of_rows(&self) -> AsOf {
        match self.compared() {
            Some((a, _)) if self.flipped => a,
            Some((_, b)) => b,
            None => self.playhead,
        }
    }
}

impl App {
    /// Asks why the row under the cursor is what it is.
    pub(super) fn open_why(&mut self) -> Vec<Effect> {
        let Some(key) = self.key_under_cursor() else {
            self.notify("there is no row here");
            return Vec::new();
        };
        self.overlay = Some(Overlay::Why(WhyView {
            key,
            scroll: Scroll::default(),
            answer: None,
            id: RequestId(0),
        }));
        self.read_open_why().into_iter().collect()
    }

    /// Asks for the answer of the moment on screen.
    pub(super) fn read_open_why(&mut self) -> Option<Effect> {
        let Some(Overlay::Why(open)) = &self.overlay else {
            return None;
        };
        let key = open.key.clone();
        let request = Request::Why {
            table: self.current()?.name.clone(),
            as_of: self.view()?.moment_of_rows(),
            key,
        };
        let effect = self.send(request);
        let id = self.last_id;
        if let Some(Overlay::Why(open)) = &mut self.overlay {
            open.id = id;
        }
        Some(effect)
    }

    /// The answer, or why there is none.
    pub(super) fn on_why(&mut self, id: RequestId, answer: Result<Arc<Provenance>, Error>) {
        // One that was overtaken is not of this moment.
        let cancelled = |e: &Error| e.kind() == ErrorKind::Cancelled;
        if let Some(Overlay::Why(open)) = &mut self.overlay
            && open.id == id
            && !answer.as_ref().is_err_and(cancelled)
        {
            open.answer = Some(answer);
        }
    }
}
