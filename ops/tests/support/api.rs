//! A caller of a running server.

use reqwest::Method;
use serde_json::Value;

/// Somebody with a token.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Api {
    /// With connections of its own.
    pub fn new(url: &str, token: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, url: url.into(), token: token.into() }
    }

    /// Sends; an error if no whole answer came.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// The body of a GET that succeeds.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, &[], None).await.unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text);
        answer.json()
    }

    /// The body of a PUT that succeeds.
    pub async fn write(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(Method::PUT, &format!("/v1/secrets/{path}"), &[], Some(body)).await.unwrap();
        assert!(matches!(answer.status, 200 | 201), "PUT {path}: {}", answer.text);
        answer.json()
    }
}

impl Answer {
    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}
