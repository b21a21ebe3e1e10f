//! The layer that turns events into log lines. Fields of the spans around an event are part of its line.

use std::cell::Cell;

use scaivault_commands::Clock as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::field::Fields;
use super::format::Line;
use crate::clock::SystemClock;
use crate::configuration::LogFormat;

/// Buffers that have grown beyond this are not kept.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    /// Buffers for the next event. Missing while one is being written, which may itself make events.
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

#[derive(Default)]
struct Scratch {
    fields: Fields,
    line: String,
}

/// Writes one line per event to `write`, which gets whole lines and must not fail.
pub(super) struct LogLayer<W> {
    format: LogFormat,
    node_id: String,
    write: W,
}

// === impl LogLayer ===

impl<W: Fn(Level, &[u8])> LogLayer<W> {
    /// Lines in `format`, in the name of `node_id`.
    pub(super) fn new(format: LogFormat, node_id: &str, write: W) -> Self {
        Self { format, node_id: node_id.to_owned(), write }
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(Level, &[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let Scratch { fields, line } = &mut scratch;
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        event.record(fields);
        // A field that is there without a value (an `Option` that is `None`) is null, not absent.
        for field in event.metadata().fields() {
            fields.set_default_null(field.name());
        }
        let rendered = Line {
            timestamp: SystemClock.now(),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            node_id: &self.node_id,
            fields,
        };
        rendered.write(self.format, line);
        (self.write)(*event.metadata().level(), line.as_bytes());
        if line.capacity() <= KEPT_BYTES {
            fields.clear();
            line.clear();
            // A thread that ends keeps nothing.
            let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
        }
    }
}
