//! Invents `test-data/financials`: some 400 companies over 2005 to 2024 that behave like companies.
//!
//!     cargo run --release --example make_financials -- test-data
//!
//! Seeded, so the same files come out every time. What there is to find: industries that grow and fade, listings and
//! silent delistings, seasons, the crisis of 2008 (banks first), the oil price of 2015, the spring of 2020, companies
//! that restate their past, one fraud, mergers, and figures that were never reported. Year segments hold quarter
//! segments; a quarter's base holds only the keys touched since its year began; deltas are written newest first.

mod random;

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use azof_tui::event_time::{month_start, parse_calendar};
use azof_tui::format::{Column, DataType, Version};
use azof_tui::scan::ReadLimits;
use azof_tui::write::{CompactOptions, Input, InputOptions, SegmentBy};
use azof_tui::{EventTime, Lakehouse};
use random::Random;
use serde_json::{Value, json};

const SEED: u64 = 0x0a20_f00d;
const COMPANIES: usize = 400;
const FIRST_YEAR: i32 = 2005;
const LAST_YEAR: i32 = 2024;
const DAY_MS: i64 = 86_400_000;

/// Name, share of the companies, yearly growth, net margin, weight of each quarter's season.
const INDUSTRIES: [(&str, f64, f64, f64, [f64; 4]); 12] = [
    ("Banks", 0.12, 0.03, 0.22, [1.0, 1.0, 1.0, 1.0]),
    ("Biotechnology", 0.11, 0.11, -0.35, [1.0, 1.0, 1.0, 1.0]),
    ("Software", 0.13, 0.12, 0.16, [0.95, 0.98, 0.98, 1.09]),
    ("Retail", 0.09, 0.03, 0.04, [0.88, 0.93, 0.94, 1.25]),
    ("Oil & Gas", 0.09, 0.02, 0.09, [1.02, 0.98, 0.98, 1.02]),
    ("Semiconductors", 0.07, 0.07, 0.17, [0.94, 0.98, 1.03, 1.05]),
    ("Insurance", 0.07, 0.03, 0.10, [1.0, 1.0, 0.97, 1.03]),
    ("Airlines", 0.04, 0.03, 0.04, [0.90, 1.05, 1.12, 0.93]),
    ("Pharmaceuticals", 0.08, 0.05, 0.19, [1.0, 1.0, 1.0, 1.0]),
    ("Utilities", 0.07, 0.02, 0.12, [1.15, 0.90, 0.95, 1.0]),
    ("Newspapers", 0.05, -0.07, 0.05, [0.96, 1.0, 0.96, 1.08]),
    ("Restaurants", 0.08, 0.04, 0.07, [0.95, 1.03, 1.03, 0.99]),
];

/// Draws that companies need.
trait Draw {
    /// Within 0 and 1.
    fn share(&mut self) -> f64;
    fn between(&mut self, low: f64, high: f64) -> f64;
    /// About normal, mean 0, deviation 1.
    fn normal(&mut self) -> f64;
}

impl Draw for Random {
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Report {
    key: String,
    event_time: i64,
    industry: Option<&'static str>,
    revenue: Option<i64>,
    shares_diluted: Option<i64>,
    net_income: Option<i64>,
}

struct Company {
    key: String,
    industry: usize,
    /// Quarters since the first, when it is listed and when it falls silent.
    listed: usize,
    silent: usize,
    revenue: f64,
    growth: f64,
    margin: f64,
    shares: f64,
    /// Days after the quarter's end on which it reports.
    lag: usize,
    hides_industry: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let lake = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "test-data".to_owned());
    let table = Path::new(&lake).join("financials");
    fs::create_dir_all(&table)?;
    for entry in fs::read_dir(&table)? {
        fs::remove_file(entry?.path())?;
    }
    let mut random = Random(SEED);
    let mut reports = Vec::new();
    for company in companies(&mut random) {
        reports.extend(history(&company, &mut random));
    }
    stage_a_fraud(&mut reports);
    // Latest first; of one key and one time, only one.
    reports.sort_by(|a, b| {
        b.event_time
            .cmp(&a.event_time)
            .then_with(|| a.key.cmp(&b.key))
    });
    reports.dedup_by(|a, b| a.key == b.key && a.event_time == b.event_time);
    let work = std::env::temp_dir().join(format!("make-financials-{}", std::process::id()));
    fs::create_dir_all(&work)?;
    let written = azof_tui::engine::runtime("make-financials")?.block_on(write(&work, &reports));
    let published = written.and_then(|version| publish(&work.join("financials"), version, &table));
    fs::remove_dir_all(&work)?;
    published
}

fn schema() -> Vec<Column> {
    let column = |name: &str, data_type| Column {
        name: name.to_owned(),
        data_type,
        nullable: true,
        stored_as: None,
    };
    vec![
        column("industry", DataType::String),
        column("revenue", DataType::Int),
        column("shares_diluted", DataType::Int),
        column("net_income", DataType::Int),
    ]
}

fn companies(random: &mut Random) -> Vec<Company> {
    let quarters = ((LAST_YEAR - FIRST_YEAR + 1) * 4) as usize;
    let mut taken: Vec<String> = Vec::new();
    (0..COMPANIES)
        .map(|_| {
            let key = symbol(random, &mut taken);
            let industry = pick_industry(random);
            let (_, _, growth, margin, _) = INDUSTRIES[industry];
            // Most were there from the start; the others come in over the years.
            let listed = if random.share() < 0.6 {
                0
            } else {
                1 + random.below(quarters - 8)
            };
            let silent = if random.share() < 0.7 {
                quarters
            } else {
                listed + 4 + random.below(quarters)
            };
            Company {
                key,
                industry,
                listed,
                silent,
                revenue: 10f64.powf(random.between(6.5, 10.2)),
                growth: growth + random.normal() * 0.04,
                margin: margin + random.normal() * 0.05,
                shares: 10f64.powf(random.between(6.8, 9.3)),
                lag: 18 + random.below(32),
                hides_industry: random.share() < 0.04,
            }
        })
        .collect()
}

fn symbol(random: &mut Random, taken: &mut Vec<String>) -> String {
    loop {
        let length = [3, 4, 4, 4, 2][random.below(5)];
        let key: String = (0..length)
            .map(|_| char::from(b'A' + random.below(26) as u8))
            .collect();
        if !taken.contains(&key) {
            taken.push(key.clone());
            return key;
        }
    }
}

fn pick_industry(random: &mut Random) -> usize {
    let mut left = random.share();
    for (i, (_, share, ..)) in INDUSTRIES.iter().enumerate() {
        left -= share;
        if left <= 0.0 {
            return i;
        }
    }
    INDUSTRIES.len() - 1
}

/// What the times do to an industry in a quarter: factors on revenue, and points off the margin.
fn weather(industry: &str, year: i32, quarter: usize) -> (f64, f64) {
    let at = f64::from(year) + quarter as f64 / 4.0;
    let within = |from: f64, to: f64| at >= from && at < to;
    match industry {
        "Banks" | "Insurance" if within(2007.75, 2009.75) => (0.78, 0.45),
        "Retail" | "Restaurants" if within(2008.5, 2009.75) => (0.88, 0.04),
        "Airlines" if within(2020.25, 2021.25) => (0.32, 0.70),
        "Restaurants" | "Retail" if within(2020.25, 2020.75) => (0.62, 0.14),
        "Software" | "Semiconductors" if within(2020.25, 2022.0) => (1.16, -0.04),
        "Oil & Gas" if within(2014.75, 2016.5) => (0.62, 0.22),
        "Oil & Gas" if within(2020.0, 2021.0) => (0.55, 0.30),
        "Oil & Gas" if within(2022.0, 2023.0) => (1.45, -0.12),
        _ if within(2008.5, 2009.5) => (0.91, 0.05),
        _ => (1.0, 0.0),
    }
}

/// All reports of a company, restatements included.
fn history(company: &Company, random: &mut Random) -> Vec<Report> {
    let (industry, _, _, _, seasons) = INDUSTRIES[company.industry];
    let mut reports: Vec<Report> = Vec::new();
    let (mut revenue, mut shares) = (company.revenue, company.shares);
    let quarters = ((LAST_YEAR - FIRST_YEAR + 1) * 4) as usize;
    for number in company.listed..company.silent.min(quarters) {
        let (year, quarter) = (FIRST_YEAR + number as i32 / 4, number % 4);
        revenue *= 1.0 + company.growth / 4.0 + random.normal() * 0.015;
        // Buybacks and issues.
        if random.share() < 0.12 {
            shares *= 1.0 + random.normal() * 0.02;
        }
        let (climate, pain) = weather(industry, year, quarter);
        let sales = revenue * seasons[quarter] * climate * (1.0 + random.normal() * 0.02);
        let margin = company.margin - pain + random.normal() * 0.02;
        let mut report = Report {
            key: company.key.clone(),
            event_time: reporting_day(year, quarter, company.lag, random),
            industry: (!company.hides_industry).then_some(industry),
            revenue: Some(round(sales)),
            shares_diluted: Some(round(shares)),
            net_income: Some(round(sales * margin)),
        };
        if random.share() < 0.015 {
            report.revenue = None;
        }
        if random.share() < 0.03 {
            report.net_income = None;
        }
        // A restatement says the same quarter again, later and a little different.
        if random.share() < 0.02 && report.revenue.is_some() {
            let worse = random.between(0.80, 0.99);
            let restated = Report {
                event_time: report.event_time + (20 + random.below(50) as i64) * DAY_MS,
                revenue: report.revenue.map(|r| round(r as f64 * worse)),
                net_income: report.net_income.map(|n| n - round(sales * 0.03)),
                ..report.clone()
            };
            reports.push(restated);
        }
        // Some file again without a change.
        if random.share() < 0.02 {
            reports.push(Report {
                event_time: report.event_time + (5 + random.below(20) as i64) * DAY_MS,
                ..report.clone()
            });
        }
        reports.push(report);
    }
    reports
}

/// Makes one software company too good to be true: ever growing, with a margin that never moves, until it says in the
/// autumn of 2013 that most of it was invented, and then falls silent.
fn stage_a_fraud(reports: &mut Vec<Report>) {
    let (start, end) = (instant(2006, 1), instant(2013, 10));
    let is_software = |r: &&Report| r.industry == Some("Software");
    let lasts = |key: &str, from: i64, to: i64| {
        reports
            .iter()
            .any(|r| r.key == key && r.event_time >= from && r.event_time < to)
    };
    let chosen = reports.iter().filter(is_software).map(|r| r.key.clone());
    let Some(key) = chosen
        .filter(|k| lasts(k, i64::MIN, start) && lasts(k, end, end + 80 * DAY_MS))
        .max()
    else {
        return;
    };
    let confession = reports
        .iter()
        .filter(|r| r.key == key && r.event_time >= end)
        .map(|r| r.event_time)
        .min();
    reports.retain(|r| r.key != key || confession.is_none_or(|at| r.event_time <= at));
    for report in reports.iter_mut().filter(|r| r.key == key) {
        let Some(honest) = report.revenue else {
            continue;
        };
        if Some(report.event_time) == confession {
            report.net_income = Some(round(-2.5 * honest as f64));
            continue;
        }
        let quarters = (report.event_time - instant(2005, 1)) as f64 / (91.0 * DAY_MS as f64);
        let told = honest as f64 * (1.0 + quarters.max(0.0) / 12.0);
        report.revenue = Some(round(told));
        report.net_income = Some(round(told * 0.30));
    }
}

/// The day on which a quarter is reported: a Tuesday or a Thursday, a while after the quarter ends.
fn reporting_day(year: i32, quarter: usize, lag: usize, random: &mut Random) -> i64 {
    let start = parse_calendar(&format!("{year}-{:02}", quarter * 3 + 1)).map_or(0, EventTime::ms);
    let end = month_start(EventTime::from_ms(start), 3).map_or(start, EventTime::ms);
    let mut day = end / DAY_MS + lag as i64 + random.below(9) as i64;
    // 1970-01-01 was a Thursday.
    while !matches!((day + 4).rem_euclid(7), 2 | 4) {
        day += 1;
    }
    day * DAY_MS
}

/// Three significant digits, as press releases have them.
fn round(value: f64) -> i64 {
    if value == 0.0 {
        return 0;
    }
    let unit = 10f64.powf((value.abs().log10().floor() - 2.0).max(0.0));
    ((value / unit).round() * unit) as i64
}

/// Makes the table in a lake, and answers its newest version.
async fn write(lake: &Path, reports: &[Report]) -> Result<Version, Box<dyn Error>> {
    let lake = Lakehouse::open(&lake.to_string_lossy(), ReadLimits::default())?;
    let writer = lake.writer("financials");
    writer.create(&schema(), SegmentBy::Quarter).await?;
    let rows = Input::Csv(Box::new(Cursor::new(csv_of(reports))));
    let progress = Arc::default();
    writer
        .append(rows, &InputOptions::default(), None, &progress)
        .await?;
    let compacted = writer.compact(CompactOptions::default(), &progress).await?;
    compacted
        .version
        .ok_or_else(|| "there was nothing to compact".into())
}

fn csv_of(reports: &[Report]) -> String {
    let number = |value: Option<i64>| value.map_or(String::new(), |v| v.to_string());
    let mut text = "key,event_time,industry,revenue,shares_diluted,net_income\n".to_owned();
    for report in reports {
        text += &format!(
            "{},{},{},{},{},{}\n",
            report.key,
            EventTime::from_ms(report.event_time),
            report.industry.unwrap_or_default(),
            number(report.revenue),
            number(report.shares_diluted),
            number(report.net_income)
        );
    }
    text
}

/// Copies a version's files to where they are kept: as version 1, with names made of the segments'.
fn publish(from: &Path, version: Version, to: &Path) -> Result<(), Box<dyn Error>> {
    let mut snapshot: Value =
        serde_json::from_slice(&fs::read(from.join(version.manifest_file()))?)?;
    if let Some(fields) = snapshot.as_object_mut() {
        // It says when the version was made, and is another one each time.
        fields.shift_remove("commit");
    }
    let segments = snapshot["segments"].as_array_mut().into_iter().flatten();
    for segment in segments {
        let id = segment["id"].as_str().unwrap_or_default().to_owned();
        let publish = |field: &mut Value, what: &str| -> Result<(), Box<dyn Error>> {
            if let Some(name) = field.as_str() {
                let published = format!("{id}_{what}.parquet");
                fs::copy(from.join(name), to.join(&published))?;
                *field = json!(published);
            }
            Ok(())
        };
        if segment.get("file").is_some() {
            publish(&mut segment["file"], "base")?;
        }
        if segment.get("delta").is_some() {
            publish(&mut segment["delta"][0]["file"], "delta")?;
        }
    }
    fs::write(
        to.join("s1.json"),
        serde_json::to_string_pretty(&snapshot)? + "\n",
    )?;
    fs::write(to.join("version.txt"), "1")?;
    Ok(())
}

fn instant(year: i32, month: usize) -> i64 {
    parse_calendar(&format!("{year}-{month:02}")).map_or(0, EventTime::ms)
}
