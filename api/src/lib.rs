//! The HTTP API: one table of operations, one order of checks, one error envelope.
//!
//! Knows no SQL and not the store. Handlers parse, ask commands or read models once, and answer.

pub mod admission;
pub mod app;
pub mod authentication;
pub mod call;
pub mod category;
pub mod conditions;
pub mod context;
pub mod cursor;
pub mod digest;
pub mod dispatch;
pub mod error;
pub mod fields;
pub mod gauges;
pub mod headers;
pub mod health;
pub mod json;
pub mod measures;
pub mod openapi;
pub mod operation;
pub mod paging;
pub mod provider;
pub mod query;
pub mod rate_limit;
pub mod response;
pub mod router;
pub mod routes;
pub mod service;
pub mod streams;

pub use app::{App, Settings};
pub use service::Api;
