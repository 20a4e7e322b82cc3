//! A store in memory that is no quiet place: operations of it go wrong, and others are at work in it meanwhile.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each test file uses its share, and a broken fixture should stop it"
)]

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

/// What is to become of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Works,
    Fails,
    WorksAndFails,
    ComesShort,
}

/// What others do, on the store without meddling.
type Meddling = Box<dyn Fn(Arc<InMemory>) -> BoxFuture<'static, ()> + Send + Sync>;

pub struct MeddlingStore {
    pub inner: Arc<InMemory>,
    /// Asked at every operation.
    fate: Box<dyn Fn() -> Fate + Send + Sync>,
    /// Happens whenever a data file was put.
    after_data_file: Meddling,
}

impl MeddlingStore {
    /// A store whose operations have fates.
    pub fn of_fate(
        inner: Arc<InMemory>,
        fate: impl Fn() -> Fate + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner,
            fate: Box::new(fate),
            after_data_file: Box::new(|_| Box::pin(async {})),
        })
    }

    /// A store in which others do something whenever a data file was put.
    pub fn after_data_files(
        inner: &Arc<InMemory>,
        meddling: impl Fn(Arc<InMemory>) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            fate: Box::new(|| Fate::Works),
            after_data_file: Box::new(meddling),
        })
    }
}

fn broken() -> object_store::Error {
    object_store::Error::Generic {
        store: "meddling",
        source: "it was made to fail".into(),
    }
}

impl fmt::Debug for MeddlingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeddlingStore")
    }
}

impl fmt::Display for MeddlingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("meddling")
    }
}

#[async_trait]
impl ObjectStore for MeddlingStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        match (self.fate)() {
            Fate::Works => {
                let put = self.inner.put_opts(location, payload, options).await?;
                if location.as_ref().ends_with(".parquet") {
                    (self.after_data_file)(Arc::clone(&self.inner)).await;
                }
                Ok(put)
            }
            Fate::Fails | Fate::ComesShort => Err(broken()),
            Fate::WorksAndFails => {
                self.inner.put_opts(location, payload, options).await?;
                Err(broken())
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        match (self.fate)() {
            Fate::Works => self.inner.get_opts(location, options).await,
            Fate::Fails | Fate::WorksAndFails => Err(broken()),
            Fate::ComesShort => {
                let is_head = options.head;
                let answer = self.inner.get_opts(location, options).await?;
                if is_head {
                    return Ok(answer);
                }
                let (meta, range, attributes) = (
                    answer.meta.clone(),
                    answer.range.clone(),
                    answer.attributes.clone(),
                );
                let bytes = answer.bytes().await?;
                let half = bytes.slice(..bytes.len() / 2);
                Ok(GetResult {
                    payload: GetResultPayload::Stream(
                        futures::stream::once(async move { Ok(half) }).boxed(),
                    ),
                    meta,
                    range,
                    attributes,
                })
            }
        }
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> object_store::Result<Vec<Bytes>> {
        match (self.fate)() {
            Fate::Works => self.inner.get_ranges(location, ranges).await,
            Fate::Fails | Fate::WorksAndFails => Err(broken()),
            Fate::ComesShort => {
                let whole = self.inner.get_ranges(location, ranges).await?;
                Ok(whole.into_iter().map(|b| b.slice(..b.len() / 2)).collect())
            }
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        match (self.fate)() {
            Fate::Works => self.inner.delete_stream(locations),
            Fate::Fails | Fate::ComesShort => {
                futures::stream::once(async { Err(broken()) }).boxed()
            }
            Fate::WorksAndFails => self
                .inner
                .delete_stream(locations)
                .map(|_| Err(broken()))
                .boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        match (self.fate)() {
            Fate::Works => self.inner.list_with_delimiter(prefix).await,
            _ => Err(broken()),
        }
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
