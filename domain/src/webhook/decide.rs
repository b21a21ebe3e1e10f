//! What may be done to webhooks.

use super::{Content, MAX_WEBHOOKS, Webhook, WebhookEvent};
use crate::endpoint::DisabledReason;
use crate::home::Home;
use crate::id::WebhookId;
use crate::{ErrorCode, Rejection};

/// `webhook_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::WebhookNotFound, "Webhook not found")
}

/// A webhook comes to be beside `count` others, of which one has its name if it `is_taken`.
pub fn create(
    id: WebhookId,
    content: Content,
    home: Option<Home>,
    is_enabled: bool,
    (count, is_taken): (usize, bool),
) -> Result<WebhookEvent, Rejection> {
    if is_taken {
        return Err(taken());
    }
    if count >= MAX_WEBHOOKS {
        let sentence = format!("The tenant has {MAX_WEBHOOKS} webhooks, and may have no more");
        return Err(Rejection::new(ErrorCode::ResourceInUse, sentence));
    }
    Ok(WebhookEvent::Created { id, content, home, disabled: !is_enabled })
}

/// A webhook says something else, or is switched. Nothing happens if that is what it says already, and it signs with
/// the same as before.
pub fn update(
    before: &Webhook,
    content: Content,
    is_enabled: bool,
    is_taken: bool,
    signs_anew: bool,
) -> Result<Option<WebhookEvent>, Rejection> {
    if is_taken {
        return Err(taken());
    }
    let disabled = disabled(before, is_enabled);
    if content == before.content && disabled == before.disabled && !signs_anew {
        return Ok(None);
    }
    Ok(Some(WebhookEvent::Updated { id: before.id.clone(), content, disabled }))
}

/// Why a webhook is disabled, once somebody has said whether it is to be: one that was keeps its reason.
pub fn disabled(before: &Webhook, is_enabled: bool) -> Option<DisabledReason> {
    if is_enabled { None } else { before.disabled.or(Some(DisabledReason::Requested)) }
}

fn taken() -> Rejection {
    Rejection::new(ErrorCode::NameTaken, "Another webhook has that name")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::publication::{EventFilter, EventNames};
    use crate::{IdentityId, Timestamp, endpoint::Endpoint};

    fn webhook(disabled: Option<DisabledReason>) -> Webhook {
        let endpoint = Endpoint {
            url: "https://hooks.acme.example".into(),
            format: Default::default(),
            public_key: None,
            ca_pem: None,
            previous_secret_expires_at: None,
        };
        let events = EventNames::parse(&["*".to_owned()], "events").unwrap();
        let at = Timestamp::from_micros(0);
        Webhook {
            id: WebhookId::parse("wh_1").unwrap(),
            content: Content { name: "w".into(), events, filters: EventFilter::default(), endpoint },
            disabled,
            secrets_at: 1,
            created_by: IdentityId::parse("user:alice@acme.example").unwrap(),
            home: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn names_and_numbers_are_bounded() {
        let Webhook { id, content, .. } = webhook(None);
        let made = |count, is_taken| create(id.clone(), content.clone(), None, true, (count, is_taken));
        assert!(made(99, false).is_ok());
        assert_eq!(made(100, false).unwrap_err().code, ErrorCode::ResourceInUse);
        assert_eq!(made(1, true).unwrap_err().code, ErrorCode::NameTaken);
    }

    #[test]
    fn what_changes_nothing_leaves_nothing() {
        let before = webhook(None);
        let said = |is_enabled, signs_anew| {
            update(&before, before.content.clone(), is_enabled, false, signs_anew).unwrap().is_some()
        };
        assert_eq!((said(true, false), said(false, false), said(true, true)), (false, true, true));
        assert_eq!(update(&before, before.content.clone(), true, true, false).unwrap_err().code, ErrorCode::NameTaken);
    }

    #[test]
    fn one_that_was_given_up_keeps_its_reason_until_it_is_enabled() {
        let gone = webhook(Some(DisabledReason::Gone));
        assert_eq!(disabled(&gone, false), Some(DisabledReason::Gone));
        assert_eq!(disabled(&gone, true), None);
        assert_eq!(disabled(&webhook(None), false), Some(DisabledReason::Requested));
    }
}
