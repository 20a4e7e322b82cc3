//! SQL at two moments of the lake that comes with the project, in ten lines.
//!
//!     cargo run --release --example sql

use azof_tui::ExecutionContext;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = ExecutionContext::new(concat!(env!("CARGO_MANIFEST_DIR"), "/test-data"))?;
    let then_and_now = "SELECT now.key, old.value AS then, now.value AS now
                        FROM table0 AT ('2024-01-15') old
                        RIGHT JOIN table0 now ON old.key = now.key ORDER BY now.key";
    context.sql(then_and_now).await?.show().await?;
    Ok(())
}
