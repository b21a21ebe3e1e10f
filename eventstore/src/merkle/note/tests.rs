//! Notes: the published example, round trips, and everything that is almost one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::merkle::checkpoint::Checkpoint;

/// The example of the Go note package, whose form this is.
const PUBLISHED_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PUBLISHED: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer() -> Signer {
    Signer::from_seed("vault.example.com/audit", &[7; 32]).unwrap()
}

#[test]
fn the_published_note_holds() {
    let key = VerifierKey::parse(PUBLISHED_KEY).unwrap();
    assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", PUBLISHED_KEY));
    let note = Note::parse(PUBLISHED).unwrap();
    assert_eq!(key.check(&note), Ok(()));
    assert!(note.text.ends_with("problem is.\n"));
    let other = VerifierKey::new("PeterNeumann", [9; 32]).unwrap();
    assert_eq!(other.check(&note), Err(NoteError::Unsigned));
}

#[test]
fn keys_are_read_strictly() {
    let key = signer().verifier().to_string();
    assert_eq!(VerifierKey::parse(&key).unwrap(), *signer().verifier());
    let (name, rest) = key.split_once('+').unwrap();
    let (id, blob) = rest.split_once('+').unwrap();
    for bad in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("{name}+00000000+{blob}"),
        format!("other+{id}+{blob}"),
        format!("+{id}+{blob}"),
        format!("{name}+{}+{blob}", id.to_uppercase() + "x"),
        format!("{key} "),
        format!("{key}\n"),
        format!("{name}+{id}+{}", STANDARD.encode([2; 33])),
    ] {
        assert_eq!(VerifierKey::parse(&bad), Err(NoteError::Key), "{bad:?}");
    }
}

#[test]
fn a_note_is_signed_as_a_whole() {
    let signer = signer();
    let keys = [signer.verifier().clone()];
    let checkpoint = Checkpoint { origin: signer.verifier().name().to_owned(), tree_size: 104_523, root: [0xab; 32] };
    let note = checkpoint.sign(&signer);
    assert_eq!(Checkpoint::open(&note, &keys), Ok(checkpoint));
    // Every bit of it counts.
    for byte in 0..note.len() {
        for bit in 0..8 {
            let mut altered = note.clone().into_bytes();
            altered[byte] ^= 1 << bit;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            assert!(Checkpoint::open(&altered, &keys).is_err(), "bit {bit} of byte {byte}: {altered:?}");
        }
    }
    for length in 0..note.len() {
        if let Some(cut) = note.get(..length) {
            assert!(Checkpoint::open(cut, &keys).is_err(), "cut at {length}");
        }
    }
    assert!(Checkpoint::open(&format!("{note}\n"), &keys).is_err());
    assert_eq!(Checkpoint::open(&note, &[]), Err(NoteError::Unsigned));
}

#[test]
fn signatures_of_others_do_not_matter() {
    let (signer, other) = (signer(), Signer::from_seed("witness.example", &[8; 32]).unwrap());
    let keys = [signer.verifier().clone()];
    let checkpoint = Checkpoint { origin: signer.verifier().name().to_owned(), tree_size: 3, root: [1; 32] };
    let text = checkpoint.text();
    let line = |signer: &Signer| signer.sign(&text).rsplit_once("\n\n").unwrap().1.to_owned();
    let both = format!("{text}\n{}{}", line(&other), line(&signer));
    assert_eq!(Checkpoint::open(&both, &keys), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::open(&format!("{text}\n{}", line(&other)), &keys), Err(NoteError::Unsigned));
    // The same name and id, another signature: no matter how many sound ones there are beside it.
    let forged = [signer.verifier().id().as_slice(), &[0; 64]].concat();
    let forged = format!("{}{MARK}{} {}\n", signer.sign(&text), signer.verifier().name(), STANDARD.encode(forged));
    assert_eq!(Checkpoint::open(&forged, &keys), Err(NoteError::Forged));
    // The key of another name signs for nobody else's tree.
    let named = Signer::from_seed("other.example/audit", &[7; 32]).unwrap();
    let foreign = checkpoint.sign(&named);
    assert_eq!(Checkpoint::open(&foreign, &[named.verifier().clone()]), Err(NoteError::Unsigned));
}

#[test]
fn checkpoints_are_read_strictly() {
    let root = STANDARD.encode([1; 32]);
    assert!(Checkpoint::parse(&format!("a\n0\n{root}\n")).is_ok());
    assert!(Checkpoint::parse(&format!("a\n7\n{root}\nmore\n")).is_ok());
    for bad in [
        format!("a\n7\n{root}"),
        format!("\n7\n{root}\n"),
        format!("a b\n7\n{root}\n"),
        format!("a\n07\n{root}\n"),
        format!("a\n+7\n{root}\n"),
        format!("a\n-7\n{root}\n"),
        format!("a\n18446744073709551616\n{root}\n"),
        format!("a\n7\n{root}=\n"),
        format!("a\n7\n{}\n", STANDARD.encode([1; 31])),
        format!("a\n7\n{root}\n\nmore\n"),
        "a\n7\n".to_owned(),
    ] {
        assert_eq!(Checkpoint::parse(&bad), Err(NoteError::Malformed), "{bad:?}");
    }
}

#[test]
fn private_keys_are_read_from_pkcs8() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let signer = Signer::from_pkcs8("a", der.as_ref()).unwrap();
    assert_eq!(signer.verifier().key().as_slice(), pair.public_key().as_ref());
    assert!(!format!("{signer:?}").contains("seed"));
    assert!(Signer::from_pkcs8("a", b"nonsense").is_none());
    assert!(Signer::from_seed("a+b", &[1; 32]).is_none());
}
