//! Where queries put what memory does not hold: files without a name, which are gone with the one who opened them,
//! however that ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManagerMode;
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::stream::{self, Stream};

/// Bytes that are read back at a time.
const READ_BYTES: u64 = 128 << 10;

/// Spilling to such files.
pub(super) fn to_unnamed_files() -> DiskManagerMode {
    DiskManagerMode::Custom(Arc::new(UnnamedFiles))
}

struct UnnamedFiles;

impl TempFileFactory for UnnamedFiles {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        let file = tempfile::tempfile().map_err(DataFusionError::IoError)?;
        Ok(Arc::new(UnnamedFile(Arc::new(Contents {
            file,
            length: AtomicU64::new(0),
        }))))
    }
}

/// What has been written, which only grows.
struct Contents {
    file: File,
    length: AtomicU64,
}

struct UnnamedFile(Arc<Contents>);

impl SpillFile for UnnamedFile {
    fn size(&self) -> Option<u64> {
        Some(self.0.length.load(Ordering::Acquire))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let pieces = stream::try_unfold((Arc::clone(&self.0), 0), |(contents, at)| async move {
            let left = contents.length.load(Ordering::Acquire).saturating_sub(at);
            if left == 0 {
                return Ok(None);
            }
            let reading = Arc::clone(&contents);
            let read = move || {
                let mut piece = vec![0; left.min(READ_BYTES) as usize];
                reading.file.read_exact_at(&mut piece, at)?;
                Ok::<_, io::Error>(piece)
            };
            let piece = tokio::task::spawn_blocking(read).await;
            let piece = piece
                .unwrap_or_else(|e| Err(io::Error::other(e)))
                .map_err(DataFusionError::IoError)?;
            let next = at + piece.len() as u64;
            Ok(Some((Bytes::from(piece), (contents, next))))
        });
        Ok(Box::pin(pieces))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Appending(Arc::clone(&self.0))))
    }
}

/// Appends; a file has one writer.
struct Appending(Arc<Contents>);

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.0.length.load(Ordering::Acquire);
        let written = self.0.file.write_at(bytes, at)?;
        self.0.length.store(at + written as u64, Ordering::Release);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Appending {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    #[tokio::test]
    async fn what_is_written_is_read_back_while_more_is_written() {
        let file = UnnamedFiles.create_temp_file("a test").expect("a file");
        let mut writer = file.open_writer().expect("a writer");
        let first = vec![7; READ_BYTES as usize + 5];
        writer.write_all(&first).expect("room");
        let read: Vec<Bytes> = file
            .read_stream()
            .expect("a stream")
            .try_collect()
            .await
            .expect("bytes");
        assert_eq!(read.concat(), first);
        writer.write_all(b"more").expect("room");
        writer.finish().expect("an end");
        let read: Vec<Bytes> = file
            .read_stream()
            .expect("a stream")
            .try_collect()
            .await
            .expect("bytes");
        assert_eq!(read.concat(), [first.as_slice(), b"more"].concat());
        assert_eq!(
            (file.size(), file.path()),
            (Some(first.len() as u64 + 4), None)
        );
    }
}
