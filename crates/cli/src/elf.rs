//! What an ELF file says about itself: for which machine it is, who loads it, and whose `malloc` it calls.
//!
//! Only the pieces that are looked at are read, so that a program of a gigabyte costs nothing.

use object::Endianness;
use object::elf as abi;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::read::{ReadCache, ReadRef, SectionIndex};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Larger symbol tables are not searched: they belong to debug builds, and the search is only for a hint.
const LARGEST_TABLE: u64 = 128 << 20;

/// The machine a file is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    bits: u8,
    little: bool,
    id: abi::Machine,
}

impl Machine {
    /// For people: `64-bit x86-64`.
    pub fn name(self) -> String {
        let family = match self.id {
            abi::EM_386 => "x86",
            abi::EM_X86_64 => "x86-64",
            abi::EM_ARM => "ARM",
            abi::EM_AARCH64 => "AArch64",
            abi::EM_RISCV => "RISC-V",
            abi::EM_PPC64 => "PowerPC",
            abi::EM_S390 => "s390",
            other => return format!("{}-bit machine number {}", self.bits, other.0),
        };
        let order = if self.little { "" } else { " big-endian" };
        format!("{}-bit {family}{order}", self.bits)
    }
}

/// What the file says.
#[derive(Debug)]
pub struct Facts {
    /// For which machine.
    pub machine: Machine,
    /// The program interpreter (dynamic loader), if it wants one.
    pub interpreter: Option<PathBuf>,
    /// The libraries it names.
    pub needed: Vec<String>,
    /// Its own name, of a shared library.
    pub soname: Option<String>,
    /// Functions of interest that it exports to every library of the process.
    pub exports: Vec<String>,
    /// Functions of interest that it has for itself.
    pub contains: Vec<String>,
    /// `ET_DYN`: a shared library or a position-independent program.
    relocatable: bool,
    /// `DF_1_PIE`: it says that it is a program.
    says_program: bool,
}

impl Facts {
    /// Whether the dynamic loader can load it into a program.
    pub fn is_shared_library(&self) -> bool {
        self.relocatable && !self.says_program
    }

    /// Whether it is the dynamic loader itself, which can be started like a program.
    pub fn is_loader(&self) -> bool {
        self.soname.as_ref().is_some_and(|name| {
            name.starts_with("ld-") || name.starts_with("ld.") || name.starts_with("ld64.")
        })
    }
}

/// Reads `file`; nothing if it is not ELF.
pub fn read(mut file: &File) -> Result<Option<Facts>, String> {
    let mut start = [0; 5];
    let complete = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut start));
    if complete.is_err() || start[..4] != *b"\x7fELF" {
        return Ok(None);
    }
    let cache = ReadCache::new(file);
    let facts = match start[4] {
        1 => facts::<abi::FileHeader32<Endianness>, _>(&cache),
        2 => facts::<abi::FileHeader64<Endianness>, _>(&cache),
        _ => return Err("its class is neither 32 nor 64 bits".to_owned()),
    };
    facts.map(Some).map_err(|error| format!("it is damaged: {error}"))
}

fn facts<'data, Elf, R>(data: R) -> object::Result<Facts>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let mut facts = Facts {
        machine: Machine {
            bits: if header.is_type_64() { 64 } else { 32 },
            little: endian == Endianness::Little,
            id: header.e_machine(endian),
        },
        interpreter: None,
        needed: Vec::new(),
        soname: None,
        exports: Vec::new(),
        contains: Vec::new(),
        relocatable: header.e_type(endian) == abi::ET_DYN,
        says_program: false,
    };
    for segment in header.program_headers(endian, data)? {
        if let Some(path) = segment.interpreter(endian, data)? {
            facts.interpreter = Some(PathBuf::from(OsStr::from_bytes(path)));
        }
    }
    // Section headers may be stripped, and symbol tables may be damaged: what cannot be read is not known.
    let _ = dynamic::<Elf, R>(header, endian, data, &mut facts);
    facts.exports = defined::<Elf, R>(header, endian, data, true).unwrap_or_default();
    facts.contains = defined::<Elf, R>(header, endian, data, false).unwrap_or_default();
    Ok(facts)
}

/// The names in the dynamic section.
fn dynamic<'data, Elf, R>(header: &Elf, endian: Endianness, data: R, facts: &mut Facts) -> object::Result<()>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let table = header.sections(endian, data)?.dynamic_table(endian, data)?;
    for entry in table.iter() {
        match entry.tag {
            abi::DT_NEEDED => facts.needed.push(text(table.string(entry)?)),
            abi::DT_SONAME => facts.soname = Some(text(table.string(entry)?)),
            abi::DT_FLAGS_1 => facts.says_program = entry.val & abi::DF_1_PIE.0 != 0,
            _ => {}
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Functions that tell whose allocator is inside: the standard name, the private names of known allocators,
/// and what the sanitizers start with.
const OF_INTEREST: [&str; 11] = [
    "malloc",
    "je_malloc",
    "_rjem_malloc",
    "mi_malloc",
    "tc_malloc",
    "rpmalloc",
    "sn_malloc",
    "__asan_init",
    "__tsan_init",
    "__msan_init",
    "__hwasan_init",
];

/// The functions of interest that a symbol table defines: the dynamic one, or the static one.
fn defined<'data, Elf, R>(
    header: &Elf,
    endian: Endianness,
    data: R,
    dynamic: bool,
) -> object::Result<Vec<String>>
where
    Elf: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let kind = if dynamic { abi::SHT_DYNSYM } else { abi::SHT_SYMTAB };
    let sections = header.sections(endian, data)?;
    let Some(table) = sections.iter().find(|section| section.sh_type(endian) == kind) else {
        return Ok(Vec::new());
    };
    let names = sections.section(SectionIndex(table.sh_link(endian) as usize))?;
    if table.sh_size(endian).into() > LARGEST_TABLE || names.sh_size(endian).into() > LARGEST_TABLE {
        return Ok(Vec::new());
    }
    // One read each: a look-up by name through the cache would be one read a symbol.
    let names = names.data(endian, data)?;
    let symbols: &[Elf::Sym] = table.data_as_array(endian, data)?;
    let mut found: Vec<String> = Vec::new();
    for symbol in symbols {
        if symbol.st_shndx(endian) == abi::SHN_UNDEF || !is_code(symbol.st_type()) {
            continue;
        }
        let Some(rest) = names.get(symbol.st_name(endian) as usize..) else { continue };
        let is = |name: &&&str| rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&0);
        if let Some(name) = OF_INTEREST.iter().find(is)
            && !found.iter().any(|known| known == name)
        {
            found.push((*name).to_owned());
        }
    }
    Ok(found)
}

fn is_code(kind: abi::SymbolType) -> bool {
    [abi::STT_NOTYPE, abi::STT_FUNC, abi::STT_GNU_IFUNC].contains(&kind)
}
