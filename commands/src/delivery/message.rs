//! A delivery as it is sent: body, headers, signatures.

use std::sync::Arc;

use bytes::Bytes;
use cloudevents::{EventBuilder as _, EventBuilderV10};
use scaivault_domain::endpoint::{Endpoint, Format};
use scaivault_domain::id::DeliveryId;
use scaivault_domain::publication::Published;
use scaivault_domain::{Owner, Timestamp};
use serde_json::Value;

use crate::Failure;
use crate::endpoint::EndpointSecrets;

/// What the types of CloudEvents start with.
const TYPE: &str = "ai.scailabs.scaivault.";
/// `User-Agent` of every delivery.
const AGENT: &str = "ScaiVault-Webhook/1.0";

/// One request, ready to be sent. Without `Debug`: a URL may have a token of its receiver in it.
#[derive(Clone)]
pub struct Message {
    /// Where to.
    pub url: Arc<str>,
    /// Roots to trust besides the system's.
    pub ca_pem: Option<Arc<str>>,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes that are signed.
    pub body: Bytes,
}

/// Of which delivery.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// Its id.
    pub delivery: &'a DeliveryId,
    /// Whether it is a replay.
    pub replay: bool,
    /// When the attempt begins.
    pub at: Timestamp,
}

impl Message {
    /// An event to an endpoint, signed for one attempt.
    pub fn new(
        endpoint: &Endpoint,
        secrets: &EndpointSecrets,
        event: &Published,
        stamp: Stamp<'_>,
    ) -> Result<Self, Failure> {
        let (body, content_type) = body(event, endpoint.format)?;
        let timestamp = stamp.at.as_seconds().to_string();
        let id = event.event_id.clone();
        let mut headers = vec![
            ("content-type", content_type.to_owned()),
            ("user-agent", AGENT.to_owned()),
            ("x-scaivault-event-id", id.clone()),
            ("x-scaivault-event-type", event.event_type.to_owned()),
            ("x-scaivault-delivery-id", stamp.delivery.as_str().to_owned()),
            ("x-scaivault-timestamp", timestamp.clone()),
            ("x-scaivault-signature", secrets.signature(&timestamp, &body)),
            ("webhook-signature", secrets.standard_signature(&id, &timestamp, &body, stamp.at)),
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
        ];
        if stamp.replay {
            headers.push(("x-scaivault-replay", "true".to_owned()));
        }
        Ok(Self { url: endpoint.url.clone(), ca_pem: endpoint.ca_pem.clone(), headers, body: body.into() })
    }
}

fn body(event: &Published, format: Format) -> Result<(Vec<u8>, &'static str), Failure> {
    match format {
        Format::Scaivault => Ok((serde_json::to_vec(&event.envelope())?, "application/json")),
        Format::Cloudevents => Ok((serde_json::to_vec(&cloud_event(event)?)?, "application/cloudevents+json")),
    }
}

/// CloudEvents 1.0, structured JSON mode.
pub fn cloud_event(event: &Published) -> Result<Value, Failure> {
    let source = match (&event.owner, &event.partner) {
        (Owner::Tenant(id), _) => format!("/tenants/{id}"),
        (Owner::Partner(id), _) | (Owner::Platform, Some(id)) => format!("/partners/{id}"),
        (Owner::Platform, None) => "/platform".to_owned(),
    };
    let mut builder = EventBuilderV10::new()
        .id(event.event_id.as_str())
        .source(source)
        .ty(format!("{TYPE}{}", event.event_type))
        .time(event.timestamp.to_string())
        .extension("identityid", event.actor.as_str())
        .extension("requestid", event.request_id.as_str())
        .data("application/json", event.data.clone());
    if let Some(path) = &event.path {
        builder = builder.subject(path.as_str());
    }
    if let Some(partner) = &event.partner {
        builder = builder.extension("partnerid", partner.as_str());
    }
    let built = builder.build().map_err(|_| Failure::unavailable("cloudevents"))?;
    let mut value = serde_json::to_value(built)?;
    // Its own text has another precision.
    if let Some(time) = value.get_mut("time") {
        *time = event.timestamp.to_string().into();
    }
    Ok(value)
}
