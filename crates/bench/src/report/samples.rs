//! Every sample as a line of a table.

use crate::report::units::group_name;
use crate::results::{Quantiles, Results, Sample};

/// Comma-separated values with a header line. Times are seconds, sizes bytes, single calls nanoseconds; what was
/// not measured is empty. The failure of a cell stands in each of its lines: such samples count for nothing.
pub fn table(results: &Results) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in &results.rows {
        for cell in &row.cells {
            for (round, sample) in cell.samples.iter().enumerate() {
                let mut line = vec![
                    group_name(row.group).to_owned(),
                    row.workload.clone(),
                    optional(row.threads),
                    row.timed.to_string(),
                    cell.allocator.clone(),
                    (round + 1).to_string(),
                ];
                line.extend(fields(sample));
                line.push(cell.failure.clone().unwrap_or_default());
                writer.write_record(&line)?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn fields(sample: &Sample) -> Vec<String> {
    let mut fields = vec![
        sample.wall.to_string(),
        sample.user.to_string(),
        sample.system.to_string(),
        sample.peak_rss.to_string(),
        sample.minor_faults.to_string(),
        sample.major_faults.to_string(),
        optional(sample.end_rss),
        optional(sample.end_live),
        optional(sample.idle_rss),
    ];
    fields.extend(quantiles(sample.latency.as_ref().map(|latency| latency.malloc)));
    fields.extend(quantiles(sample.latency.as_ref().map(|latency| latency.free)));
    fields
}

fn quantiles(quantiles: Option<Quantiles>) -> [String; 4] {
    let of = |value: fn(&Quantiles) -> u64| optional(quantiles.as_ref().map(value));
    [of(|all| all.p50), of(|all| all.p99), of(|all| all.p999), of(|all| all.max)]
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The names of the columns.
const HEADER: [&str; 24] = [
    "group",
    "workload",
    "threads",
    "timed",
    "allocator",
    "round",
    "wall_seconds",
    "user_seconds",
    "system_seconds",
    "peak_rss_bytes",
    "minor_faults",
    "major_faults",
    "end_rss_bytes",
    "end_live_bytes",
    "idle_rss_bytes",
    "malloc_p50_ns",
    "malloc_p99_ns",
    "malloc_p999_ns",
    "malloc_max_ns",
    "free_p50_ns",
    "free_p99_ns",
    "free_p999_ns",
    "free_max_ns",
    "failure",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_sample_is_a_line() {
        let results = fixture::results();
        let count: usize =
            results.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.samples.len()).sum();
        let text = table(&results).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), HEADER.len());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), count);
        assert!(records.iter().any(|record| &record[1] == fixture::HOSTILE), "the name survives the quoting");
    }

    #[test]
    fn the_fields_stand_under_their_names() {
        let results = fixture::results();
        let text = table(&results).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let place = |name: &str| HEADER.iter().position(|column| *column == name).unwrap();
        let line = reader.records().map(Result::unwrap).find(|record| &record[1] == "latency").unwrap();
        let row = results.rows.iter().find(|row| row.workload == "latency").unwrap();
        let sample = &row.cells[0].samples[0];
        let latency = sample.latency.as_ref().unwrap();
        assert_eq!(line[place("wall_seconds")].parse::<f64>().unwrap(), sample.wall);
        assert_eq!(line[place("peak_rss_bytes")], sample.peak_rss.to_string());
        assert_eq!(line[place("malloc_p999_ns")], latency.malloc.p999.to_string());
        assert_eq!(line[place("free_max_ns")], latency.free.max.to_string());
        assert_eq!(&line[place("idle_rss_bytes")], "");
        assert_eq!(&line[place("threads")], "");
        assert_eq!(&line[place("round")], "1");
    }
}
