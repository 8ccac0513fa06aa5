//! The machine: kernel, processors, and every limit on memory that we know of.

use super::Finding;
use rustix::process::{Resource, getrlimit};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Kernel and process.
pub fn system() -> Vec<Finding> {
    let name = rustix::system::uname();
    let part = |text: &std::ffi::CStr| Value::from(text.to_string_lossy());
    let processors = std::thread::available_parallelism().ok().map(|number| number.get());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    vec![
        ("kernel", part(name.release())),
        ("kernel_version", part(name.version())),
        ("architecture", part(name.machine())),
        ("distribution", distribution().into()),
        ("processors", processors.into()),
        ("page_size", rustix::param::page_size().into()),
        ("user", rustix::process::geteuid().as_raw().into()),
        ("seccomp_mode", field(&status, "Seccomp:").into()),
        ("no_new_privileges", field(&status, "NoNewPrivs:").into()),
    ]
}

/// What decides how much memory there is.
pub fn memory() -> Vec<Finding> {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let huge = "/sys/kernel/mm/transparent_hugepage";
    vec![
        ("total", field(&info, "MemTotal:").into()),
        ("available", field(&info, "MemAvailable:").into()),
        ("transparent_huge_pages", line(&format!("{huge}/enabled")).into()),
        ("huge_page_defrag", line(&format!("{huge}/defrag")).into()),
        ("overcommit_memory", line("/proc/sys/vm/overcommit_memory").into()),
        ("overcommit_ratio", line("/proc/sys/vm/overcommit_ratio").into()),
        ("max_map_count", line("/proc/sys/vm/max_map_count").into()),
        ("RLIMIT_AS", limit(Resource::As)),
        ("RLIMIT_DATA", limit(Resource::Data)),
        ("RLIMIT_STACK", limit(Resource::Stack)),
        ("RLIMIT_MEMLOCK", limit(Resource::Memlock)),
        ("cgroup_limits", cgroup().into()),
    ]
}

fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// A field of a file like `/proc/self/status`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}

fn limit(resource: Resource) -> Value {
    let limit = getrlimit(resource);
    match (limit.current, limit.maximum) {
        (None, _) => "unlimited".into(),
        (Some(current), None) => format!("{current} (may be raised without limit)").into(),
        (Some(current), Some(maximum)) => format!("{current} (may be raised to {maximum})").into(),
    }
}

fn distribution() -> Option<String> {
    let text =
        fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    field(&text, "PRETTY_NAME=").map(|name| name.trim_matches('"').to_owned())
}

/// Memory limits of our control group and of those above it; only the ones that are set.
fn cgroup() -> Option<Vec<Value>> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut limits = Vec::new();
    for group in groups.lines() {
        let mut parts = group.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, files): (&str, &[&str]) = if controllers.is_empty() {
            ("/sys/fs/cgroup", &["memory.max", "memory.high", "memory.swap.max"])
        } else if controllers.split(',').any(|name| name == "memory") {
            ("/sys/fs/cgroup/memory", &["memory.limit_in_bytes"])
        } else {
            continue;
        };
        limits.extend(limits_of(Path::new(root), path, files));
    }
    Some(limits)
}

fn limits_of(root: &Path, path: &str, files: &[&str]) -> Vec<Value> {
    // Larger than any machine: how the older interface writes "no limit".
    const NO_LIMIT: u64 = 1 << 60;
    let own = root.join(path.trim_start_matches('/'));
    let mut limits = Vec::new();
    for folder in own.ancestors().take_while(|folder| folder.starts_with(root)) {
        for file in files {
            let file = folder.join(file);
            let number = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u64>().ok());
            if let Some(number) = number.filter(|number| *number < NO_LIMIT) {
                limits.push(format!("{} = {number}", file.display()).into());
            }
        }
    }
    limits
}
