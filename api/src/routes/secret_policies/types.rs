//! `GET /v1/secret-policies/types`: of what recipes can be made.

use axum::http::Method;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;
use scaivault_domain::secret_policy::catalogue::{self, GeneratorEntry};
use scaivault_domain::secret_policy::{Charset, PolicyType};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static TYPES: Operation = Operation {
    method: Method::GET,
    path: "/v1/secret-policies/types",
    id: "list_secret_policy_types",
    summary: "Lists the types, generators and charsets that recipes can be made of.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("SecretPolicyTypes"))],
    errors: &[],
    handler: |call| Box::pin(types(call)),
};

#[derive(Serialize)]
struct Types {
    policy_types: Vec<TypeRow>,
    generators: Vec<GeneratorEntry>,
    charsets: Vec<CharsetRow>,
}

#[derive(Serialize)]
struct TypeRow {
    name: &'static str,
    fields: &'static [&'static str],
}

#[derive(Serialize)]
struct CharsetRow {
    name: &'static str,
    characters: Option<String>,
    size: Option<usize>,
}

async fn types(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let policy_types = PolicyType::ALL.map(|kind| TypeRow { name: kind.as_str(), fields: kind.usual_fields() });
    let charsets = Charset::ALL.map(|charset| {
        let characters = charset.characters().map(String::from);
        let size = characters.as_ref().map(|characters| characters.chars().count());
        CharsetRow { name: charset.as_str(), characters, size }
    });
    let generators = catalogue::generators();
    Ok(Done::json(&Types { policy_types: policy_types.into(), generators, charsets: charsets.into() })?)
}
