//! Changes of subscriptions, decided.

use super::{Content, Delivery, Home, MAX_SUBSCRIPTIONS, Subscription, SubscriptionEvent};
use crate::id::SubscriptionId;
use crate::{ErrorCode, IdentityId, Rejection};

/// A new subscription. `others` are those of the tenant: how many, and whether one of the same owner has its name.
pub fn create(
    id: SubscriptionId,
    (owner, home): (IdentityId, Option<Home>),
    content: Content,
    others: (usize, bool),
) -> Result<SubscriptionEvent, Rejection> {
    let (count, is_taken) = others;
    if is_taken {
        return Err(name_taken(&content.name));
    }
    if count >= MAX_SUBSCRIPTIONS {
        let sentence = format!("The tenant has {MAX_SUBSCRIPTIONS} subscriptions, which is the most there may be");
        let full = Rejection::new(ErrorCode::ResourceInUse, sentence).detail("reason", "limit_reached");
        return Err(full.detail("limit", MAX_SUBSCRIPTIONS));
    }
    Ok(SubscriptionEvent::Created { id, owner, home, content })
}

/// Another content; nothing if it is that already. With `re_enables` it is pushed again if it was disabled; with
/// `is_resigned` it is signed with something else.
pub fn update(
    before: &Subscription,
    content: Content,
    is_taken: bool,
    re_enables: bool,
    is_resigned: bool,
) -> Result<Option<SubscriptionEvent>, Rejection> {
    if is_taken {
        return Err(name_taken(&content.name));
    }
    match (&before.content.delivery, &content.delivery) {
        (Delivery::Polling { .. }, Delivery::Polling { .. }) | (Delivery::Webhook(_), Delivery::Webhook(_)) => {}
        (Delivery::Polling { .. }, Delivery::Webhook(_)) | (Delivery::Webhook(_), Delivery::Polling { .. }) => {
            return Err(Rejection::field("delivery.type", "cannot be changed; make another subscription"));
        }
    }
    let disabled = before.disabled.filter(|_| !re_enables);
    let changes = is_resigned || disabled != before.disabled || content != before.content;
    Ok(changes.then(|| SubscriptionEvent::Updated { id: before.id.clone(), content, disabled }))
}

/// `subscription_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::SubscriptionNotFound, "Subscription not found")
}

fn name_taken(name: &str) -> Rejection {
    Rejection::new(ErrorCode::NameTaken, format!("You have another subscription named '{name}'"))
}
