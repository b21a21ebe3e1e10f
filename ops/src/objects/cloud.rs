//! Object stores: S3, Google Cloud Storage, Azure Blob Storage. Small objects are put at once, others in parts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
};
use scaivault_commands::export::credentials::StoreCredentials;
use scaivault_commands::export::store::{ObjectWriter, Opening, Store, StoreFault, StoredObject};

use super::guarded::Guarded;
use super::within;

/// Bytes of a part; the last one may be shorter.
const PART: usize = 8 * 1024 * 1024;
/// Attempts of one request.
const RETRIES: usize = 3;
/// Longest time for them all.
const RETRYING: Duration = Duration::from_secs(60);

/// A bucket or container.
#[derive(Clone)]
pub(super) struct Cloud {
    store: Arc<dyn ObjectStore>,
    guarded: Guarded,
}

/// An object that is being written.
struct Upload {
    cloud: Cloud,
    path: Path,
    waiting: BytesMut,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Cloud {
    /// With these credentials. Nothing is asked there yet.
    pub(super) fn open(opening: &Opening<'_>) -> Result<Self, StoreFault> {
        let guarded = Guarded::new(opening.addresses);
        let store = build(opening, &guarded).ok_or(StoreFault::Unusable("it does not fit its credentials"))?;
        Ok(Self { store, guarded })
    }

    /// What a failed call comes to: what the last answer said, or what the client says itself.
    fn fault(&self, error: &Error) -> StoreFault {
        let is_refused = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
        let is_missing = matches!(error, Error::NotFound { .. });
        let said = is_refused.then_some(StoreFault::Refused).or(is_missing.then_some(StoreFault::Missing));
        self.guarded.failure().or(said).unwrap_or(StoreFault::Unexpected)
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, StoreFault> {
        within(async { call.await.map_err(|error| self.fault(&error)) }).await
    }
}

/// What object stores are reached with; `None` if the parts do not fit each other.
fn build(opening: &Opening<'_>, guarded: &Guarded) -> Option<Arc<dyn ObjectStore>> {
    let destination = opening.destination;
    let bucket = destination.bucket.as_deref()?;
    let endpoint = destination.endpoint.as_deref().map(|endpoint| endpoint.trim_end_matches('/'));
    let options = ClientOptions::new().with_allow_http(opening.addresses.plain_loopback);
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        ..BackoffConfig::default()
    };
    let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRYING };
    match opening.credentials? {
        StoreCredentials::S3 { access_key_id, secret_access_key, session_token } => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(bucket)
                .with_access_key_id(access_key_id)
                .with_secret_access_key(secret_access_key.as_str())
                .with_client_options(options)
                .with_retry(retry)
                .with_http_connector(guarded.clone());
            if let Some(token) = session_token {
                builder = builder.with_token(token.as_str());
            }
            if let Some(region) = &destination.region {
                builder = builder.with_region(region.as_ref());
            }
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            builder.build().ok().map(|store| Arc::new(store) as _)
        }
        StoreCredentials::Gcs(json) => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_bucket_name(bucket)
                .with_service_account_key(json.as_str())
                .with_client_options(options)
                .with_retry(retry)
                .with_http_connector(guarded.clone());
            if let Some(endpoint) = endpoint {
                builder = builder.with_config(GoogleConfigKey::BaseUrl, endpoint);
            }
            builder.build().ok().map(|store| Arc::new(store) as _)
        }
        StoreCredentials::AzureKey { account_name, account_key } => {
            let builder = azure(account_name, bucket, endpoint).with_access_key(account_key.as_str());
            let builder = builder.with_client_options(options).with_retry(retry).with_http_connector(guarded.clone());
            builder.build().ok().map(|store| Arc::new(store) as _)
        }
        StoreCredentials::AzureSas { account_name, sas_token } => {
            let token = sas_token.trim_start_matches('?');
            let builder = azure(account_name, bucket, endpoint).with_config(AzureConfigKey::SasKey, token);
            let builder = builder.with_client_options(options).with_retry(retry).with_http_connector(guarded.clone());
            builder.build().ok().map(|store| Arc::new(store) as _)
        }
    }
}

fn azure(account: &str, container: &str, endpoint: Option<&str>) -> MicrosoftAzureBuilder {
    let builder = MicrosoftAzureBuilder::new().with_account(account).with_container_name(container);
    match endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.to_owned()),
        None => builder,
    }
}

fn path(name: &str) -> Result<Path, StoreFault> {
    Path::parse(name).map_err(|_| StoreFault::Unusable("its prefix is not taken"))
}

#[async_trait]
impl Store for Cloud {
    async fn begin(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StoreFault> {
        let path = path(name)?;
        Ok(Box::new(Upload { cloud: self.clone(), path, waiting: BytesMut::new(), parts: None }))
    }

    async fn read(&self, name: &str) -> Result<StoredObject, StoreFault> {
        let path = path(name)?;
        let found = self.call(self.store.get(&path)).await?;
        let bytes = found.meta.size;
        let content = found.into_stream().map(|piece| piece.map_err(std::io::Error::other));
        Ok(StoredObject { bytes, content: content.boxed() })
    }
}

#[async_trait]
impl ObjectWriter for Upload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreFault> {
        self.waiting.extend_from_slice(&bytes);
        while self.waiting.len() > PART {
            let part = self.waiting.split_to(PART).freeze();
            self.send(part).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreFault> {
        let last = std::mem::take(&mut self.waiting).freeze();
        if self.parts.is_none() {
            let put = self.cloud.store.put(&self.path, PutPayload::from(last));
            return self.cloud.call(put).await.map(drop);
        }
        let sent = match last.is_empty() {
            true => Ok(()),
            false => self.send(last).await,
        };
        let completed = match (sent, self.parts.as_mut()) {
            (Ok(()), Some(parts)) => self.cloud.call(parts.complete()).await.map(drop),
            (sent, _) => sent,
        };
        if completed.is_err() {
            self.abandon().await;
        }
        completed
    }

    async fn abandon(mut self: Box<Self>) {
        if let Some(parts) = self.parts.as_mut() {
            // Parts that stay behind are for the bucket's own rules.
            let _ = self.cloud.call(parts.abort()).await;
        }
    }
}

impl Upload {
    async fn send(&mut self, part: Bytes) -> Result<(), StoreFault> {
        if self.parts.is_none() {
            let begun = self.cloud.store.put_multipart(&self.path);
            self.parts = Some(self.cloud.call(begun).await?);
        }
        match self.parts.as_mut() {
            Some(parts) => self.cloud.call(parts.put_part(PutPayload::from(part))).await,
            None => Ok(()),
        }
    }
}
