//! A record as a message: a [CloudEvents 1.0](https://github.com/cloudevents/spec) event in the
//! binary mode of its NATS binding. Attributes are headers, the payload is the sealed body.
//!
//! A record's data key is not part of it: what lies in a broker's files cannot be destroyed at will.

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use cloudevents::event::{ExtensionValue, SpecVersion};
use cloudevents::message::{BinaryDeserializer, BinarySerializer, Error, MessageAttributeValue, Result};
use cloudevents::{AttributesReader, Data, Event, EventBuilder, EventBuilderV10};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::Shared;
use crate::merkle;
use crate::record::{Record, hex};
use crate::{CommandId, Position, RecordedAt, Revision, StreamId};

const PREFIX: &str = "ce-";
const CONTENT_TYPE: &str = "application/octet-stream";
/// Stands for a payload that is too large for the server: a reference to where it is.
const DATA_REFERENCE: &str = "dataref";
/// What the binding wants encoded in header values.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Headers and payload of `record`; without payload where that is longer than `longest`.
pub(super) fn encode(record: &Record, source: &str, longest: usize) -> Result<(HeaderMap, Bytes)> {
    let builder = EventBuilderV10::new()
        .id(record.position.0.to_string())
        .source(source)
        .ty(record.kind.as_ref())
        .subject(record.stream.to_hex())
        .time(merkle::time_text(record.recorded_at))
        .extension("revision", record.revision.0.to_string())
        .extension("schemaversion", i64::from(record.schema_version))
        .extension("bodysha256", hex(&record.body_sha256))
        .extension("leafhash", hex(&record.leaf_hash));
    let builder = match &record.command_id {
        Some(id) => builder.extension("commandid", hex(&id.0)),
        None => builder,
    };
    let builder = match &record.entries_root {
        Some(root) => builder.extension("entriesroot", hex(root)),
        None => builder,
    };
    let builder = if record.body.len() > longest {
        builder.extension(DATA_REFERENCE, format!("{source}/log/{}", record.position))
    } else {
        builder.data(CONTENT_TYPE, record.body.to_vec())
    };
    let event = builder.build().map_err(|error| Error::Other { source: Box::new(error) })?;
    BinaryDeserializer::deserialize_binary(event, Headers(HeaderMap::new()))
}

/// The record in a message of `shared`'s installation, without its data key. `None` if anything
/// about it does not fit, or its body is only referred to.
pub(super) fn decode(shared: &Shared, headers: &HeaderMap, payload: &Bytes) -> Option<Record> {
    let event: Event = BinaryDeserializer::into_event(Received { headers, payload }).ok()?;
    let text = |name: &str| match event.extension(name)? {
        ExtensionValue::String(text) => Some(text.clone()),
        ExtensionValue::Integer(number) => Some(number.to_string()),
        ExtensionValue::Boolean(_) => None,
    };
    if event.source() != &shared.source {
        return None;
    }
    let body: Box<[u8]> = match event.data()? {
        Data::Binary(body) => body.as_slice().into(),
        Data::String(_) | Data::Json(_) => return None,
    };
    let record = Record {
        position: Position(event.id().parse().ok()?),
        stream: StreamId(bytes(event.subject()?)?),
        revision: Revision(text("revision")?.parse().ok()?),
        kind: event.ty().to_owned().into(),
        schema_version: text("schemaversion")?.parse().ok()?,
        recorded_at: RecordedAt(event.time()?.timestamp_micros()),
        command_id: match text("commandid") {
            Some(id) => Some(CommandId(bytes(&id)?)),
            None => None,
        },
        body_sha256: bytes(&text("bodysha256")?)?,
        entries_root: match text("entriesroot") {
            Some(root) => Some(bytes(&root)?),
            None => None,
        },
        leaf_hash: bytes(&text("leafhash")?)?,
        data_key: None,
        body,
    };
    // The leaf covers the digest, the digest the body.
    let whole = merkle::check_body(&record).and_then(|()| merkle::check_leaf(&record));
    whole.is_ok().then_some(record)
}

/// Whether a message claims to be the record at `position` of this installation.
pub(super) fn claims(shared: &Shared, headers: &HeaderMap, position: Position) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found.as_str() == value);
    is("ce-source", &shared.source) && is("ce-id", &position.to_string())
}

/// The leaf hash a message claims.
pub(super) fn leaf(headers: &HeaderMap) -> Option<[u8; 32]> {
    bytes(headers.get("ce-leafhash")?.as_str())
}

/// The bytes written as lower-case hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

/// Takes an event apart into headers and payload.
struct Headers(HeaderMap);

impl Headers {
    fn with(mut self, name: &str, value: &MessageAttributeValue) -> Result<Self> {
        let refused = |error: &'static str| Error::Other { source: error.into() };
        let name: HeaderName = format!("{PREFIX}{name}").parse().map_err(|_| refused("not a header name"))?;
        let text = value.to_string();
        let encoded: std::borrow::Cow<'_, str> = utf8_percent_encode(&text, UNSAFE).into();
        let value: HeaderValue = encoded.parse().map_err(|_| refused("not a header value"))?;
        self.0.insert(name, value);
        Ok(self)
    }
}

impl BinarySerializer<(HeaderMap, Bytes)> for Headers {
    fn set_spec_version(self, version: SpecVersion) -> Result<Self> {
        self.with("specversion", &MessageAttributeValue::String(version.to_string()))
    }

    fn set_attribute(self, name: &str, value: MessageAttributeValue) -> Result<Self> {
        self.with(name, &value)
    }

    fn set_extension(self, name: &str, value: MessageAttributeValue) -> Result<Self> {
        self.with(name, &value)
    }

    fn end_with_data(self, body: Vec<u8>) -> Result<(HeaderMap, Bytes)> {
        Ok((self.0, body.into()))
    }

    fn end(self) -> Result<(HeaderMap, Bytes)> {
        Ok((self.0, Bytes::new()))
    }
}

/// A message as it came, to be made an event.
struct Received<'m> {
    headers: &'m HeaderMap,
    payload: &'m Bytes,
}

impl BinaryDeserializer for Received<'_> {
    fn deserialize_binary<R: Sized, V: BinarySerializer<R>>(self, mut visitor: V) -> Result<R> {
        let version = self.headers.get("ce-specversion").map(HeaderValue::as_str).unwrap_or_default();
        let version = SpecVersion::try_from(version)?;
        let attributes = version.attribute_names();
        visitor = visitor.set_spec_version(version)?;
        for (header, values) in self.headers.iter() {
            let header: &str = header.as_ref();
            let (Some(name), Some(value)) = (header.strip_prefix(PREFIX), values.first()) else { continue };
            if name == "specversion" {
                continue;
            }
            let text = percent_decode_str(value.as_str()).decode_utf8_lossy().into_owned();
            let value = MessageAttributeValue::String(text);
            visitor = if attributes.contains(&name) {
                visitor.set_attribute(name, value)?
            } else {
                visitor.set_extension(name, value)?
            };
        }
        match self.headers.get("ce-datacontenttype") {
            Some(_) => visitor.end_with_data(self.payload.to_vec()),
            None => visitor.end(),
        }
    }
}
