//! A client of streams, as the specification of Server-Sent Events has it.

use std::time::Duration;

use super::{BASE, PATIENCE};
use crate::server::Server;

/// One block of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub id: String,
    pub event: String,
    pub data: String,
    /// Comments and other lines.
    pub rest: String,
}

/// An open stream.
pub struct Feed {
    response: reqwest::Response,
    text: String,
}

impl Feed {
    /// Opens one; the answer itself if it is a refusal.
    pub async fn open(server: &Server, token: &str, id: &str, after: Option<&str>) -> Result<Self, reqwest::Response> {
        let client = reqwest::Client::new();
        let mut request = client.get(format!("{}{BASE}/{id}/stream", server.address)).bearer_auth(token);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = request.send().await.unwrap();
        if response.status() != 200 {
            return Err(response);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut feed = Self { response, text: String::new() };
        assert_eq!(feed.next().await.unwrap().rest, "retry: 2000");
        Ok(feed)
    }

    /// The next block; `None` at the end.
    pub async fn next(&mut self) -> Option<Block> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("something comes")
    }

    /// The next event; its data.
    pub async fn event(&mut self) -> (String, serde_json::Value) {
        let block = self.next().await.expect("the stream goes on");
        (block.event.clone(), serde_json::from_str(&block.data).unwrap_or_else(|_| panic!("{block:?}")))
    }

    /// Whether nothing comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(400), self.read()).await.is_err()
    }

    async fn read(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = parse(block);
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => block.id = value.to_owned(),
            Some(("event", value)) => block.event = value.to_owned(),
            Some(("data", value)) => block.data = value.to_owned(),
            _ => block.rest.push_str(line),
        }
    }
    block
}
