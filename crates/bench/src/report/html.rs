//! The page.

use crate::results::Results;

/// One self-contained page.
pub fn page(_results: &Results) -> String {
    String::new()
}
