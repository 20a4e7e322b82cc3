//! Which files a read as of a moment may see, in order of precedence.

use crate::event_time::{AsOf, EventTime};

use super::{FileName, Manifest};

/// What a file is to its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileRole {
    /// The state at the segment's start.
    Base,
    /// Inserts and updates.
    Delta,
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The data file.
    pub name: FileName,
    /// What it is to its segment.
    pub role: FileRole,
    /// The position of its segment in the manifest.
    pub segment: usize,
    /// None of its rows is visible before this.
    pub visible_from: EventTime,
}

/// The files that a read as of a moment considers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The moment that the plan is for.
    pub as_of: AsOf,
    /// The files; of rows with one key and one event time, the one in the earlier file wins.
    pub files: Vec<PlannedFile>,
}

/// Makes the plan of a read. A moment before the first segment gives an empty plan.
pub fn plan(manifest: &Manifest, as_of: AsOf) -> Plan {
    let kept = manifest
        .segments
        .iter()
        .enumerate()
        .filter(|(_, s)| s.is_kept(as_of));
    let mut files = Vec::new();
    for (index, segment) in kept {
        for delta in &segment.deltas {
            if as_of.admits(delta.start.ms()) {
                files.push(PlannedFile {
                    name: delta.file.clone(),
                    role: FileRole::Delta,
                    segment: index,
                    visible_from: segment.kept_from.max(delta.start),
                });
            }
        }
        if let Some(base) = &segment.base {
            files.push(PlannedFile {
                name: base.clone(),
                role: FileRole::Base,
                segment: index,
                visible_from: segment.kept_from,
            });
        }
    }
    Plan { as_of, files }
}

impl Manifest {
    /// Every file with what a plan would say of it, whatever the moment: what the ticks of a table are made of.
    pub fn all_files(&self) -> Vec<PlannedFile> {
        let mut files = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let deltas = segment
                .deltas
                .iter()
                .map(|d| (&d.file, FileRole::Delta, segment.kept_from.max(d.start)));
            let base = segment
                .base
                .iter()
                .map(|b| (b, FileRole::Base, segment.kept_from));
            files.extend(
                deltas
                    .chain(base)
                    .map(|(name, role, visible_from)| PlannedFile {
                        name: name.clone(),
                        role,
                        segment: index,
                        visible_from,
                    }),
            );
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::parse_rfc3339;

    fn names(manifest: &Manifest, as_of: &str) -> Vec<String> {
        let as_of = match as_of {
            "current" => AsOf::Current,
            text => AsOf::At(parse_rfc3339(text).expect("a time")),
        };
        plan(manifest, as_of)
            .files
            .iter()
            .map(|f| f.name.to_string())
            .collect()
    }

    #[test]
    fn a_plan_is_children_then_deltas_newest_first_then_the_base() {
        let manifest = Manifest::parse(
            br#"{"schema":{"columns":[]},"segments":[
              {"id":"y1","start":"2018-01-01T00:00:00Z","end":"2018-12-31T23:59:59.999Z","file":"y1"},
              {"id":"y2","start":"2019-01-01T00:00:00Z","file":"y2",
               "delta":[{"file":"d1","start":"2019-01-01T00:00:00Z","end":"2019-02-01T00:00:00Z"},
                        {"file":"d2","start":"2019-03-01T00:00:00Z","end":"2019-04-01T00:00:00Z"}],
               "segments":[{"id":"q1","start":"2019-01-01T00:00:00Z","end":"2019-03-31T23:59:59.999Z","file":"q1"},
                           {"id":"q2","start":"2019-04-01T00:00:00Z","file":"q2"}]}]}"#,
        )
        .expect("a manifest");
        assert_eq!(names(&manifest, "2017-12-31T23:59:59.999Z"), [""; 0]);
        assert_eq!(names(&manifest, "2018-12-31T23:59:59.999Z"), ["y1"]);
        assert_eq!(names(&manifest, "2019-02-28T00:00:00Z"), ["q1", "d1", "y2"]);
        assert_eq!(
            names(&manifest, "2019-03-01T00:00:00Z"),
            ["q1", "d2", "d1", "y2"]
        );
        assert_eq!(
            names(&manifest, "2019-04-01T00:00:00Z"),
            ["q2", "d2", "d1", "y2"]
        );
        assert_eq!(names(&manifest, "current"), ["q2", "d2", "d1", "y2"]);
        assert_eq!(manifest.all_files().len(), 6);
    }
}
