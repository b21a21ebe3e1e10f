//! Whom this server asks, and what it takes for an answer: real sockets, real TLS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// This host, over plain HTTP too.
pub(super) const HERE: AddressRules = AddressRules { private: true, plain_loopback: true };

/// Gives one answer again and again; its port, and its certificate if it speaks TLS.
pub(super) async fn answering(answer: &'static [u8], with_tls: bool) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let configuration =
        rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(configuration));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut asked = [0; 1024];
                if with_tls {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                } else {
                    let _ = socket.read(&mut asked).await;
                    let _ = socket.write_all(answer).await;
                    let _ = socket.shutdown().await;
                }
            });
        }
    });
    (port, made.cert.pem())
}

async fn fetched(url: &str, ca_pem: Option<&str>, addresses: Option<AddressRules>) -> Result<Vec<u8>, FetchError> {
    Outbound.fetch(&FetchRequest { url, ca_pem, addresses }).await
}

#[tokio::test]
async fn closed_addresses_are_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for url in [format!("http://127.0.0.1:{port}/"), format!("https://localhost:{port}/")] {
        let refused = fetched(&url, None, Some(AddressRules::default())).await;
        assert_eq!(refused, Err(FetchError::BlockedAddress), "{url}");
    }
    let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "nobody connected");
}

#[tokio::test]
async fn certificates_are_checked_against_the_roots_given() {
    let (port, pem) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true).await;
    let url = format!("https://localhost:{port}/keys");
    assert_eq!(fetched(&url, Some(&pem), Some(HERE)).await, Ok(b"{}".to_vec()));
    assert_eq!(fetched(&url, None, Some(HERE)).await, Err(FetchError::Tls));
    let (_, other) = answering(b"", true).await;
    assert_eq!(fetched(&url, Some(&other), None).await, Err(FetchError::Tls));
    assert_eq!(fetched(&url, Some("nothing"), None).await, Err(FetchError::Roots));
    let by_address = format!("https://127.0.0.1:{port}/keys");
    assert_eq!(fetched(&by_address, Some(&pem), None).await, Err(FetchError::Tls), "another name");
}

#[tokio::test]
async fn only_whole_answers_of_some_size_count() {
    let asked = async |answer: &'static [u8]| {
        let (port, _) = answering(answer, false).await;
        fetched(&format!("http://127.0.0.1:{port}/"), None, Some(HERE)).await
    };
    assert_eq!(asked(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]").await, Ok(b"[]".to_vec()));
    let elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(asked(elsewhere).await, Err(FetchError::Status(302)));
    assert_eq!(asked(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await, Err(FetchError::Status(404)));
    assert_eq!(asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]").await, Err(FetchError::Connection));
    assert_eq!(asked(b"nonsense\r\n\r\n").await, Err(FetchError::Connection));
    let mut long = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n".to_vec();
    long.resize(600_100, b'x');
    assert_eq!(asked(long.leak()).await, Err(FetchError::TooLarge));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = fetched(&format!("http://127.0.0.1:{nobody}/"), None, Some(HERE)).await;
    assert_eq!(refused, Err(FetchError::Connection));
}
