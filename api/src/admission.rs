//! Whether a caller that was let in may still be there: for requests that last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use scaivault_domain::access::{self, Caller, Target};
use scaivault_domain::{ErrorCode, Rejection};
use scaivault_projections::View;

use crate::app::App;
use crate::authentication::{Origin, authenticate};
use crate::call::Call;
use crate::dispatch::lacks;
use crate::headers::{PARTNER, TENANT};
use crate::operation::{Access, Operation};
use crate::{context, error};

/// With what a caller was let in, and to do what.
pub struct Admission {
    /// The API.
    pub app: Arc<App>,
    /// Who was let in last.
    pub caller: Arc<Caller>,
    /// Where it acts.
    pub target: Target,
    /// From where.
    pub address: Option<IpAddr>,
    operation: &'static Operation,
    /// Those that say who it is and where it acts.
    headers: HeaderMap,
    /// The tenant that the request named in its path, or by header.
    named: Option<String>,
}

impl Admission {
    /// That of a request.
    pub fn of(call: &Call) -> Self {
        let kept = [AUTHORIZATION, TENANT, PARTNER].into_iter().filter_map(|name| {
            let value = call.headers.get(&name)?.clone();
            Some((name, value))
        });
        Self {
            app: call.app.clone(),
            caller: call.caller.clone(),
            target: call.target.clone(),
            address: call.entry.source_ip,
            operation: call.operation,
            headers: kept.collect(),
            named: call.named_tenant.clone(),
        }
    }

    /// Looks again: the token, its addresses, the place, the scopes. The caller is what it is by now.
    pub async fn renew(&mut self, view: &View) -> Result<(), Rejection> {
        let origin = Origin { named: self.named.as_deref(), address: self.address, at: Instant::now() };
        let authenticated = authenticate(&self.app, view, &self.headers, origin).await;
        let caller = match authenticated.map_err(|failure| error::rejection_of(&failure))? {
            Ok(caller) => Arc::new(caller),
            // Others of its address have failed too often: that says nothing of this one.
            Err(rejected) if rejected.rejection.code == ErrorCode::RateLimited => self.caller.clone(),
            Err(rejected) => return Err(rejected.rejection),
        };
        if self.address.is_some_and(|address| !caller.narrowing.permits_address(address)) {
            return Err(access::address_not_allowed());
        }
        context::resolve(view, &caller, self.operation, self.named.as_deref(), &self.headers)?;
        if let Access::Scopes(scopes) = self.operation.access
            && let Some(missing) = scopes.iter().find(|scope| !caller.scopes.grants(**scope))
        {
            return Err(lacks(self.operation, *missing));
        }
        self.caller = caller;
        Ok(())
    }
}
