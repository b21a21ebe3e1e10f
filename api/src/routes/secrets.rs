//! Secrets of tenants and partners: the same operations at two places.

pub mod batch;
pub mod batch_metadata;
pub mod consumers;
pub mod delete;
pub mod expiring;
pub mod input;
pub mod list;
pub mod metadata;
pub mod read;
pub mod restore;
pub mod rotate;
pub mod update;
pub mod versions;
pub mod view;
pub mod write;

use crate::operation::Operation;

/// Defines an operation below `/v1/secrets` and its twin below `/v1/partner/secrets`.
macro_rules! secret_operation {
    ($name:ident, $method:ident, $path:literal, $id:literal, { $($field:tt)* }) => {
        /// The operation, in a tenant and on a partner.
        pub static $name: [$crate::operation::Operation; 2] = [
            $crate::operation::Operation {
                method: axum::http::Method::$method,
                path: concat!("/v1/secrets", $path),
                id: $id,
                place: $crate::operation::Place::Tenant,
                $($field)*
            },
            $crate::operation::Operation {
                method: axum::http::Method::$method,
                path: concat!("/v1/partner/secrets", $path),
                id: concat!("partner_", $id),
                place: $crate::operation::Place::Partner,
                $($field)*
            },
        ];
    };
}
pub(crate) use secret_operation;

/// The operations of this group.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    [
        &read::READ,
        &write::WRITE,
        &update::UPDATE,
        &delete::DELETE,
        &restore::RESTORE,
        &rotate::ROTATE,
        &versions::VERSIONS,
        &consumers::CONSUMERS,
        &metadata::METADATA,
        &list::LIST,
        &expiring::EXPIRING,
        &batch::BATCH,
        &batch_metadata::BATCH_METADATA,
    ]
    .into_iter()
    .flatten()
}
