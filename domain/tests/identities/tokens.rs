//! How long an opaque token counts, and what others are told of it.

use scaivault_domain::access::Narrowing;
use scaivault_domain::token::{Token, TokenCreated, TokenKind};
use scaivault_domain::{IdentityId, Scopes, Timestamp, TokenId};

use super::sample::{moment, now, tenant};

fn token(expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>) -> Token {
    let record = TokenCreated {
        id: TokenId::parse("tok_1").unwrap(),
        kind: TokenKind::Personal,
        name: "laptop".into(),
        hash: "ab".repeat(32),
        prefix: "skt_0aB4".into(),
        identity: IdentityId::parse("user:alice@acme.example").unwrap(),
        tenant_id: Some(tenant("tnt_acme")),
        partner_id: None,
        scopes: Scopes::all(),
        narrowing: Narrowing::default(),
        own_narrowing: (false, false),
        made_with: None,
        made_with_jwt: None,
        exchange_rule: None,
        expires_at,
    };
    Token { record, created_at: moment("2026-04-01"), revoked_at }
}

#[test]
fn a_token_counts_until_its_end_or_its_revocation() {
    let (past, future) = (Some(moment("2026-04-23T13:59:59Z")), Some(moment("2026-04-23T14:00:01Z")));
    for (expires_at, revoked_at, is_expired, is_active) in [
        (None, None, false, true),
        (future, None, false, true),
        (Some(now()), None, true, false),
        (past, None, true, false),
        (None, past, false, false),
        (future, past, false, false),
        (past, past, true, false),
    ] {
        let token = token(expires_at, revoked_at);
        let found = (token.is_expired(now()), token.is_active(now()));
        assert_eq!(found, (is_expired, is_active), "ends {expires_at:?}, revoked {revoked_at:?}");
    }
}

#[test]
fn events_name_three_kinds_of_tokens() {
    for (kind, published) in [
        (TokenKind::Personal, "personal"),
        (TokenKind::Bootstrap, "personal"),
        (TokenKind::DevRoot, "personal"),
        (TokenKind::ServiceAccountKey, "service_account_key"),
        (TokenKind::Exchanged, "exchanged"),
    ] {
        assert_eq!(kind.published(), published);
    }
}
