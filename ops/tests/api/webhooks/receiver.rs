//! Who is told: notes every request, and answers as it was told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Receiver {
    address: String,
    status: Arc<AtomicU16>,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Clone, Debug)]
pub struct Request {
    headers: Vec<(String, String)>,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (status, requests) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<Request>>>::default());
        let (to_answer, noted) = (status.clone(), requests.clone());
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (to_answer, noted) = (to_answer.clone(), noted.clone());
                thread::spawn(move || serve(socket.unwrap(), &to_answer, &noted));
            }
        });
        Self { address, status, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// All requests, once there are so many.
    pub async fn requests(&self, count: usize) -> Vec<Request> {
        let since = Instant::now();
        loop {
            let requests = self.requests.lock().unwrap().clone();
            if requests.len() >= count {
                return requests;
            }
            assert!(since.elapsed() < PATIENCE, "{count} of {requests:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn serve(socket: TcpStream, status: &AtomicU16, noted: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(socket);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, of)| of.parse().unwrap());
        let mut raw = vec![0; length];
        reader.read_exact(&mut raw).unwrap();
        let body = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        noted.lock().unwrap().push(Request { headers, raw, body });
        let status = status.load(Ordering::SeqCst);
        let content = if status == 204 { "" } else { "Content-Length: 5\r\n" };
        let body = if status == 204 { "" } else { "as is" };
        let answer = format!("HTTP/1.1 {status} X\r\n{content}\r\n{body}");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
