//! TLS 1.2 and 1.3 for the main listener. The certificate is replaced while connections go on: each handshake uses the
//! one that is current.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::configuration::TlsFiles;

/// How often the files are looked at for a change.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TlsError {
    /// The certificate file.
    #[error("{} holds no usable certificate: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key file.
    #[error("{} holds no usable private key: {reason}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why; never a part of the key.
        reason: String,
    },
    /// Each is good, but they do not belong together.
    #[error("the private key is not that of the certificate ({reason})")]
    Pair {
        /// Why.
        reason: String,
    },
}

/// Performs handshakes with the current certificate.
pub(crate) struct Acceptor {
    files: TlsFiles,
    current: Arc<CurrentCertificate>,
    /// The files as they were when last tried, whether that went well or not.
    tried: Mutex<Option<Stamp>>,
    acceptor: TlsAcceptor,
}

/// The certificate of new connections.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

/// Tells one state of the two files from another.
type Stamp = [Option<(SystemTime, u64, u64)>; 2];

// === impl Acceptor ===

impl Acceptor {
    /// Loads the files and sets up TLS.
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let tried = Mutex::new(Some(stamp(&files)));
        let current = Arc::new(CurrentCertificate(RwLock::new(Arc::new(load(&files)?))));
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::Pair { reason: error.to_string() })?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files, current, tried, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The handshake of one connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Reads the files again. If they cannot be used, the certificate of before stays.
    pub(crate) fn reload(&self) {
        *self.tried.lock() = Some(stamp(&self.files));
        match load(&self.files) {
            Ok(certificate) => {
                *self.current.0.write() = Arc::new(certificate);
                tracing::info!(target: "tls", "certificate loaded");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(target: "tls", error, "certificate not replaced, the one of before stays");
            }
        }
    }

    /// Reloads if the files have changed since they were last tried.
    pub(crate) fn reload_if_changed(&self) {
        // Files written one after the other are tried in between, do not match, and are tried again when complete.
        if *self.tried.lock() != Some(stamp(&self.files)) {
            self.reload();
        }
    }

    /// Watches the files for changes; never ends.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut interval = tokio::time::interval(WATCH_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.reload_if_changed();
        }
    }
}

// === impl CurrentCertificate ===

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

/// Reads certificate and key and makes sure that they belong together.
pub(crate) fn load(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(&files.certificate)
        .map_err(|reason| TlsError::Certificate { path: files.certificate.clone(), reason })?;
    let provider = default_provider();
    let key = read_key(&files.key, &provider).map_err(|reason| TlsError::Key { path: files.key.clone(), reason })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(reason)) => Err(TlsError::Pair { reason: format!("{reason:?}") }),
        Err(error) => Err(TlsError::Certificate { path: files.certificate.clone(), reason: error.to_string() }),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("no CERTIFICATE block in it".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(error.to_string()),
    }
}

fn read_key(path: &Path, provider: &CryptoProvider) -> Result<Arc<dyn rustls::sign::SigningKey>, String> {
    let pem = Zeroizing::new(std::fs::read(path).map_err(|error| error.to_string())?);
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        let none = matches!(error, rustls_pki_types::pem::Error::NoItemsFound);
        if none { "no unencrypted PRIVATE KEY block in it" } else { "not well-formed PEM" }.to_owned()
    })?;
    provider.key_provider.load_private_key(key).map_err(|error| error.to_string())
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    })
}
