//! The OpenMetrics text of all cells: summed over the cores at each scrape.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry;

use super::counters::{CoreCounters, Histogram, Registry, Series, SeriesId, SeriesName};
use super::names::{COUNT, ERROR_4XX, ERROR_5XX, EVENTS, Event, INTEGRATION_LATENCY, LATENCY, LATENCY_BOUNDS_US};

/// What the text says it is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What was counted of functions on this machine; but for `processes`, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct FunctionCounts {
    pub invocations: u64,
    pub errors: u64,
    pub throttles: u64,
    pub cold_starts: u64,
    pub init_failures: u64,
    pub kills: u64,
    pub processes: u64,
}

/// What the control thread knows beside what the cores count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Control {
    /// Lines that the access log's writer lost, beside those that the cores had to drop.
    pub log_lines_lost: u64,
    /// The snapshot that was published last.
    pub revision: u64,
    /// Reloads that changed nothing because something was wrong.
    pub reloads_refused: u64,
    /// Of functions on this machine, if some run.
    pub functions: Option<FunctionCounts>,
    /// How long the last change of the management API took from the disk to every core.
    pub publication: Option<Duration>,
}

/// The text of everything that the cores counted, and of what the system says of this process.
pub fn render(cores: &[Arc<CoreCounters>], registry: &Registry, control: Control) -> Result<String, fmt::Error> {
    render_with(cores, registry, control, Process::now())
}

fn render_with(
    cores: &[Arc<CoreCounters>],
    registry: &Registry,
    control: Control,
    process: Process,
) -> Result<String, fmt::Error> {
    let scrape = Scrape { cores: cores.to_vec(), series: series_in_use(cores, registry), control, process };
    let mut all = registry::Registry::default();
    all.register_collector(Box::new(scrape));
    let mut out = String::new();
    text::encode(&mut out, &all)?;
    Ok(out)
}

/// What the kernel says of this process; what cannot be read is left out.
#[derive(Clone, Copy, Debug, Default)]
struct Process {
    resident_bytes: Option<u64>,
    open_fds: Option<u64>,
}

impl Process {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").ok();
        // `VmRSS:     4096 kB`
        let resident = status.and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
        let fds = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
        Self {
            resident_bytes: resident.map(|kilobytes| kilobytes * 1024),
            // The reading itself holds one.
            open_fds: fds.map(|fds| fds.saturating_sub(1)),
        }
    }
}

/// The named series, and the one for the rest once it has counted anything.
fn series_in_use(cores: &[Arc<CoreCounters>], registry: &Registry) -> Vec<(SeriesName, SeriesId)> {
    let mut names = registry.names();
    let overflow = registry.overflow();
    if sum(cores, overflow, |series| &series.count) > 0 {
        let nothing = String::new;
        let rest = SeriesName { api: "other".into(), stage: nothing(), resource: nothing(), method: nothing() };
        names.push((rest, overflow));
    }
    names
}

fn sum(cores: &[Arc<CoreCounters>], id: SeriesId, cell: impl Fn(&Series) -> &AtomicU64) -> u64 {
    cores.iter().filter_map(|core| core.series(id)).map(|series| cell(series).load(Relaxed)).sum()
}

fn events(cores: &[Arc<CoreCounters>], event: Event) -> u64 {
    cores.iter().map(|core| core.events(event)).sum()
}

struct Scrape {
    cores: Vec<Arc<CoreCounters>>,
    series: Vec<(SeriesName, SeriesId)>,
    control: Control,
    process: Process,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").field("cores", &self.cores.len()).field("series", &self.series.len()).finish()
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.process(&mut encoder)?;
        self.functions(&mut encoder)?;
        self.events(&mut encoder)?;
        if self.series.is_empty() {
            return Ok(());
        }
        self.counter(&mut encoder, COUNT, |series| &series.count)?;
        self.counter(&mut encoder, ERROR_4XX, |series| &series.error_4xx)?;
        self.counter(&mut encoder, ERROR_5XX, |series| &series.error_5xx)?;
        self.histogram(&mut encoder, LATENCY, |series| &series.latency)?;
        self.histogram(&mut encoder, INTEGRATION_LATENCY, |series| &series.integration_latency)
    }
}

impl Scrape {
    fn process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let mut build = encoder.encode_descriptor("weir_build", "The program that answers", None, MetricType::Info)?;
        build.encode_info(&version)?;
        // Closed is read first: a connection that closes in between must not make the difference negative.
        let closed = events(&self.cores, Event::ConnectionClosed);
        let open = events(&self.cores, Event::ConnectionAccepted).saturating_sub(closed);
        for (name, help, value) in [
            ("weir_connections_open", "Client connections open now", Some(open)),
            ("weir_snapshot_revision", "The deployment that was published last", Some(self.control.revision)),
            (
                "weir_reloads_refused",
                "Reloads since the start that changed nothing because something was wrong",
                Some(self.control.reloads_refused),
            ),
            ("process_resident_memory_bytes", "Memory that this process holds", self.process.resident_bytes),
            ("process_open_fds", "File descriptors that this process holds", self.process.open_fds),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        if let Some(publication) = self.control.publication {
            let help = "From the last change of the management API on disk until every core ran it";
            let descriptor = encoder.encode_descriptor("weir_publication_seconds", help, None, MetricType::Gauge)?;
            ConstGauge::new(publication.as_secs_f64()).encode(descriptor)?;
        }
        Ok(())
    }

    fn functions(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(counts) = &self.control.functions else { return Ok(()) };
        for (name, help, value) in [
            ("weir_function_invocations", "Calls of functions on this machine", counts.invocations),
            ("weir_function_errors", "Calls that a function, or its end, answered with an error", counts.errors),
            ("weir_function_throttles", "Calls refused because too many waited, or for too long", counts.throttles),
            ("weir_function_cold_starts", "Processes started because a call waited for one", counts.cold_starts),
            (
                "weir_function_init_failures",
                "Processes that ended before they asked for an event",
                counts.init_failures,
            ),
            ("weir_function_kills", "Processes ended because of their time or memory", counts.kills),
        ] {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        let gauge = ConstGauge::new(i64::try_from(counts.processes).unwrap_or(i64::MAX));
        let help = "Processes of functions now";
        gauge.encode(encoder.encode_descriptor("weir_function_processes", help, None, MetricType::Gauge)?)
    }

    /// Rows of the same metric stand together, under one description.
    fn events(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        for rows in EVENTS.chunk_by(|one, next| one.1 == next.1) {
            let (_, name, _, help) = rows[0];
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (event, _, label, _) in rows {
                let more = if *event == Event::AccessLogDropped { self.control.log_lines_lost } else { 0 };
                let count = events(&self.cores, *event) + more;
                match label.split_once('=') {
                    Some((key, value)) => {
                        let labels = [(key, value.trim_matches('"'))];
                        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                    }
                    None => metric.encode_counter::<NoLabelSet, _, u64>(&count, None)?,
                }
            }
        }
        Ok(())
    }

    fn counter(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        cell: impl Fn(&Series) -> &AtomicU64,
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (name, id) in &self.series {
            ConstCounter::new(sum(&self.cores, *id, &cell)).encode(metric.encode_family(name)?)?;
        }
        Ok(())
    }

    fn histogram(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        cells: impl Fn(&Series) -> &Histogram,
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (name, id) in &self.series {
            let bounds = LATENCY_BOUNDS_US.iter().map(|&us| us as f64 / 1e6).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds
                .enumerate()
                .map(|(index, bound)| (bound, sum(&self.cores, *id, |series| &cells(series).buckets[index])))
                .collect();
            // From the buckets, not from a cell of its own: count and the last bucket may never differ.
            let count = buckets.iter().map(|(_, count)| count).sum();
            let seconds = sum(&self.cores, *id, |series| &cells(series).sum_us) as f64 / 1e6;
            metric.encode_family(name)?.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)?;
        }
        Ok(())
    }
}

impl EncodeLabelSet for SeriesName {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let labels =
            [("api", &self.api), ("stage", &self.stage), ("resource", &self.resource), ("method", &self.method)];
        for (name, value) in labels {
            (name, value.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(resource: &str) -> SeriesName {
        SeriesName { api: "pets".into(), stage: "prod".into(), resource: resource.into(), method: "GET".into() }
    }

    fn text(cores: &[Arc<CoreCounters>], registry: &Registry) -> String {
        let control = Control {
            log_lines_lost: 2,
            revision: 3,
            reloads_refused: 1,
            functions: None,
            publication: Some(Duration::from_millis(4)),
        };
        render_with(cores, registry, control, Process { resident_bytes: Some(4096), open_fds: None }).expect("text")
    }

    /// The lines of one metric.
    fn of<'t>(text: &'t str, metric: &str) -> Vec<&'t str> {
        text.lines().filter(|line| line.contains(metric)).collect()
    }

    #[test]
    fn a_process_that_did_nothing() {
        let text = text(&[Arc::new(CoreCounters::new(1))], &Registry::new(1));
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "# HELP weir_build The program that answers\n\
             # TYPE weir_build info\n\
             weir_build_info{{version=\"{version}\"}} 1\n\
             # HELP weir_connections_open Client connections open now\n\
             # TYPE weir_connections_open gauge\n\
             weir_connections_open 0\n\
             # HELP weir_snapshot_revision The deployment that was published last\n\
             # TYPE weir_snapshot_revision gauge\n\
             weir_snapshot_revision 3\n\
             # HELP weir_reloads_refused Reloads since the start that changed nothing because something was wrong\n\
             # TYPE weir_reloads_refused gauge\n\
             weir_reloads_refused 1\n\
             # HELP process_resident_memory_bytes Memory that this process holds\n\
             # TYPE process_resident_memory_bytes gauge\n\
             process_resident_memory_bytes 4096\n\
             # HELP weir_publication_seconds From the last change of the management API on disk until every core ran it\n\
             # TYPE weir_publication_seconds gauge\n\
             weir_publication_seconds 0.004\n\
             # HELP weir_connections_accepted Client connections accepted\n\
             # TYPE weir_connections_accepted counter\n\
             weir_connections_accepted_total 0\n"
        );
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert_eq!(of(&text, "weir_count"), Vec::<&str>::new());
        assert_eq!(of(&text, "lines_dropped_total"), ["weir_access_log_lines_dropped_total 2"]);
    }

    #[test]
    fn cores_are_summed() {
        let cores = [Arc::new(CoreCounters::new(4)), Arc::new(CoreCounters::new(4))];
        let registry = Registry::new(4);
        let pets = registry.series(&name("/pets/{petId}"));
        cores[0].event_many(Event::ConnectionAccepted, 3);
        cores[1].event(Event::ConnectionAccepted);
        cores[1].event(Event::ConnectionClosed);
        cores[1].event(Event::HeadTimeout);
        cores[0].request(pets, 200, 700, Some(400));
        cores[0].request(pets, 404, 500, None);
        cores[1].request(pets, 504, 31_000_000, Some(29_000_000));
        let text = text(&cores, &registry);
        assert_eq!(of(&text, "weir_connections_open ")[2], "weir_connections_open 3");
        assert_eq!(
            of(&text, "weir_client_timeouts"),
            [
                "# HELP weir_client_timeouts Client connections closed because a time limit passed",
                "# TYPE weir_client_timeouts counter",
                "weir_client_timeouts_total{phase=\"idle\"} 0",
                "weir_client_timeouts_total{phase=\"head\"} 1",
                "weir_client_timeouts_total{phase=\"body\"} 0",
                "weir_client_timeouts_total{phase=\"write\"} 0",
            ]
        );
        let labels = r#"api="pets",stage="prod",resource="/pets/{petId}",method="GET""#;
        for (metric, value) in [("weir_count", 3), ("weir_4xx_error", 1), ("weir_5xx_error", 1)] {
            assert_eq!(of(&text, metric)[2..], [format!("{metric}_total{{{labels}}} {value}")]);
        }
        let latency = of(&text, "weir_latency_seconds");
        assert_eq!(
            latency[1..6],
            [
                "# TYPE weir_latency_seconds histogram".to_owned(),
                format!("weir_latency_seconds_sum{{{labels}}} 31.0012"),
                format!("weir_latency_seconds_count{{{labels}}} 3"),
                format!("weir_latency_seconds_bucket{{le=\"0.0005\",{labels}}} 1"),
                format!("weir_latency_seconds_bucket{{le=\"0.001\",{labels}}} 2"),
            ]
        );
        assert_eq!(
            latency.last().map(|line| line.to_string()),
            Some(format!("weir_latency_seconds_bucket{{le=\"+Inf\",{labels}}} 3"))
        );
        assert_eq!(
            of(&text, "weir_integration_latency_seconds_count")[0],
            format!("weir_integration_latency_seconds_count{{{labels}}} 2")
        );
    }

    #[test]
    fn the_rest_is_named_other_once_it_counts() {
        let cores = [Arc::new(CoreCounters::new(1))];
        let registry = Registry::new(1);
        let first = registry.series(&name("/a"));
        let rest = registry.series(&name("/b"));
        cores[0].request(first, 200, 1, None);
        assert!(!text(&cores, &registry).contains("other"));
        cores[0].request(rest, 200, 1, None);
        let text = text(&cores, &registry);
        assert_eq!(
            of(&text, "weir_count_total")[1],
            r#"weir_count_total{api="other",stage="",resource="",method=""} 1"#
        );
    }

    #[test]
    fn labels_are_escaped() {
        let cores = [Arc::new(CoreCounters::new(1))];
        let registry = Registry::new(1);
        let id = registry.series(&SeriesName { api: "a\"b\\c\nd".into(), ..name("/") });
        cores[0].request(id, 200, 1, None);
        let text = text(&cores, &registry);
        assert!(text.contains(r#"weir_count_total{api="a\"b\\c\nd","#), "{text}");
    }

    #[test]
    fn the_system_tells_of_this_process() {
        let process = Process::now();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{process:?}");
        assert!(process.open_fds.is_some_and(|fds| fds > 2), "{process:?}");
    }
}
