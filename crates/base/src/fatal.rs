//! What the program did wrong, in one line.
//!
//! The message is formatted into a buffer on the stack: nothing here allocates, locks or unwinds. What the
//! text says and what to do about it come from one list, so a violation without a text does not compile.
//! Writing the line and aborting are the business of the floor that talks to the operating system.

macro_rules! violations {
    ($($variant:ident $name:literal $text:literal $remedy:literal,)*) => {
        /// Something the program did wrong that we promise to notice.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Violation {
            $(#[doc = $text] $variant,)*
        }

        impl Violation {
            /// Every violation.
            pub const ALL: &'static [Violation] = &[$(Violation::$variant,)*];

            /// Its short name, for tests and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Violation::$variant => $name,)* }
            }

            /// What happened.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Violation::$variant => $text,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Violation::$variant => $remedy,)* }
            }
        }
    };
}

violations! {
    ForeignFree "foreign-free" "free of a pointer that this allocator did not hand out"
        "check for a second allocator in the program; HEAPWRIGHT_CONF=foreign=ignore leaks such blocks, foreign=forward gives them to the C library",
    ForeignRealloc "foreign-realloc" "realloc of a pointer that this allocator did not hand out"
        "check for a second allocator in the program",
    InteriorFree "interior-free" "free of a pointer into the middle of a block"
        "free the pointer that malloc returned",
    DoubleFree "double-free" "free of a block that is already free"
        "look for two owners of this block",
    NoNewHandler "no-operator-new" "operator new failed and the C++ runtime that would throw bad_alloc was not found"
        "link the program with its C++ standard library",
}

/// A line of text on the stack; what does not fit is cut.
pub struct Line {
    buf: [u8; 400],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Line { buf: [0; 400], len: 0 }
    }

    /// Appends text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.raw(text.as_bytes())
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes {
            if let Some(slot) = self.buf.get_mut(self.len) {
                *slot = byte;
                self.len += 1;
            }
        }
        self
    }

    /// Appends `0x` and the hexadecimal digits of `value`.
    pub fn hex(&mut self, value: usize) -> &mut Self {
        self.text("0x");
        let digits = (usize::BITS - value.leading_zeros()).div_ceil(4).max(1);
        for i in (0..digits).rev() {
            let digit = (value >> (4 * i)) & 15;
            self.raw(&[if digit < 10 { b'0' + digit as u8 } else { b'a' - 10 + digit as u8 }]);
        }
        self
    }

    /// Appends `value` in decimal.
    pub fn decimal(&mut self, mut value: u64) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (value % 10) as u8;
            used += 1;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        for i in digits.len() - used..digits.len() {
            if let Some(&digit) = digits.get(i) {
                self.raw(&[digit]);
            }
        }
        self
    }

    /// What has been written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.buf.get(..self.len).unwrap_or(&[])
    }
}

impl Violation {
    /// The one line that names the violation, the pointer and the remedy.
    #[must_use]
    pub fn message(self, pointer: usize) -> Line {
        let mut line = Line::new();
        line.text("heapwright: ").text(self.text());
        if pointer != 0 {
            line.text(" (").hex(pointer).text(")");
        }
        line.text("; ").text(self.remedy()).text("\n");
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        let mut line = Line::new();
        line.hex(0).text(" ").hex(0xdead_beef).text(" ").decimal(0).text(" ").decimal(u64::MAX);
        assert_eq!(line.as_bytes(), b"0x0 0xdeadbeef 0 18446744073709551615");
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let mut line = Line::new();
        for _ in 0..100 {
            line.text("0123456789");
        }
        assert_eq!(line.as_bytes().len(), 400);
    }

    #[test]
    fn every_message_fits_and_ends_its_line() {
        for violation in Violation::ALL {
            let line = violation.message(usize::MAX);
            assert_eq!(line.as_bytes().last(), Some(&b'\n'), "{}", violation.name());
        }
    }
}
