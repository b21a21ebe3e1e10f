//! Checkpoints, proofs and leaves as somebody sees them who trusts no line of this project: verified by the
//! published implementations of the formats, `signed_note` and `tlog_tiles`.

use std::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::checkpoint::Checkpoint;
use tlog_tiles::tlog::{
    Error, Hash, HashReader, check_record, check_tree, record_hash, stored_hashes_for_record_hash, tree_hash,
};

use super::isolation::key;
use super::server::{Answer, Server, TOKEN};

/// Not a multiple of anything, and more than a tile.
const SECRETS: u32 = 170;

/// A tree of the other implementation.
#[derive(Default)]
struct Reference {
    size: u64,
    hashes: RefCell<Vec<Hash>>,
}

impl HashReader for Reference {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        Ok(indexes.iter().map(|index| self.hashes.borrow()[usize::try_from(*index).unwrap()]).collect())
    }
}

impl Reference {
    fn push(&mut self, leaf: Hash) {
        let more = stored_hashes_for_record_hash(self.size, leaf, self).unwrap();
        self.hashes.borrow_mut().extend(more);
        self.size += 1;
    }

    fn root(&self, size: u64) -> Hash {
        tree_hash(size, self).unwrap()
    }
}

fn hash(value: &Value) -> Hash {
    Hash::parse_hash(value.as_str().unwrap()).unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

fn size(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

async fn filled() -> Server {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false"), ("AUDIT_ORIGIN", "vault.example.com/audit")]);
    for number in 0..SECRETS {
        let body = json!({"data": {"value": number}});
        assert_eq!(server.call("PUT", &format!("/v1/secrets/app/{number}"), Some(body)).await.status, 201);
    }
    server
}

async fn get(server: &Server, path: &str) -> Value {
    let answer = server.call("GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// All leaves from the first on, and their data where it is shown.
async fn leaves(server: &Server, token: &str, limit: u32) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/audit/leaves?limit={limit}{cursor}");
        let answer = server.call_as(token, "GET", &path, None, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        rows.extend(answer.body["leaves"].as_array().unwrap().iter().cloned());
        match answer.body["cursor"].as_str() {
            // Each page is a record more: the end is near enough once a page is not full.
            Some(next) if answer.body["leaves"].as_array().unwrap().len() > 5 => cursor = format!("&cursor={next}"),
            _ => return rows,
        }
    }
}

#[tokio::test]
async fn others_verify_what_is_served() {
    let server = filled().await;
    let public = get(&server, "/v1/audit/public-key").await;
    assert_eq!((&public["origin"], &public["algorithm"]), (&json!("vault.example.com/audit"), &json!("ed25519")));
    assert_eq!(public["previous"], json!([]));
    let pem = public["public_key_pem"].as_str().unwrap();
    let der = STANDARD.decode(pem.lines().nth(1).unwrap()).unwrap();
    let verifier_key = public["verifier_key"].as_str().unwrap();
    let raw = STANDARD.decode(verifier_key.splitn(3, '+').nth(2).unwrap()).unwrap();
    assert_eq!((raw[0], &raw[1..]), (1, &der[12..]), "both say the same key");
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(verifier_key).unwrap())]);
    let opened = |note: &str| {
        let note = Note::from_bytes(note.as_bytes()).unwrap();
        let (verified, unverified) = note.verify(&known).unwrap();
        assert_eq!((verified.len(), unverified.len()), (1, 0));
        Checkpoint::from_bytes(note.text()).unwrap()
    };

    // As text, and with its parts.
    let note = server.raw(
        format!(
            "GET /v1/audit/checkpoint HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        )
        .as_bytes(),
    );
    assert!(note.contains("content-type: text/plain; charset=utf-8"), "{note}");
    let earlier = opened(note.split_once("\r\n\r\n").unwrap().1);
    let shown =
        server.call_as(TOKEN, "GET", "/v1/audit/checkpoint", None, &[(ACCEPT.as_str(), "application/json")]).await;
    let latest = opened(shown.body["note"].as_str().unwrap());
    assert_eq!((latest.origin(), latest.size()), ("vault.example.com/audit", size(&shown.body["tree_size"])));
    assert_eq!(latest.hash(), &hash(&shown.body["root_hash"]));
    assert_eq!(latest.size(), earlier.size() + 1, "reading a checkpoint is a record too");
    assert!(shown.body["timestamp"].as_str().unwrap().ends_with('Z'));

    // The leaves come to the root, and each is that of its data.
    let mut reference = Reference::default();
    for (number, leaf) in (1..).zip(leaves(&server, TOKEN, 100).await) {
        assert_eq!(size(&leaf["position"]), number);
        let data = STANDARD.decode(leaf["leaf_data"].as_str().unwrap()).unwrap();
        assert_eq!(record_hash(&data), hash(&leaf["leaf_hash"]));
        let columns: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(columns["position"], number);
        reference.push(hash(&leaf["leaf_hash"]));
    }
    assert!(latest.size() > 256 && reference.size >= latest.size(), "{} of {}", reference.size, latest.size());
    for checkpoint in [&earlier, &latest] {
        assert_eq!(&reference.root(checkpoint.size()), checkpoint.hash());
    }

    let sizes = [1, 2, 3, 255, 256, 257, earlier.size(), latest.size()];
    for tree in sizes {
        for position in [1, 2, tree / 2, tree - 1, tree].into_iter().filter(|position| (1..=tree).contains(position)) {
            let proof = get(&server, &format!("/v1/audit/proof/inclusion?position={position}&size={tree}")).await;
            assert_eq!((size(&proof["position"]), size(&proof["leaf_index"])), (position, position - 1));
            assert_eq!((size(&proof["tree_size"]), &proof["entry"]), (tree, &Value::Null));
            let root = hash(&proof["root_hash"]);
            assert_eq!(root, reference.root(tree));
            let path = hashes(&proof["hashes"]);
            check_record(&path, tree, root, position - 1, hash(&proof["leaf_hash"])).unwrap();
            let data = STANDARD.decode(proof["leaf_data"].as_str().unwrap()).unwrap();
            assert_eq!(record_hash(&data), hash(&proof["leaf_hash"]));
        }
        for from in sizes.into_iter().filter(|from| *from <= tree) {
            let proof = get(&server, &format!("/v1/audit/proof/consistency?from={from}&to={tree}")).await;
            assert_eq!((size(&proof["from"]), size(&proof["to"])), (from, tree));
            let (before, after) = (hash(&proof["from_root"]), hash(&proof["to_root"]));
            assert_eq!((before, after), (reference.root(from), reference.root(tree)));
            check_tree(&hashes(&proof["hashes"]), tree, after, from, before).unwrap();
            assert_eq!(from == tree, proof["hashes"] == json!([]), "{from} {tree}");
        }
    }
    // Without a size: of now.
    let now = get(&server, "/v1/audit/proof/inclusion?position=7").await;
    assert!(size(&now["tree_size"]) > latest.size());
    let path = hashes(&now["hashes"]);
    check_record(&path, size(&now["tree_size"]), hash(&now["root_hash"]), 6, hash(&now["leaf_hash"])).unwrap();
    let grown = get(&server, &format!("/v1/audit/proof/consistency?from={}", latest.size())).await;
    let (to, after) = (size(&grown["to"]), hash(&grown["to_root"]));
    check_tree(&hashes(&grown["hashes"]), to, after, latest.size(), *latest.hash()).unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_proved() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let refused = |answer: &Answer| (answer.status, answer.code().to_owned());
    let unknown = (404, "not_found".to_owned());
    let invalid = (422, "validation_error".to_owned());
    for (path, expected) in [
        ("proof/inclusion?position=9000000", &unknown),
        ("proof/inclusion?position=9000000&size=9000000", &unknown),
        ("proof/inclusion?position=3&size=2", &invalid),
        ("proof/inclusion?position=3&size=9000000", &invalid),
        ("proof/inclusion?position=0", &invalid),
        ("proof/inclusion?position=-1", &invalid),
        ("proof/inclusion", &invalid),
        ("proof/consistency", &invalid),
        ("proof/consistency?from=0", &invalid),
        ("proof/consistency?from=3&to=2", &invalid),
        ("proof/consistency?from=1&to=9000000", &invalid),
        ("proof/consistency?from=9000000", &invalid),
        ("leaves?limit=10001", &invalid),
        ("leaves?limit=0", &invalid),
        ("leaves?from_position=0", &invalid),
        ("checkpoint?size=1", &invalid),
        ("public-key?x=1", &invalid),
    ] {
        assert_eq!(refused(&server.call("GET", &format!("/v1/audit/{path}"), None).await), *expected, "{path}");
    }
    assert_eq!(server.call("GET", "/v1/audit/leaves?cursor=x", None).await.code(), "invalid_cursor");
    for body in [json!({"limit": 0}), json!({"limit": 1_000_001}), json!({"from_position": 0}), json!({"to": 1})] {
        let answer = server.call("POST", "/v1/audit/verify", Some(body)).await;
        assert_eq!(refused(&answer), invalid, "{answer:?}");
    }
    let beyond = get(&server, "/v1/audit/leaves?from_position=9000000").await;
    assert_eq!(beyond, json!({"leaves": [], "cursor": null, "has_more": false}));
    let page = get(&server, "/v1/audit/leaves?from_position=2&limit=2").await;
    assert_eq!(
        page["leaves"].as_array().unwrap().iter().map(|leaf| size(&leaf["position"])).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(page["has_more"], true);
}

#[tokio::test]
async fn leaf_data_of_others_is_not_shown() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let body = json!({"name": "Elsewhere", "partner_id": "ptn_dev"});
    let tenant = server.call("POST", "/v1/identity/tenants", Some(body)).await.body["id"].as_str().unwrap().to_owned();
    for place in [format!("/v1/t/{tenant}"), "/v1".to_owned()] {
        let written = server.call("PUT", &format!("{place}/secrets/app/db"), Some(json!({"data": {"a": 1}}))).await;
        assert_eq!(written.status, 201, "{written:?}");
    }
    let (stranger, _) = key(&server, &format!("/v1/t/{tenant}"), json!(["tenant_admin"])).await;
    let all = leaves(&server, TOKEN, 1000).await;
    assert!(all.iter().all(|leaf| leaf["leaf_data"].is_string()), "a super administrator sees all");
    let seen = leaves(&server, &stranger, 1000).await;
    let (own, others): (Vec<&Value>, Vec<&Value>) = seen.iter().partition(|leaf| leaf["leaf_data"].is_string());
    // Some records are its tenant's, and what they hold is the same for both; the others' hashes are there.
    assert!(!own.is_empty() && others.len() > own.len(), "{} and {}", own.len(), others.len());
    for (full, leaf) in all.iter().zip(&seen) {
        assert_eq!(full["leaf_hash"], leaf["leaf_hash"]);
        assert!(leaf["leaf_data"].is_null() || leaf["leaf_data"] == full["leaf_data"]);
    }
    for (leaf, shown) in [(own[0], true), (others[0], false)] {
        let path = format!("/v1/audit/proof/inclusion?position={}", leaf["position"]);
        let proof = server.call_as(&stranger, "GET", &path, None, &[]).await;
        assert_eq!((proof.status, proof.body["leaf_data"].is_string()), (200, shown), "{proof:?}");
    }
    let refused = server.call_as(&stranger, "POST", "/v1/audit/verify", Some(json!({})), &[]).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn a_sound_log_verifies_as_a_whole_and_in_parts() {
    let server = filled().await;
    let whole = server.call("POST", "/v1/audit/verify", None).await.body;
    assert_eq!((&whole["ok"], &whole["complete"]), (&json!(true), &json!(true)), "{whole}");
    assert_eq!((&whole["from_position"], &whole["to_position"]), (&json!(1), &whole["tree_size"]));
    assert_eq!((&whole["first_bad_position"], &whole["reason"]), (&Value::Null, &Value::Null));
    let end = size(&whole["tree_size"]);
    assert!(end > 256);
    let root = get(&server, &format!("/v1/audit/proof/consistency?from={end}&to={end}")).await;
    assert_eq!(root["to_root"], whole["root_hash"]);
    let mut from = 1;
    loop {
        let part = json!({"from_position": from, "limit": 90});
        let part = server.call("POST", "/v1/audit/verify", Some(part)).await.body;
        assert_eq!((&part["ok"], size(&part["from_position"])), (&json!(true), from), "{part}");
        let to = size(&part["to_position"]);
        assert_eq!(part["complete"], to == size(&part["tree_size"]));
        if part["complete"] == true {
            assert!(to >= end);
            break;
        }
        assert_eq!(to, from + 89);
        from = to + 1;
    }
    let beyond = server.call("POST", "/v1/audit/verify", Some(json!({"from_position": 9_000_000}))).await.body;
    assert_eq!((&beyond["ok"], &beyond["complete"]), (&json!(true), &json!(true)));
}
