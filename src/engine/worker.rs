//! The thread that runs requests.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::AsOf;
use crate::format::Projection;
use crate::lakehouse::{Lakehouse, Table};
use crate::open_tables::OpenTables;
use crate::snapshot::Snapshot;
use crate::sql::ExecutionContext;

use super::export::export;
use super::lanes::LaneState;
use super::preparation::{Preparation, Shown, Task};
use super::protocol::{Answer, Lane, Reply, Request, RequestId, TableInfo};

/// Tables of a list opened at the same time.
const OPENED_AT_ONCE: usize = 8;

/// How often a long read says how far it has come.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// The other end of the engine's channels. Dropping it ends the engine without waiting for what still runs.
#[derive(Debug)]
pub struct EngineHandle {
    commands: UnboundedSender<Command>,
}

enum Command {
    Run(RequestId, Request),
    Cancel(Lane),
    Ended(Lane, RequestId),
    Shown(Box<Shown>),
    Prepared { given_up: bool },
    Quit,
}

/// Makes a runtime for stores and decoding, whose threads bear this name.
pub fn runtime(thread_name: &str) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name(thread_name)
        .enable_all()
        .build()
        .map_err(|e| {
            Error::new(
                ErrorKind::Usage,
                format!("the machine gives no threads: {e}"),
            )
        })
}

impl EngineHandle {
    /// Starts the engine's thread on a lake. Replies come through the receiver, in any order between lanes.
    pub fn start(lake: Lakehouse) -> Result<(Self, UnboundedReceiver<Reply>)> {
        let (commands, inbox) = unbounded_channel();
        let (replies, outbox) = unbounded_channel();
        let engine = Engine {
            tables: Arc::new(OpenTables::new(lake)),
            kept_side: Arc::default(),
            queries: Arc::default(),
            lanes: HashMap::new(),
            preparation: Preparation::default(),
            commands: commands.clone(),
            replies,
        };
        let spawned = thread::Builder::new()
            .name("azof-engine".to_owned())
            .spawn(move || {
                let Ok(runtime) = runtime("azof-engine") else {
                    return;
                };
                runtime.block_on(engine.run(inbox));
                // A read that hangs in a slow store must not hold up quitting.
                runtime.shutdown_background();
            });
        spawned.map_err(|e| {
            Error::new(
                ErrorKind::Usage,
                format!("the engine's thread cannot start: {e}"),
            )
        })?;
        Ok((Self { commands }, outbox))
    }

    /// Sends a request; it replaces the one that waits in its lane.
    pub fn send(&self, id: RequestId, request: Request) {
        // The engine outlives the handle, unless its thread died, and then no reply comes either.
        let _ = self.commands.send(Command::Run(id, request));
    }

    /// Cancels what runs and what waits in a lane; each is answered by [`Answer::Failed`].
    pub fn cancel(&self, lane: Lane) {
        let _ = self.commands.send(Command::Cancel(lane));
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Quit);
    }
}

/// The fixed side of the last comparison, with what it was asked as.
type KeptSide = Arc<Mutex<Option<((String, AsOf, Projection), Arc<Snapshot>)>>>;

struct Engine {
    tables: Arc<OpenTables>,
    /// The session of SQL: made when the first query is asked, so that who asks none waits for none.
    queries: Arc<OnceLock<ExecutionContext>>,
    kept_side: KeptSide,
    lanes: HashMap<Lane, LaneState>,
    preparation: Preparation,
    commands: UnboundedSender<Command>,
    replies: UnboundedSender<Reply>,
}

impl Engine {
    async fn run(mut self, mut inbox: UnboundedReceiver<Command>) {
        loop {
            let deadline = self.lanes.values().filter_map(LaneState::deadline).min();
            let expiry = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let command = tokio::select! {
                command = inbox.recv() => command,
                () = expiry => {
                    self.lanes.values_mut().for_each(|lane| lane.expire(Instant::now()));
                    continue;
                }
            };
            let lane = match command {
                None | Some(Command::Quit) => break,
                Some(Command::Run(id, request)) => {
                    let lane = request.lane();
                    self.lanes.entry(lane).or_default().push(id, request);
                    lane
                }
                Some(Command::Cancel(lane)) => {
                    if let Some(id) = self.lanes.entry(lane).or_default().cancel() {
                        let _ = self.replies.send(Reply {
                            id,
                            lane,
                            answer: Answer::Failed(Error::cancelled()),
                        });
                    }
                    lane
                }
                Some(Command::Ended(lane, id)) => {
                    self.lanes.entry(lane).or_default().ended(id);
                    lane
                }
                Some(Command::Shown(shown)) => {
                    self.preparation.show(&shown);
                    self.prepare_next();
                    continue;
                }
                Some(Command::Prepared { given_up }) => {
                    self.preparation.ended(given_up);
                    self.prepare_next();
                    continue;
                }
            };
            let state = self.lanes.entry(lane).or_default();
            state.expire(Instant::now());
            while let Some((id, request, cancel)) =
                self.lanes.entry(lane).or_default().next(Instant::now())
            {
                let job = self.job(lane, id, cancel);
                match job.answer_at_once(&request) {
                    Some(shown) => {
                        self.lanes.entry(lane).or_default().ended(id);
                        self.preparation.show(&shown);
                        self.prepare_next();
                    }
                    None => Self::spawn(job, request),
                }
            }
        }
        self.preparation.stop();
        for lane in self.lanes.values_mut() {
            lane.cancel();
        }
    }

    fn prepare_next(&mut self) {
        let Some(Task {
            table,
            epoch,
            projection,
            cancel,
        }) = self.preparation.next()
        else {
            return;
        };
        let commands = self.commands.clone();
        tokio::spawn(async move {
            let preparing = table.in_background();
            // Where it fails, a read of that moment says so.
            let done = AssertUnwindSafe(preparing.prepare(&epoch, &projection, &cancel))
                .catch_unwind()
                .await;
            let is_prepared = matches!(done, Ok(Ok(true))) || cancel.is_cancelled();
            let _ = commands.send(Command::Prepared {
                given_up: !is_prepared,
            });
        });
    }

    fn job(&self, lane: Lane, id: RequestId, cancel: CancelToken) -> Job {
        Job {
            tables: Arc::clone(&self.tables),
            kept_side: Arc::clone(&self.kept_side),
            queries: Arc::clone(&self.queries),
            cancel,
            reply: ReplyTo {
                id,
                lane,
                replies: self.replies.clone(),
            },
            commands: self.commands.clone(),
        }
    }

    fn spawn(job: Job, request: Request) {
        tokio::spawn(async move {
            let (reply, commands) = (job.reply.clone(), job.commands.clone());
            let outcome = AssertUnwindSafe(job.run(request)).catch_unwind().await;
            let _ = commands.send(Command::Ended(reply.lane, reply.id));
            reply.send(match outcome {
                Ok(Ok(())) => Answer::Done,
                Ok(Err(e)) => Answer::Failed(e),
                Err(_) => Answer::Failed(Error::new(ErrorKind::DataFile, "reading failed inside")),
            });
        });
    }
}

#[derive(Clone)]
pub(super) struct ReplyTo {
    id: RequestId,
    lane: Lane,
    replies: UnboundedSender<Reply>,
}

impl ReplyTo {
    pub(super) fn send(&self, answer: Answer) {
        // With the screen gone, nobody wants the reply.
        let _ = self.replies.send(Reply {
            id: self.id,
            lane: self.lane,
            answer,
        });
    }
}

/// One request being answered.
pub(super) struct Job {
    pub(super) tables: Arc<OpenTables>,
    kept_side: KeptSide,
    pub(super) queries: Arc<OnceLock<ExecutionContext>>,
    pub(super) cancel: CancelToken,
    pub(super) reply: ReplyTo,
    commands: UnboundedSender<Command>,
}

impl Job {
    /// Answers what the index has at hand, without the way through a task; tells then what is on screen.
    fn answer_at_once(&self, request: &Request) -> Option<Shown> {
        let Request::Snapshot {
            table,
            as_of,
            projection,
        } = request
        else {
            return None;
        };
        let table = self.tables.get(table)?;
        let snapshot = table.prepared_snapshot(*as_of, projection)?;
        self.reply.send(Answer::Snapshot(Arc::new(snapshot)));
        self.reply.send(Answer::Done);
        Some(Shown {
            table,
            as_of: *as_of,
            projection: projection.clone(),
        })
    }

    /// Tells the engine what is on screen, so that it makes ready what may come next.
    pub(super) async fn shown(
        &self,
        table: &str,
        as_of: AsOf,
        projection: Projection,
    ) -> Result<()> {
        let table = self.table(table).await?;
        let shown = Shown {
            table,
            as_of,
            projection,
        };
        let _ = self.commands.send(Command::Shown(Box::new(shown)));
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm a request")]
    async fn run(&self, request: Request) -> Result<()> {
        match request {
            Request::Tables { first } => self.list_tables(first).await,
            Request::Timeline { table } => {
                let table = self.table(&table).await?;
                let progress = |p| self.reply.send(Answer::TimelineProgress(p));
                let ticks = table
                    .in_background()
                    .ticks_with(&self.cancel, progress)
                    .await?;
                self.reply.send(Answer::Ticks(Arc::new(ticks)));
                Ok(())
            }
            Request::Snapshot {
                table,
                as_of,
                projection,
            } => {
                let snapshot = self.read_rows(&table, as_of, &projection).await?;
                self.reply.send(Answer::Snapshot(snapshot));
                self.shown(&table, as_of, projection).await
            }
            Request::Arranged {
                table,
                as_of,
                projection,
                arrangement,
            } => {
                self.answer_arranged(&table, as_of, &projection, arrangement)
                    .await
            }
            find @ Request::Find { .. } => self.answer_find(find).await,
            Request::Compare {
                table,
                from,
                to,
                projection,
                arrangement,
            } => {
                let a = self.read_kept_side(&table, from, &projection).await?;
                let b = self.read_rows(&table, to, &projection).await?;
                let comparing = self.table(&table).await?;
                let diff = Arc::new(comparing.compare(a, b, &self.cancel).await?);
                let arranged = self.arrange_comparison(&comparing, &diff, arrangement);
                self.reply
                    .send(Answer::Compared(Arc::clone(&diff), arranged.await?));
                self.shown(&table, to, projection).await
            }
            Request::Row { table, as_of, key } => {
                let snapshot = self
                    .table(&table)
                    .await?
                    .snapshot(as_of, &Projection::All, &self.cancel)
                    .await?;
                let row = snapshot.find(&key).ok();
                self.reply.send(Answer::Row(Arc::new(snapshot), row));
                Ok(())
            }
            Request::Why { table, as_of, key } => {
                let table = self.table(&table).await?;
                let why = table.provenance(&key, as_of, &self.cancel).await?;
                self.reply.send(Answer::Why(Arc::new(why)));
                Ok(())
            }
            Request::History { table, key } => {
                let table = self.table(&table).await?;
                let history = table.history(&key, &Projection::All, &self.cancel).await?;
                self.reply.send(Answer::History(Arc::new(history)));
                Ok(())
            }
            Request::Statistics {
                table,
                snapshot,
                order,
                column,
                bins,
            } => {
                self.answer_statistics(&table, (snapshot, order), &column, bins)
                    .await
            }
            Request::When {
                table,
                condition,
                key,
                ticks,
            } => self.answer_when(&table, &condition, key, ticks).await,
            Request::Series {
                table,
                function,
                column,
                ticks,
            } => self.answer_series(&table, (function, column), ticks).await,
            Request::Export {
                rows,
                path,
                format,
                existing,
            } => {
                let rows = export(rows, (path, format, existing), &self.cancel).await?;
                self.reply.send(Answer::Exported(rows));
                Ok(())
            }
            Request::Query {
                sql,
                as_of,
                compare,
            } => self.answer_query(&sql, as_of, compare).await,
            Request::RowCounts { tables } => {
                for name in tables {
                    // A table that cannot be read says so where it is listed and opened, not here.
                    let Ok(table) = self.table(&name).await else {
                        continue;
                    };
                    let nothing = Projection::Columns(Vec::new());
                    match table
                        .in_background()
                        .snapshot(table.newest_moment(), &nothing, &self.cancel)
                        .await
                    {
                        Ok(snapshot) => self.reply.send(Answer::RowCount(name, Ok(snapshot.len()))),
                        Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                        Err(e) => self.reply.send(Answer::RowCount(name, Err(e))),
                    }
                }
                Ok(())
            }
        }
    }

    /// Reads rows, and tells every now and then how far that has come.
    pub(super) async fn read_rows(
        &self,
        table: &str,
        as_of: AsOf,
        projection: &Projection,
    ) -> Result<Arc<Snapshot>> {
        let table = self.table(table).await?;
        let done = AtomicUsize::new(0);
        let total = AtomicUsize::new(0);
        let count = |read: usize, of: usize| {
            done.store(read, Ordering::Relaxed);
            total.store(of, Ordering::Relaxed);
        };
        let reading = table.snapshot_with(as_of, projection, &self.cancel, &count);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                biased;
                snapshot = &mut reading => return snapshot.map(Arc::new),
                () = tokio::time::sleep(PROGRESS_EVERY) => {
                    let (read, of) = (done.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
                    self.reply.send(Answer::SnapshotProgress(read, of));
                }
            }
        }
    }

    /// Reads the fixed side of a comparison, which stays the same while the other one moves.
    async fn read_kept_side(
        &self,
        table: &str,
        as_of: AsOf,
        projection: &Projection,
    ) -> Result<Arc<Snapshot>> {
        // An index compares two of its moments at the cost of what lies between them.
        if let Some(snapshot) = self
            .table(table)
            .await?
            .prepared_snapshot(as_of, projection)
        {
            return Ok(Arc::new(snapshot));
        }
        let key = (table.to_owned(), as_of, projection.clone());
        if let Some((held, snapshot)) = self.kept_side.lock().await.as_ref()
            && *held == key
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = self.read_rows(table, as_of, projection).await?;
        *self.kept_side.lock().await = Some((key, Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// Names first; then the table that is wanted, or else the first one; then the others, several at a time.
    async fn list_tables(&self, first: Option<String>) -> Result<()> {
        let names = match (
            self.cancel.run(self.tables.lake().table_names()).await,
            &first,
        ) {
            (Ok(names), _) => names,
            // Some stores cannot list, but can open what has a name.
            (Err(e), Some(_)) if e.kind() == ErrorKind::Store => Vec::from_iter(first.clone()),
            (Err(e), _) => return Err(e),
        };
        self.reply.send(Answer::TableNames(names.clone()));
        let first = first
            .filter(|f| names.contains(f))
            .or_else(|| names.first().cloned());
        if let Some(first) = &first {
            self.open_listed(first).await?;
        }
        let others = names.iter().filter(|n| Some(*n) != first.as_ref());
        let others: Vec<_> = others.map(|n| self.open_listed(n).boxed()).collect();
        stream::iter(others)
            .buffer_unordered(OPENED_AT_ONCE)
            .try_collect()
            .await
    }

    async fn open_listed(&self, name: &str) -> Result<()> {
        self.cancel.check()?;
        let info = self.table(name).await.map(|table| TableInfo {
            version: table.version(),
            columns: table.manifest().schema.columns().to_vec(),
            files: table.manifest().files().count(),
            segment_edges: table.manifest().segment_edges(),
            newest: table.newest_moment(),
        });
        self.reply.send(Answer::Table(name.to_owned(), info));
        Ok(())
    }

    pub(super) async fn table(&self, name: &str) -> Result<Table> {
        self.cancel.run(self.tables.open(name)).await
    }
}
