//! Invents a large table of events, to measure on: ten years of changes to a tenth as many keys.
//!
//!     cargo run --release --example make_events -- LAKE 1000000
//!
//! Seeded, so the same files come out every time. Half of the keys exist from the start; the others are born evenly
//! over the years. Events fall on whole hours. Year segments hold quarter segments; a year's base holds every key and a
//! quarter's only those touched since its year began, both in key order, as compaction leaves them; a quarter has a
//! delta a month, newest first.

mod random;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use azof_tui::EventTime;
use azof_tui::event_time::parse_calendar;
use azof_tui::format::{Column, DataType};
use azof_tui::snapshot::output_schema;
use azof_tui::write::encode_data_file;
use random::Random;
use serde_json::{Value, json};

const SEED: u64 = 0x0a20_f00d;
const FIRST_YEAR: i32 = 2010;
const YEARS: i32 = 10;
const HOUR_MS: i64 = 3_600_000;
const STATUSES: [&str; 6] = ["open", "packed", "shipped", "delivered", "returned", "lost"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(lake), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: make_events LAKE EVENTS".into());
    };
    let events = Events::invent(count.parse()?);
    let table = PathBuf::from(lake).join("events");
    fs::create_dir_all(&table)?;
    let segments = events.write_segments(&table)?;
    let columns: Vec<Value> = schema()
        .iter()
        .map(|c| json!({ "name": c.name, "data_type": c.data_type.to_string(), "nullable": c.nullable }))
        .collect();
    let manifest = json!({ "schema": { "columns": columns }, "segments": segments });
    fs::write(
        table.join("s1.json"),
        serde_json::to_string_pretty(&manifest)?,
    )?;
    fs::write(table.join("version.txt"), "1")?;
    Ok(())
}

fn schema() -> Vec<Column> {
    [
        ("price", DataType::Int, false),
        ("quantity", DataType::Int, true),
        ("status", DataType::String, false),
        ("note", DataType::String, true),
        ("active", DataType::Boolean, false),
        ("agent", DataType::String, false),
        ("due", DataType::DateTime, true),
    ]
    .into_iter()
    .map(|(name, data_type, nullable)| Column {
        name: name.to_owned(),
        data_type,
        nullable,
        stored_as: None,
    })
    .collect()
}

/// All events, oldest first. The values of an event are drawn from its position, so none need be kept.
struct Events {
    keys: Vec<u32>,
    hours: Vec<u32>,
}

impl Events {
    fn invent(count: usize) -> Self {
        let mut random = Random(SEED);
        let population = (count / 10).max(2);
        let mut events = Self {
            keys: Vec::with_capacity(count),
            hours: Vec::with_capacity(count),
        };
        let hours = (instant(FIRST_YEAR + YEARS, 1) - instant(FIRST_YEAR, 1)) / HOUR_MS;
        let mut born = population / 2;
        // The state before the first event: what exists is there from the first hour on.
        for key in 0..born {
            events.keys.push(key as u32);
            events.hours.push(0);
        }
        let mut last_hour = vec![0; population];
        for i in 0..count - born {
            let hour = (i as i64 * hours / (count - born) as i64) as u32;
            let is_birth = born < population && i % 18 == 0;
            let mut key = if is_birth { born } else { random.below(born) };
            // One row a key and hour; the first hour is full, so births alone fall into it.
            while !is_birth && last_hour[key] == hour && hour > 0 {
                key = random.below(born);
            }
            if !is_birth && hour == 0 {
                continue;
            }
            born += usize::from(is_birth);
            last_hour[key] = hour;
            events.keys.push(key as u32);
            events.hours.push(hour);
        }
        events
    }

    /// The positions of the events within `from..to` (milliseconds).
    fn within(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let at = |ms: i64| {
            self.hours
                .partition_point(|h| instant(FIRST_YEAR, 1) + i64::from(*h) * HOUR_MS < ms)
        };
        at(from)..at(to)
    }

    /// The newest event of every key within `from..to`, in key order.
    fn newest(&self, from: i64, to: i64) -> Vec<usize> {
        let mut newest = std::collections::HashMap::new();
        for i in self.within(from, to) {
            newest.insert(self.keys[i], i);
        }
        let mut rows: Vec<usize> = newest.into_values().collect();
        rows.sort_by_cached_key(|i| name_of(self.keys[*i]));
        rows
    }

    fn write_segments(&self, table: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
        let mut segments = Vec::new();
        let beginning = instant(FIRST_YEAR, 1);
        for year in FIRST_YEAR..=FIRST_YEAR + YEARS {
            let (start, end) = (instant(year, 1), instant(year + 1, 1));
            let mut segment = json!({ "id": format!("y{year}"), "start": text(start) });
            let base = if year == FIRST_YEAR {
                self.newest(beginning, beginning + 1)
            } else {
                self.newest(beginning, start)
            };
            segment["file"] = json!(self.write_file(table, &format!("y{year}_base"), &base)?);
            if year == FIRST_YEAR + YEARS {
                segments.push(segment);
                break;
            }
            segment["end"] = json!(text(end - 1));
            let mut quarters = Vec::new();
            for quarter in 0..4 {
                quarters.push(self.write_quarter(table, year, quarter)?);
            }
            segment["segments"] = json!(quarters);
            segments.push(segment);
        }
        Ok(segments)
    }

    fn write_quarter(
        &self,
        table: &Path,
        year: i32,
        quarter: i32,
    ) -> Result<Value, Box<dyn Error>> {
        let month_of = |n: i32| instant(year + n / 12, n % 12 + 1);
        let (from, to) = (month_of(quarter * 3), month_of(quarter * 3 + 3));
        let name = format!("y{year}_q{}", quarter + 1);
        let mut segment = json!({ "id": name, "start": text(from), "end": text(to - 1) });
        let base = self.newest(instant(year, 1), from);
        if !base.is_empty() {
            segment["file"] = json!(self.write_file(table, &format!("{name}_base"), &base)?);
        }
        let mut deltas = Vec::new();
        for month in (quarter * 3..quarter * 3 + 3).rev() {
            let (from, to) = (month_of(month), month_of(month + 1));
            let rows: Vec<usize> = self.within(from, to).rev().collect();
            let file = self.write_file(table, &format!("y{year}_m{:02}", month + 1), &rows)?;
            deltas.push(json!({ "file": file, "start": text(from), "end": text(to - 1) }));
        }
        segment["delta"] = json!(deltas);
        Ok(segment)
    }

    /// Writes the rows of these events, and answers the file's name.
    fn write_file(
        &self,
        table: &Path,
        name: &str,
        rows: &[usize],
    ) -> Result<String, Box<dyn Error>> {
        let drawn: Vec<Values> = rows.iter().map(|i| Values::of(*i, self.time(*i))).collect();
        let times: TimestampMillisecondArray = rows
            .iter()
            .map(|i| self.time(*i))
            .collect::<Vec<i64>>()
            .into();
        let due: TimestampMillisecondArray = drawn.iter().map(|v| v.due).collect();
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(
                rows.iter()
                    .map(|i| Some(name_of(self.keys[*i])))
                    .collect::<StringArray>(),
            ),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(drawn.iter().map(|v| Some(v.price)).collect::<Int64Array>()),
            Arc::new(drawn.iter().map(|v| v.quantity).collect::<Int64Array>()),
            Arc::new(
                drawn
                    .iter()
                    .map(|v| Some(v.status))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                drawn
                    .iter()
                    .map(|v| v.note.as_deref())
                    .collect::<StringArray>(),
            ),
            Arc::new(
                drawn
                    .iter()
                    .map(|v| Some(v.active))
                    .collect::<BooleanArray>(),
            ),
            Arc::new(
                drawn
                    .iter()
                    .map(|v| Some(v.agent.as_str()))
                    .collect::<StringArray>(),
            ),
            Arc::new(due.with_timezone("UTC")),
        ];
        let batch = RecordBatch::try_new(output_schema(&schema()), arrays)?;
        let file = format!("{name}.parquet");
        fs::write(table.join(&file), encode_data_file(&batch)?)?;
        Ok(file)
    }

    fn time(&self, event: usize) -> i64 {
        instant(FIRST_YEAR, 1) + i64::from(self.hours[event]) * HOUR_MS
    }
}

/// The values of one event.
struct Values {
    price: i64,
    quantity: Option<i64>,
    status: &'static str,
    note: Option<String>,
    active: bool,
    agent: String,
    due: Option<i64>,
}

impl Values {
    fn of(event: usize, at: i64) -> Self {
        let mut random = Random(SEED ^ event as u64);
        Self {
            price: random.below(10_000_000) as i64,
            quantity: (random.below(8) > 0).then_some(random.below(1_000) as i64),
            status: STATUSES[random.below(STATUSES.len())],
            note: (random.below(3) > 0)
                .then(|| format!("handled at desk {:06}", random.below(1_000_000))),
            active: random.below(4) > 0,
            agent: format!("agent-{:03}", random.below(500)),
            due: (random.below(10) > 0).then_some(at + random.below(90) as i64 * 24 * HOUR_MS),
        }
    }
}

/// Names are scattered, so that key order is not the order of birth.
fn name_of(key: u32) -> String {
    format!("AC{:08}", u64::from(key) * 2_654_435_761 % 100_000_000)
}

fn instant(year: i32, month: i32) -> i64 {
    parse_calendar(&format!("{year}-{month:02}")).map_or(0, EventTime::ms)
}

fn text(ms: i64) -> String {
    EventTime::from_ms(ms).to_string()
}
