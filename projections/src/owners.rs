//! The same owner, as the domain and as the log name it.

use scaivault_domain::{Owner, PartnerId, TenantId};
use scaivault_eventstore::Owner as KeyOwner;

/// As the log names it.
pub fn key_owner(owner: &Owner) -> KeyOwner {
    match owner {
        Owner::Platform => KeyOwner::Platform,
        Owner::Partner(id) => KeyOwner::Partner(id.shared()),
        Owner::Tenant(id) => KeyOwner::Tenant(id.shared()),
    }
}

/// As the domain names it; `None` for an id of another shape.
pub fn domain_owner(owner: &KeyOwner) -> Option<Owner> {
    match owner {
        KeyOwner::Platform => Some(Owner::Platform),
        KeyOwner::Partner(id) => PartnerId::parse(id).map(Owner::Partner),
        KeyOwner::Tenant(id) => TenantId::parse(id).map(Owner::Tenant),
    }
}
