//! Webhooks under faults: what the log published, and what receivers got.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::place::Place;
use crate::receiver::{Arrival, Receiver};

/// How long the last events may take: two failures come before them.
const PATIENCE: Duration = Duration::from_secs(180);

/// Receivers with a webhook each.
pub struct Deliveries {
    receivers: Vec<(Receiver, String)>,
}

impl Deliveries {
    /// One that behaves, and one that does not.
    pub async fn start(place: &Place, seed: u64) -> Self {
        let mut receivers = Vec::new();
        for (name, faulty) in [("steady", 0), ("faulty", 12)] {
            let receiver = Receiver::start(seed, faulty).await;
            let body = json!({"name": name, "url": receiver.url, "secret": "a secret of this webhook alone",
                              "events": ["secret.*"], "filters": {"path_prefix": "h"}, "ca_pem": receiver.certificate});
            let made = ask(place, Method::POST, "webhooks", Some(&body)).await.expect("a webhook is made");
            receivers.push((receiver, made["id"].as_str().unwrap().to_owned()));
        }
        Self { receivers }
    }

    /// How often receivers have failed.
    pub fn faults(&self) -> u64 {
        self.receivers.iter().map(|(receiver, _)| receiver.faults()).sum()
    }

    /// Waits until nothing is on its way.
    pub async fn finish(&self, place: &Place) {
        self.receivers.iter().for_each(|(receiver, _)| receiver.behave());
        let begun = Instant::now();
        for (_, id) in &self.receivers {
            loop {
                let pending =
                    ask(place, Method::GET, &format!("webhooks/{id}/deliveries?status=pending&limit=5"), None).await;
                let left = pending.as_ref().map(|body| body["deliveries"].as_array().unwrap().len());
                if left == Ok(0) {
                    break;
                }
                if begun.elapsed() > PATIENCE {
                    place.shared.defect(format!("deliveries do not come to an end: {pending:?}"));
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Everything came, in the order of its path; `published` are ids of events with their paths, in log order.
    pub fn check(&self, place: &Place, published: &[(String, String)]) -> usize {
        let mut repeated = 0;
        for (receiver, id) in &self.receivers {
            match judge(&receiver.arrivals(), published) {
                Ok(more) => repeated += more,
                Err(text) => place.shared.defect(format!("{id}: {text}")),
            }
        }
        repeated
    }
}

fn judge(arrivals: &[Arrival], published: &[(String, String)]) -> Result<usize, String> {
    let known: HashSet<&str> = published.iter().map(|(id, _)| id.as_str()).collect();
    let accepted: HashSet<&str> =
        arrivals.iter().filter(|arrival| arrival.accepted).map(|arrival| arrival.event_id.as_str()).collect();
    if let Some(arrival) = arrivals.iter().find(|arrival| !known.contains(arrival.event_id.as_str())) {
        return Err(format!("{} was never published", arrival.event_id));
    }
    if let Some((lost, path)) = published.iter().find(|(id, _)| !accepted.contains(id.as_str())) {
        return Err(format!("{lost} of {path} is lost"));
    }
    let mut first: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut seen: HashMap<&str, bool> = HashMap::new();
    for arrival in arrivals {
        let of_path = first.entry(&arrival.path).or_default();
        match seen.get_mut(arrival.event_id.as_str()) {
            Some(accepted) => *accepted |= arrival.accepted,
            None => {
                if let Some(before) = of_path.last()
                    && !seen[before]
                {
                    return Err(format!("{} overtook {before}", arrival.event_id));
                }
                of_path.push(&arrival.event_id);
                seen.insert(&arrival.event_id, arrival.accepted);
            }
        }
    }
    for (path, ids) in &first {
        let in_order: Vec<&str> = published.iter().filter(|(_, of)| of == path).map(|(id, _)| id.as_str()).collect();
        if *ids != in_order {
            return Err(format!("{path}: {ids:?} instead of {in_order:?}"));
        }
    }
    Ok(arrivals.len() - seen.len())
}

async fn ask(place: &Place, method: Method, address: &str, body: Option<&Value>) -> Result<Value, String> {
    let url = place.shared.nodes[0].read().unwrap().clone();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let mut request = client.request(method, format!("{url}/v1/{address}")).bearer_auth(place.shared.token());
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    match status.is_success() {
        true => serde_json::from_str(&text).map_err(|error| error.to_string()),
        false => Err(text),
    }
}
