//! Randomness, key pairs and hashes of generated values: aws-lc-rs makes, others write down.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use pem_rfc7468::LineEnding;
use pkcs8::PrivateKeyInfo;
use scaivault_domain::secret_policy::forge::{Curve, SshKey};
use scaivault_domain::secret_policy::{Forge, KeyPair, Randomness, Unmade};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, RsaKeypair, RsaPrivateKey};
use ssh_key::public::{Ed25519PublicKey, RsaPublicKey};
use ssh_key::{Mpint, PrivateKey};
use zeroize::Zeroizing;

/// The forge of this process.
pub(crate) struct Smithy;

impl Randomness for Smithy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Unmade> {
        rand::fill(bytes).map_err(|_| Unmade("the system has no randomness"))
    }
}

impl Forge for Smithy {
    fn rsa_pair(&mut self, bits: u32) -> Result<KeyPair, Unmade> {
        let pair = rsa(bits)?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| UNWRITTEN)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| UNWRITTEN)?;
        pem_pair(private.as_ref(), public.as_ref())
    }

    fn ec_pair(&mut self, curve: Curve) -> Result<KeyPair, Unmade> {
        let algorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        };
        let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| UNMADE)?;
        let private = pair.to_pkcs8v1().map_err(|_| UNWRITTEN)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| UNWRITTEN)?;
        pem_pair(private.as_ref(), public.as_ref())
    }

    fn ssh_pair(&mut self, key: SshKey, comment: &str) -> Result<KeyPair, Unmade> {
        let data = match key {
            SshKey::Ed25519 => ed25519()?,
            SshKey::Rsa(bits) => ssh_rsa(bits)?,
        };
        let key = PrivateKey::new(data, comment).map_err(|_| UNWRITTEN)?;
        let mut private = key.to_openssh(LineEnding::LF).map_err(|_| UNWRITTEN)?;
        if !private.ends_with('\n') {
            private.push('\n');
        }
        let mut public = key.public_key().to_openssh().map_err(|_| UNWRITTEN)?;
        public.truncate(public.trim_end_matches('\n').len());
        Ok(KeyPair { private, public: Zeroizing::new(public) })
    }

    fn bcrypt(&mut self, password: &str, rounds: u32, salt: [u8; 16]) -> Result<Zeroizing<String>, Unmade> {
        let hash = bcrypt::hash_with_salt(password, rounds, salt).map_err(|_| Unmade("bcrypt refused a password"))?;
        Ok(Zeroizing::new(hash.format_for_version(bcrypt::Version::TwoB)))
    }
}

const UNMADE: Unmade = Unmade("a key pair could not be made");
const UNWRITTEN: Unmade = Unmade("a key pair could not be written down");

fn rsa(bits: u32) -> Result<RsaKeyPair, Unmade> {
    let size = match bits {
        2_048 => KeySize::Rsa2048,
        3_072 => KeySize::Rsa3072,
        4_096 => KeySize::Rsa4096,
        _ => return Err(Unmade("a key of that size is not offered")),
    };
    RsaKeyPair::generate(size).map_err(|_| UNMADE)
}

fn pem_pair(private: &[u8], public: &[u8]) -> Result<KeyPair, Unmade> {
    Ok(KeyPair { private: pem("PRIVATE KEY", private)?, public: pem("PUBLIC KEY", public)? })
}

/// RFC 7468, with a line feed at the end.
fn pem(label: &str, der: &[u8]) -> Result<Zeroizing<String>, Unmade> {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).map(Zeroizing::new).map_err(|_| UNWRITTEN)
}

fn ed25519() -> Result<KeypairData, Unmade> {
    let pair = Ed25519KeyPair::generate().map_err(|_| UNMADE)?;
    let seed = pair.seed().map_err(|_| UNWRITTEN)?;
    let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(|_| UNWRITTEN)?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_ref().try_into().map_err(|_| UNWRITTEN)?);
    let public = pair.public_key().as_ref().try_into().map_err(|_| UNWRITTEN)?;
    let pair = Ed25519Keypair { public: Ed25519PublicKey(public), private: Ed25519PrivateKey::from_bytes(&seed) };
    Ok(KeypairData::Ed25519(pair))
}

/// The numbers of an RSA key (RFC 8017, A.1.2), as SSH writes them.
fn ssh_rsa(bits: u32) -> Result<KeypairData, Unmade> {
    let der: Pkcs8V1Der<'_> = rsa(bits)?.as_der().map_err(|_| UNWRITTEN)?;
    let wrapped = PrivateKeyInfo::try_from(der.as_ref()).map_err(|_| UNWRITTEN)?;
    let key = pkcs1::RsaPrivateKey::try_from(wrapped.private_key).map_err(|_| UNWRITTEN)?;
    let number = |number: pkcs1::UintRef<'_>| Mpint::from_positive_bytes(number.as_bytes()).map_err(|_| UNWRITTEN);
    let public = RsaPublicKey { e: number(key.public_exponent)?, n: number(key.modulus)? };
    let private = RsaPrivateKey {
        d: number(key.private_exponent)?,
        iqmp: number(key.coefficient)?,
        p: number(key.prime1)?,
        q: number(key.prime2)?,
    };
    Ok(KeypairData::Rsa(RsaKeypair { public, private }))
}
