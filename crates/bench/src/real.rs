//! Real programs under each peer.

use crate::job::Job;
use crate::peers::Peer;
use crate::results::Missing;
use std::path::Path;

/// Installs what is missing (`install`), prepares the inputs in `folder`, and finds out what each program prints.
pub fn gather(
    _root: &Path,
    _folder: &Path,
    _peers: &[Peer],
    _quick: bool,
    _install: bool,
    _say: &dyn Fn(&str),
) -> (Vec<Job>, Vec<Missing>) {
    (Vec::new(), Vec::new())
}
