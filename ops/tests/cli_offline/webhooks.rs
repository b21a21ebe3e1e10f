//! The group `webhooks`.

use super::fake::{Canned, Fake};
use super::user::User;

const WEBHOOK: Canned = (
    200,
    None,
    r#"{"id":"wh_1","name":"w","url":"https://h.example","events":["secret.*"],"enabled":true,"status":"healthy"}"#,
);
const SHOWN: &str = "id: wh_1\nname: w\nurl: https://h.example\nevents: secret.*\nenabled: yes\nstatus: healthy\n";

#[test]
fn webhooks_are_made_and_changed_by_what_is_given() {
    let fake = Fake::start(&[WEBHOOK; 4]);
    let user = User::of(&fake);
    let (secret, roots) = (user.file("secret", "a secret of mine\n"), user.file("ca.pem", "PEM\n"));
    user.run(&format!(
        "webhooks create --name w --url https://h.example --secret-file {secret} --events secret.*,token.created \
         --path-prefix app/ --secret-type kv --tag a --tag b --format cloudevents --ed25519 --ca-pem-file {roots} --disabled"
    ))
    .printed(SHOWN);
    user.run("webhooks update wh_1 --path-prefix none --tag none --ed25519=false --ca-pem-file none --enabled")
        .printed(SHOWN);
    user.run(&format!("webhooks update wh_1 --secret-file {secret} --previous-secret-ttl 1h --events *"))
        .printed(SHOWN);
    let made = user.run("webhooks create --name w --url https://h.example --events *");
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /v1/webhooks");
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"name":"w","url":"https://h.example","secret":"a secret of mine","events":["secret.*","token.created"],"#,
            r#""filters":{"path_prefix":"app/","secret_type":"kv","tags":["a","b"]},"format":"cloudevents","#,
            r#""ed25519":true,"ca_pem":"PEM\n","enabled":false}"#
        )
    );
    assert_eq!(seen[1].line, "PATCH /v1/webhooks/wh_1");
    assert_eq!(
        seen[1].body,
        r#"{"filters":{"path_prefix":null,"tags":null},"ed25519":false,"ca_pem":null,"enabled":true}"#
    );
    assert_eq!(seen[2].body, r#"{"secret":"a secret of mine","events":["*"],"previous_secret_ttl":"1h"}"#);
    // Made here, sent, and shown once.
    let secret = made.out.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50);
    assert!(seen[3].body.contains(&format!(r#""secret":"{secret}""#)));
}

#[test]
fn wrong_arguments_do_not_reach_the_server() {
    let fake = Fake::start(&[]);
    let user = User::of(&fake);
    for line in [
        "webhooks update wh_1",
        "webhooks update wh_1 --enabled --disabled",
        "webhooks update wh_1 --previous-secret-ttl 1h",
        "webhooks create --name w --url https://h.example",
        "webhooks create --name w --url https://h.example --events * --format xml",
        "webhooks deliveries wh_1 del_1 --status failed",
        "webhooks replay wh_1",
        "webhooks verify --secret-file - --timestamp 1 --signature sha256=00",
    ] {
        assert_eq!(user.run(line).status, 5, "{line}");
    }
    assert!(fake.lines().is_empty());
}

#[test]
fn lists_tests_and_deliveries_are_shown() {
    const LIST: Canned = (
        200,
        None,
        r#"{"webhooks":[{"id":"wh_1","name":"w","url":"https://h.example","events":["a.b","c.*"],"enabled":false,"status":"disabled"}],"cursor":null,"has_more":false}"#,
    );
    const FAILED: Canned = (
        200,
        None,
        r#"{"delivery_id":"del_1","status":"failed","response_code":500,"duration_ms":7,"error":"status_500"}"#,
    );
    const DELIVERIES: Canned = (
        200,
        None,
        r#"{"deliveries":[{"id":"del_1","event_id":"evt_1","event_type":"a.b","timestamp":"T","status":"pending","response_code":null,"duration_ms":null,"attempt":0,"next_attempt_at":null,"error":null}],"cursor":null,"has_more":false}"#,
    );
    const QUEUED: Canned = (202, None, r#"{"webhook_id":"wh_1","events_queued":3}"#);
    let fake = Fake::start(&[LIST, FAILED, DELIVERIES, WEBHOOK, QUEUED, QUEUED, (204, None, "")]);
    let user = User::of(&fake);
    user.run("webhooks list").printed(
        "ID    NAME  URL                EVENTS   STATUS    ENABLED\n\
         wh_1  w     https://h.example  a.b,c.*  disabled  no\n",
    );
    let test = user.run("webhooks test wh_1");
    assert_eq!(test.status, 1, "what did not arrive is a failure");
    assert!(test.out.contains("error: status_500"));
    user.run("webhooks deliveries wh_1 --status pending --event-type a.b --start 2026-01-01 --end 2026-01-02").printed(
        "DELIVERY  EVENT  TYPE  STATUS   CODE  ATTEMPT  TIME  ERROR\n\
         del_1     evt_1  a.b   pending  -     0        T     -\n",
    );
    user.run("webhooks deliveries wh_1 del_1").printed(SHOWN);
    user.run("webhooks redeliver wh_1 del_1").printed("webhook_id: wh_1\nevents_queued: 3\n");
    user.run("webhooks replay wh_1 --start 2026-01-01 --end 2026-01-02")
        .printed("webhook_id: wh_1\nevents_queued: 3\n");
    user.run("webhooks delete wh_1").printed("Deleted wh_1\n");
    let seen = fake.seen();
    let lines: Vec<_> = seen.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/webhooks",
            "POST /v1/webhooks/wh_1/test",
            "GET /v1/webhooks/wh_1/deliveries?status=pending&event_type=a.b&from=2026-01-01&to=2026-01-02",
            "GET /v1/webhooks/wh_1/deliveries/del_1",
            "POST /v1/webhooks/wh_1/deliveries/del_1/redeliver",
            "POST /v1/webhooks/wh_1/replay",
            "DELETE /v1/webhooks/wh_1",
        ]
    );
    assert_eq!(seen[5].body, r#"{"from":"2026-01-01","to":"2026-01-02"}"#);
}

#[test]
fn a_signature_is_checked_without_a_server() {
    let user = User::new();
    let secret = user.file("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let verify = |timestamp: &str, body: &str| {
        let signature = "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964";
        let line = format!("webhooks verify --secret-file {secret} --timestamp {timestamp} --signature {signature}");
        user.run_with_input(&line, body).status
    };
    assert_eq!(verify("1614265330", r#"{"test": 2432232314}"#), 0);
    assert_eq!(verify("1614265331", r#"{"test": 2432232314}"#), 1);
    assert_eq!(verify("1614265330", "{}"), 1);
}
