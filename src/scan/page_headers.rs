//! A look at the page headers of a column chunk before a decoder trusts them.
//!
//! The `parquet` crate allocates what a page header declares; a header of 20 bytes can ask for 2 GiB. The headers are
//! Thrift compact structures (`PageHeader` in parquet.thrift): field 2 is the uncompressed size, field 3 the
//! compressed size, and the page's bytes follow.

/// Small enough to allocate whatever the footer says.
const HARMLESS_PAGE_BYTES: i64 = 64 << 20;

/// Checks every page of a chunk: its size must be within the chunk's bytes when compressed, and within what the
/// footer declares for the chunk when not. The error says which page is wrong.
pub(super) fn check(chunk: &[u8], declared_uncompressed: i64) -> Result<(), String> {
    let mut rest = chunk;
    let mut page = 0;
    while !rest.is_empty() {
        let mut header = Thrift { bytes: rest };
        let (uncompressed, compressed) = header
            .page_sizes()
            .ok_or_else(|| format!("the header of page {page} cannot be read"))?;
        rest = header.bytes;
        if uncompressed < 0 || uncompressed > declared_uncompressed.max(HARMLESS_PAGE_BYTES) {
            return Err(format!(
                "page {page} declares {uncompressed} bytes, more than the {declared_uncompressed} of its whole column chunk"
            ));
        }
        let size = usize::try_from(compressed)
            .ok()
            .filter(|size| *size <= rest.len());
        let size = size.ok_or_else(|| {
            format!("page {page} declares {compressed} bytes, beyond the end of its column chunk")
        })?;
        rest = &rest[size..];
        page += 1;
    }
    Ok(())
}

/// A reader of Thrift's compact protocol that knows just enough to pass over what it does not want.
struct Thrift<'a> {
    bytes: &'a [u8],
}

/// Nested deeper than this, a page header is not one.
const DEPTH_AT_MOST: u32 = 8;

impl Thrift<'_> {
    /// Reads one `PageHeader`: (uncompressed, compressed) sizes in bytes.
    fn page_sizes(&mut self) -> Option<(i64, i64)> {
        let (mut uncompressed, mut compressed) = (None, None);
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match field {
                2 => uncompressed = Some(self.zigzag()?),
                3 => compressed = Some(self.zigzag()?),
                _ => self.skip(kind, 0)?,
            }
        }
        Some((uncompressed?, compressed?))
    }

    /// The type of the next field, whose id goes to `id`; `Some(None)` at the end of the structure.
    #[expect(
        clippy::option_option,
        reason = "unreadable, the end, and a field are three things"
    )]
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.zigzag()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(Some(byte & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > DEPTH_AT_MOST {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => self.pass(1)?,
            4..=6 => {
                self.varint()?;
            }
            7 => self.pass(8)?,
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.pass(length)?;
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 {
                    self.varint()?
                } else {
                    u64::from(head >> 4)
                };
                self.skip_items(count, &[head & 0x0f], depth)?;
            }
            11 => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    self.skip_items(count, &[kinds >> 4, kinds & 0x0f], depth)?;
                }
            }
            12 => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn skip_items(&mut self, count: u64, kinds: &[u8], depth: u32) -> Option<()> {
        for _ in 0..count {
            for kind in kinds {
                // Within a list, a boolean takes a byte of its own.
                if matches!(kind, 1 | 2) {
                    self.pass(1)?;
                } else {
                    self.skip(*kind, depth + 1)?;
                }
            }
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn pass(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// type, uncompressed size, compressed size, stop; then the page.
    fn page(uncompressed: i64, compressed: i64, body: usize) -> Vec<u8> {
        let mut bytes = vec![0x15, 0x00];
        for size in [uncompressed, compressed] {
            bytes.push(0x15);
            let mut raw = ((size << 1) ^ (size >> 63)) as u64;
            while raw >= 0x80 {
                bytes.push(raw as u8 | 0x80);
                raw >>= 7;
            }
            bytes.push(raw as u8);
        }
        bytes.push(0);
        bytes.extend(std::iter::repeat_n(7, body));
        bytes
    }

    #[test]
    fn absurd_sizes_are_refused_and_plausible_ones_pass() {
        let two = [page(100, 10, 10), page(50, 5, 5)].concat();
        assert_eq!(check(&two, 150), Ok(()));
        assert!(
            check(&page(i64::from(i32::MAX), 10, 10), 150)
                .is_err_and(|e| e.contains("declares 2147483647"))
        );
        assert!(check(&page(-1, 10, 10), 150).is_err());
        assert!(check(&page(10, 11, 10), 150).is_err_and(|e| e.contains("beyond the end")));
        assert!(check(&[0xff; 40], 150).is_err());
    }
}
