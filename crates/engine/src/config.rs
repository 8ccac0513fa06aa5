//! Presets: closed choices of types.

use heapwright_os::PageSource;
use heapwright_os::linux::Mmap;
use heapwright_span::{BestFit, Fit};

/// What an engine is made of.
pub trait Config: Sized + 'static {
    /// Where pages come from.
    type Pages: PageSource + 'static;
    /// Which free span is taken.
    type Fit: Fit;
    /// The source in its first state.
    const PAGES: Self::Pages;
}

/// The preset for speed: pages from the operating system, best fit, nothing checked that costs.
#[derive(Clone, Copy, Debug)]
pub struct Fast;

impl Config for Fast {
    type Pages = Mmap;
    type Fit = BestFit;
    const PAGES: Mmap = Mmap::new();
}
