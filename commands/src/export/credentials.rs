//! What opens an object store, as a secret holds it.

use std::fmt;

use scaivault_domain::export::StoreKind;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Credentials of one kind of store. Never shown.
pub enum StoreCredentials {
    /// Amazon S3, or compatible.
    S3 {
        /// Says who.
        access_key_id: String,
        /// Proves it.
        secret_access_key: Zeroizing<String>,
        /// Of temporary credentials.
        session_token: Option<Zeroizing<String>>,
    },
    /// JSON of a service account of Google Cloud.
    Gcs(Zeroizing<String>),
    /// Azure, with the key of an account.
    AzureKey {
        /// Name of the storage account.
        account_name: String,
        /// Base64.
        account_key: Zeroizing<String>,
    },
    /// Azure, with a shared access signature.
    AzureSas {
        /// Name of the storage account.
        account_name: String,
        /// Query parameters.
        sas_token: Zeroizing<String>,
    },
}

#[derive(Deserialize)]
struct S3 {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

#[derive(Deserialize)]
struct Gcs {
    client_email: String,
    private_key: String,
    private_key_id: String,
}

#[derive(Deserialize)]
struct Azure {
    account_name: String,
    account_key: Option<String>,
    sas_token: Option<String>,
}

impl StoreCredentials {
    /// Reads the value of a secret; if it is none for that kind of store, says what it must hold.
    pub fn parse(kind: StoreKind, data: &[u8]) -> Result<Self, &'static str> {
        match kind {
            StoreKind::S3 => {
                let fault = "must hold access_key_id and secret_access_key";
                let S3 { access_key_id, secret_access_key, session_token } = read(data).ok_or(fault)?;
                let secret_access_key = Zeroizing::new(secret_access_key);
                let is_sound = is_word(&access_key_id) && !secret_access_key.is_empty();
                let session_token = session_token.map(Zeroizing::new);
                is_sound.then_some(Self::S3 { access_key_id, secret_access_key, session_token }).ok_or(fault)
            }
            StoreKind::Gcs => {
                let fault = "must hold the JSON of a service account";
                let Gcs { client_email, private_key, private_key_id } = read(data).ok_or(fault)?;
                let private_key = Zeroizing::new(private_key);
                let is_sound = !client_email.is_empty() && !private_key.is_empty() && !private_key_id.is_empty();
                let text = std::str::from_utf8(data).map_err(|_| fault)?;
                is_sound.then(|| Self::Gcs(Zeroizing::new(text.to_owned()))).ok_or(fault)
            }
            StoreKind::AzureBlob => {
                let fault = "must hold account_name, and account_key or sas_token";
                let Azure { account_name, account_key, sas_token } = read(data).ok_or(fault)?;
                let (key, sas) = (account_key.map(Zeroizing::new), sas_token.map(Zeroizing::new));
                // The name becomes part of a host.
                let is_named = (1..=24).contains(&account_name.len())
                    && account_name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
                match (key, sas) {
                    (Some(account_key), None) if is_named && !account_key.is_empty() => {
                        Ok(Self::AzureKey { account_name, account_key })
                    }
                    (None, Some(sas_token)) if is_named && !sas_token.is_empty() => {
                        Ok(Self::AzureSas { account_name, sas_token })
                    }
                    _ => Err(fault),
                }
            }
            StoreKind::File => Err("is not for this destination"),
        }
    }
}

/// A value of that shape. What is wrong with another one is not told: it would quote it.
fn read<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Option<T> {
    serde_json::from_slice(data).ok()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for StoreCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreCredentials [sealed]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(kind: StoreKind, data: &str) -> bool {
        StoreCredentials::parse(kind, data.as_bytes()).is_ok()
    }

    #[test]
    fn each_kind_has_its_own_shape() {
        let s3 = "{\"access_key_id\":\"AK\",\"secret_access_key\":\"s\"}";
        let temporary = "{\"access_key_id\":\"AK\",\"secret_access_key\":\"s\",\"session_token\":\"t\",\"note\":1}";
        let gcs =
            "{\"client_email\":\"a@b\",\"private_key\":\"p\",\"private_key_id\":\"1\",\"type\":\"service_account\"}";
        let key = "{\"account_name\":\"acme1\",\"account_key\":\"aGk=\"}";
        let sas = "{\"account_name\":\"acme1\",\"sas_token\":\"sv=1&sig=2\"}";
        for good in [s3, temporary] {
            assert!(fits(StoreKind::S3, good));
        }
        assert!(fits(StoreKind::Gcs, gcs) && fits(StoreKind::AzureBlob, key) && fits(StoreKind::AzureBlob, sas));
        for (kind, bad) in [
            (StoreKind::S3, gcs),
            (StoreKind::S3, "{\"access_key_id\":\"A K\",\"secret_access_key\":\"s\"}"),
            (StoreKind::S3, "{\"access_key_id\":\"AK\",\"secret_access_key\":\"\"}"),
            (StoreKind::Gcs, s3),
            (StoreKind::AzureBlob, "{\"account_name\":\"acme1\"}"),
            (StoreKind::AzureBlob, "{\"account_name\":\"evil.example/\",\"account_key\":\"aGk=\"}"),
            (StoreKind::AzureBlob, "{\"account_name\":\"a\",\"account_key\":\"aGk=\",\"sas_token\":\"x\"}"),
            (StoreKind::File, s3),
            (StoreKind::S3, "[]"),
        ] {
            assert!(!fits(kind, bad), "{bad}");
        }
    }

    #[test]
    fn they_are_never_shown() {
        let data = b"{\"access_key_id\":\"AKIA\",\"secret_access_key\":\"hush\"}";
        let shown = format!("{:?}", StoreCredentials::parse(StoreKind::S3, data));
        assert!(!shown.contains("AKIA") && !shown.contains("hush"), "{shown}");
    }
}
