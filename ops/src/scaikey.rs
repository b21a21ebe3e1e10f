//! ScaiKey over HTTP: pages of JSON, with a service token. See `docs/scaikey.md`.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, RequestBuilder};
use scaivault_commands::hook::prefixed;
use scaivault_commands::mirror::Said;
use scaivault_commands::provider::{Fetched, FetchedTenant, IdentityProvider, ProviderError, Record};
use scaivault_domain::directory::Status;
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::scaikey::{Registration, SyncTarget};
use scaivault_domain::{PartnerId, Role, TenantId, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use zeroize::Zeroizing;

use crate::configuration::{Sealed, Synchronisation};

/// Longest time for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows of a page.
const PAGE_SIZE: usize = 200;
/// Most pages of one list: beyond, something goes round in circles.
const MAX_PAGES: usize = 10_000;
/// Longest answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// ScaiKey with our credentials there.
pub(crate) struct ScaiKey {
    http: Client,
    url: String,
    client: (String, Sealed),
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Registered {
    webhook_secret: String,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    has_more: bool,
}

/// A record; its kind says which fields count.
#[derive(Deserialize)]
struct Item {
    id: String,
    updated_at: Timestamp,
    name: Option<String>,
    slug: Option<String>,
    region: Option<String>,
    status: Option<Status>,
    partner_id: Option<String>,
    email: Option<String>,
    display_name: Option<String>,
    mfa_enabled: Option<bool>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    parent_ids: Vec<String>,
}

/// A user in a group.
#[derive(Deserialize)]
struct Member {
    group_id: String,
    user_id: String,
    added_at: Timestamp,
}

impl ScaiKey {
    /// As configured; `None` without URL or credentials.
    pub(crate) fn of(configured: &Synchronisation) -> Result<Option<Self>, reqwest::Error> {
        let (Some(url), Some(client)) = (configured.url.clone(), configured.client.clone()) else { return Ok(None) };
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("ScaiVault/", env!("CARGO_PKG_VERSION")));
        // Over plain HTTP no roots are looked for: a host without any can still ask itself.
        let plain = url.starts_with("http://");
        let builder = if plain { builder.tls_certs_only(Vec::new()) } else { builder };
        Ok(Some(Self { http: builder.build()?, url, client }))
    }

    async fn token(&self) -> Result<Zeroizing<String>, ProviderError> {
        let (id, secret) = &self.client;
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let form =
            format!("grant_type=client_credentials&client_id={}&client_secret={}", encode(id), encode(secret.expose()));
        let request = self.http.post(format!("{}/oauth/token", self.url));
        let request = request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let token: Token = answer(request).await?;
        Ok(Zeroizing::new(token.access_token))
    }

    /// All rows of a list.
    async fn list<T: DeserializeOwned>(&self, token: &str, path: &str) -> Result<Vec<T>, ProviderError> {
        let mut rows = Vec::new();
        for page in 1..=MAX_PAGES {
            let url = format!("{}/api/v1/{path}?page={page}&page_size={PAGE_SIZE}", self.url);
            let found: Page<T> = answer(self.http.get(url).bearer_auth(token)).await?;
            rows.extend(found.items);
            if !found.has_more {
                return Ok(rows);
            }
        }
        Err(ProviderError::Malformed("a list has no end"))
    }

    async fn tenant(&self, token: &str, item: Item) -> Result<FetchedTenant, ProviderError> {
        let path =
            format!("tenants/{}", percent_encoding::utf8_percent_encode(&item.id, percent_encoding::NON_ALPHANUMERIC));
        let users: Vec<Item> = self.list(token, &format!("{path}/users")).await?;
        let groups: Vec<Item> = self.list(token, &format!("{path}/groups")).await?;
        let members: Vec<Member> = self.list(token, &format!("{path}/members")).await?;
        let member = |member: Member| {
            Ok((
                id_of(GroupId::PREFIX, &member.group_id, GroupId::parse)?,
                id_of(UserId::PREFIX, &member.user_id, UserId::parse)?,
                member.added_at,
            ))
        };
        Ok(FetchedTenant {
            tenant: record(item, TenantId::PREFIX, TenantId::parse)?,
            users: users
                .into_iter()
                .map(|item| record(item, UserId::PREFIX, UserId::parse))
                .collect::<Result<_, _>>()?,
            groups: groups
                .into_iter()
                .map(|item| record(item, GroupId::PREFIX, GroupId::parse))
                .collect::<Result<_, _>>()?,
            members: members.into_iter().map(member).collect::<Result<_, _>>()?,
        })
    }
}

#[async_trait]
impl IdentityProvider for ScaiKey {
    async fn fetch(&self, target: &SyncTarget) -> Result<Fetched, ProviderError> {
        let token = self.token().await?;
        let partners: Vec<Item> = self.list(&token, "partners").await?;
        let partners = partners.into_iter().map(|item| record(item, PartnerId::PREFIX, PartnerId::parse));
        let mut partners: Vec<Record<PartnerId>> = partners.collect::<Result<_, _>>()?;
        partners.retain(|partner| {
            let wanted = target.partner_id.as_ref().is_none_or(|wanted| *wanted == partner.id);
            wanted && target.tenant_id.is_none()
        });
        let mut fetched = Fetched { partners, tenants: Vec::new() };
        let items: Vec<Item> = self.list(&token, "tenants").await?;
        for item in items {
            let id = id_of(TenantId::PREFIX, &item.id, TenantId::parse)?;
            let partner =
                item.partner_id.as_deref().map(|id| id_of(PartnerId::PREFIX, id, PartnerId::parse)).transpose()?;
            let wanted = target.tenant_id.as_ref().is_none_or(|wanted| *wanted == id)
                && target.partner_id.as_ref().is_none_or(|wanted| partner.as_ref() == Some(wanted));
            if wanted {
                fetched.tenants.push(self.tenant(&token, item).await?);
            }
        }
        Ok(fetched)
    }

    async fn register(
        &self,
        registration: &Registration,
        webhook_url: Option<&str>,
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let token = self.token().await?;
        let body = json!({
            "scope": registration.scope, "tenant_slug": registration.tenant_slug,
            "partner_slug": registration.partner_slug, "email": registration.email, "webhook_url": webhook_url,
        });
        let request =
            self.http.post(format!("{}/api/v1/registrations", self.url)).bearer_auth(token.as_str()).json(&body);
        let registered: Registered = answer(request).await?;
        let secret = Zeroizing::new(registered.webhook_secret.into_bytes());
        if secret.len() < 32 {
            return Err(ProviderError::Malformed("its webhook secret is too short"));
        }
        Ok(secret)
    }
}

/// The JSON of a successful answer. What else it says is nobody's business: it could hold anything.
async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ProviderError> {
    let mut response = request.send().await.map_err(|_| ProviderError::Unreachable)?;
    if !response.status().is_success() {
        return Err(ProviderError::Status(response.status().as_u16()));
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|_| ProviderError::Unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ProviderError::Malformed("it is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| ProviderError::Malformed("it has another shape"))
}

fn id_of<I>(prefix: &str, id: &str, parse: impl Fn(&str) -> Option<I>) -> Result<I, ProviderError> {
    parse(&prefixed(prefix, id)).ok_or(ProviderError::Malformed("an id has another shape"))
}

fn record<I>(item: Item, prefix: &str, parse: impl Fn(&str) -> Option<I>) -> Result<Record<I>, ProviderError> {
    let id = id_of(prefix, &item.id, parse)?;
    let partner_id = item.partner_id.as_deref().map(|id| id_of(PartnerId::PREFIX, id, PartnerId::parse)).transpose()?;
    let parents = item.parent_ids.iter().map(|id| id_of(GroupId::PREFIX, id, GroupId::parse));
    let said = Said {
        name: item.name,
        slug: item.slug,
        region: Some(item.region),
        status: item.status.or(Some(Status::Active)),
        partner_id,
        email: item.email,
        display_name: item.display_name,
        mfa_enabled: item.mfa_enabled,
        roles: Some(item.roles.iter().filter_map(|role| Role::parse(role)).collect()),
        parent_ids: Some(parents.collect::<Result<_, _>>()?),
    };
    Ok(Record { id, said, at: item.updated_at })
}
