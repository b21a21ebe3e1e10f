//! What every request works with.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::error::Unspecified;
use axum::http::HeaderMap;
use scaivault_commands::{AuditTree, Engine};
use scaivault_projections::Reader;
use serde_json::Value;
use tokio::sync::watch;

use crate::authentication::{FailureFold, VerifiedTokens};
use crate::category::Category;
use crate::health::Checks;
use crate::measures::Measures;
use crate::openapi;
use crate::provider::Provider;
use crate::rate_limit::{Limit, RateLimits};
use crate::router::Router;
use crate::streams::Streams;

/// Moves the development clock; absent outside development mode.
pub trait DevClock: Send + Sync {
    /// How far it runs ahead, in microseconds.
    fn offset_micros(&self) -> i64;
    /// Sets how far it runs ahead.
    fn set_offset_micros(&self, offset: i64);
}

/// Address of the client, given the connection's peer and the headers.
pub type ClientAddress = Arc<dyn Fn(IpAddr, &HeaderMap) -> IpAddr + Send + Sync>;
/// Content type and text of the metrics, given the headers.
pub type RenderMetrics = Arc<dyn Fn(&HeaderMap) -> (String, String) + Send + Sync>;

/// What differs from server to server.
pub struct Settings {
    /// Version of the product.
    pub version: &'static str,
    /// Commit it was built from.
    pub commit: &'static str,
    /// When it was built.
    pub build_date: &'static str,
    /// Name of this node.
    pub node_id: String,
    /// Beyond this a request answers 503.
    pub request_timeout: Duration,
    /// Limits by category.
    pub limits: HashMap<Category, Limit>,
    /// Finds the client's address.
    pub client_address: ClientAddress,
    /// Renders the metrics.
    pub metrics: RenderMetrics,
    /// The development clock, in development mode.
    pub dev_clock: Option<Arc<dyn DevClock>>,
    /// The identity provider.
    pub provider: Provider,
}

/// A tenant's issuer can say of anybody that he is one of its users: records are made of so many a minute.
const NEWCOMERS: Limit = Limit { per_minute: 300, enforced: true };

/// The running API.
pub struct App {
    /// Changes.
    pub engine: Arc<Engine>,
    /// Values.
    pub reader: Reader,
    /// The tree over the audit log.
    pub tree: Arc<AuditTree>,
    /// Buckets.
    pub rate_limits: RateLimits,
    /// Records that may be made of users first met, by tenant.
    pub newcomers: RateLimits,
    /// Streams of events that are open.
    pub streams: Streams,
    /// Routes.
    pub router: Router,
    /// What differs from server to server.
    pub settings: Settings,
    /// How the parts beneath are doing.
    pub checks: Arc<dyn Checks>,
    /// Whether requests are served: not before start-up ended, nor once shutdown began.
    pub serving: watch::Receiver<bool>,
    /// The API description, made when first asked for.
    pub description: OnceLock<Value>,
    /// What is counted.
    pub measures: Measures,
    /// Rejected tokens, folded when they come in floods.
    pub failures: FailureFold,
    /// JWTs that were verified lately.
    pub verified: VerifiedTokens,
}

impl App {
    /// The API over these parts. Fails without randomness.
    pub fn new(
        engine: Arc<Engine>,
        reader: Reader,
        tree: Arc<AuditTree>,
        settings: Settings,
        checks: Arc<dyn Checks>,
        serving: watch::Receiver<bool>,
    ) -> Result<Self, Unspecified> {
        Ok(Self {
            engine,
            reader,
            tree,
            rate_limits: RateLimits::new(settings.limits.clone()),
            newcomers: RateLimits::new(HashMap::from([(Category::IdentitySync, NEWCOMERS)])),
            streams: Streams::default(),
            router: Router::new(crate::routes::operations(settings.dev_clock.is_some())),
            settings,
            checks,
            serving,
            description: OnceLock::new(),
            measures: Measures::default(),
            failures: FailureFold::default(),
            verified: VerifiedTokens::new()?,
        })
    }

    /// The API description.
    pub fn description(&self) -> &Value {
        self.description.get_or_init(|| openapi::document(&self.router, self.settings.version))
    }

    /// Whether this is development mode.
    pub fn is_dev(&self) -> bool {
        self.settings.dev_clock.is_some()
    }
}
