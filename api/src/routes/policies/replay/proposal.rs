//! The policies that are proposed, read from a body.

use std::collections::HashSet;

use scaivault_domain::policy::Content;
use scaivault_domain::policy::replay::{Added, MAX_PROPOSED, Proposal, ProposedBinding, Replaced};
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Owner, PolicyId, Rejection};
use scaivault_projections::View;

use super::super::input;
use crate::call::Call;
use crate::fields::{Faults, Fields, not_null};

/// Most bindings of one policy of a proposal.
const MAX_BINDINGS: usize = 1_000;
/// Most bindings of all: they are laid over the policies anew after each change of these.
const MAX_ALL_BINDINGS: usize = 2_000;

/// Reads a proposal.
pub(super) fn read(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> Proposal {
    let add = fields.objects("add", faults).flatten().unwrap_or_default();
    let replace = fields.objects("replace", faults).flatten().unwrap_or_default();
    let remove = fields.texts("remove", faults).flatten().unwrap_or_default();
    let name = fields.name("add");
    fields.finish(faults);
    if add.len() + replace.len() + remove.len() > MAX_PROPOSED {
        let most = format!("add, replace and remove must have at most {MAX_PROPOSED} entries together");
        faults.field(name.trim_end_matches(".add"), most);
        return Proposal::default();
    }
    let add: Vec<_> = add.into_iter().map(|fields| added(call, fields, faults)).collect();
    let replace: Vec<_> = replace.into_iter().filter_map(|fields| replaced(call, fields, faults)).collect();
    let remove: Vec<_> = remove.iter().filter_map(|text| policy_id(text, faults)).collect();
    let of_replaced = replace.iter().filter_map(|replaced: &Replaced| replaced.bindings.as_ref());
    let of_added = add.iter().map(|added: &Added| &added.bindings);
    if of_added.chain(of_replaced).map(Vec::len).sum::<usize>() > MAX_ALL_BINDINGS {
        faults.field("policies", format!("must have at most {MAX_ALL_BINDINGS} bindings together"));
    }
    let mut touched = HashSet::new();
    if !replace.iter().map(|replaced| &replaced.id).chain(&remove).all(|id| touched.insert(id)) {
        faults.field("policies", "must name each policy once, in replace or in remove");
    }
    Proposal { add, replace, remove }
}

/// Refuses names that policies have which would still be there, or that are proposed twice.
pub(super) fn check_names(view: &View, owners: &[Owner], proposal: &Proposal) -> Result<(), Rejection> {
    let mut names = HashSet::new();
    for Added { content, .. } in &proposal.add {
        let taken = owners.first().and_then(|owner| view.policies.of(owner).named(&content.name));
        let is_taken = taken.is_some_and(|id| !proposal.remove.contains(id));
        if is_taken || !names.insert(&content.name) {
            let rejection = Rejection::new(ErrorCode::NameTaken, "Another policy has this name");
            return Err(rejection.detail("name", content.name.as_ref()));
        }
    }
    Ok(())
}

/// An identity, by a typed id or a record's.
pub(super) fn identity(call: &Call, text: &str, name: &str, faults: &mut Faults) -> Option<IdentityId> {
    match call.identity(text) {
        Ok(Some(identity)) => Some(identity),
        Ok(None) => {
            faults.field(name, "must be an identity such as user:alice@acme.example, or a record's id");
            None
        }
        Err(rejection) => {
            faults.special(rejection);
            None
        }
    }
}

fn added(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> Added {
    let given = input::given(&mut fields, true, faults);
    let scope_name = fields.name("scope");
    let scope = fields.text("scope", faults).flatten();
    if scope.is_some_and(|scope| !matches!(scope.as_str(), "tenant" | "partner")) {
        faults.field(scope_name, "must be tenant or partner");
    }
    let bindings = bindings(call, &mut fields, faults).unwrap_or_default();
    fields.finish(faults);
    let content = Content {
        name: given.name.unwrap_or_default(),
        description: given.description.flatten(),
        rules: given.rules.unwrap_or_default(),
        is_active: given.is_active.unwrap_or(true),
    };
    Added { content, bindings }
}

fn replaced(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> Option<Replaced> {
    let name = fields.name("id");
    if !fields.has("id") {
        faults.field(&name, "is required");
    }
    let id = fields.text("id", faults);
    let id = not_null(id, &name, faults).and_then(|text| policy_id(&text, faults));
    for field in ["name", "description"] {
        // They are not what decides.
        if fields.has(field) {
            faults.field(fields.name(field), "is not a known field");
            fields.raw(field);
        }
    }
    let given = input::given(&mut fields, false, faults);
    let bindings = bindings(call, &mut fields, faults);
    fields.finish(faults);
    Some(Replaced { id: id?, rules: given.rules, is_active: given.is_active, bindings })
}

/// An id of another shape is as unknown as one that no policy has.
fn policy_id(text: &str, faults: &mut Faults) -> Option<PolicyId> {
    let id = PolicyId::parse(text).filter(|id| !Proposal::is_added(id));
    if id.is_none() {
        faults.special(Rejection::new(ErrorCode::PolicyNotFound, "Policy not found").detail("policy_id", text));
    }
    id
}

fn bindings(call: &Call, fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Vec<ProposedBinding>> {
    let name = fields.name("bindings");
    let given = fields.objects("bindings", faults).flatten()?;
    if given.len() > MAX_BINDINGS {
        faults.field(name, format!("must have at most {MAX_BINDINGS} entries"));
        return None;
    }
    Some(given.into_iter().filter_map(|fields| binding(call, fields, faults)).collect())
}

fn binding(call: &Call, mut fields: Fields<'_>, faults: &mut Faults) -> Option<ProposedBinding> {
    for field in ["identity_type", "identity_id"] {
        if !fields.has(field) {
            faults.field(fields.name(field), "is required");
        }
    }
    let name = fields.name("identity_type");
    let word = fields.text("identity_type", faults);
    let word = not_null(word, &name, faults);
    let kind = word.as_deref().and_then(IdentityType::parse);
    if word.is_some() && kind.is_none() {
        faults.field(name, "must be user, service_account, group or system");
    }
    let name = fields.name("identity_id");
    let text = fields.text("identity_id", faults);
    let found = not_null(text, &name, faults).and_then(|text| identity(call, &text, &name, faults));
    if found.as_ref().zip(kind).is_some_and(|(identity, kind)| identity.kind() != kind) {
        faults.field(name, "must be an identity of the type given, such as user:alice@acme.example");
    }
    // One that has passed counts for the decisions before it.
    let expires_at = fields.timestamp("expires_at", faults).flatten();
    fields.finish(faults);
    Some(ProposedBinding { identity: found?, expires_at })
}
