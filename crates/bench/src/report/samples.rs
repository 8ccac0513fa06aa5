//! Every sample as a line of a table.

use crate::results::Results;

/// Comma-separated values with a header line.
pub fn table(_results: &Results) -> Result<String, csv::Error> {
    Ok(String::new())
}
