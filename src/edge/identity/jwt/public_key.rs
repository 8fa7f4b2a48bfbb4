//! The public half of one key, and what it can say of a signature (RFC 7518, RFC 8037).

use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

use super::algorithm::Algorithm;

/// The public half of a key.
#[derive(Debug)]
pub(super) enum PublicKey {
    Rsa(RsaPublicKeyComponents<Box<[u8]>>),
    P256(Box<[u8]>),
    P384(Box<[u8]>),
    Ed25519([u8; 32]),
}

impl PublicKey {
    pub(super) fn rsa(modulus: Box<[u8]>, exponent: Box<[u8]>) -> Self {
        Self::Rsa(RsaPublicKeyComponents { n: modulus, e: exponent })
    }

    /// Whether keys of this kind sign with the algorithm.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa(_) => rsa(algorithm).is_some(),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::P384(_) => algorithm == Algorithm::Es384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }

    /// RFC 7518 section 3.4: a token's ECDSA signature is two numbers of fixed length, not ASN.1.
    pub(super) fn has_signed(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let of = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()
        };
        match self {
            Self::Rsa(key) => rsa(algorithm).is_some_and(|rsa| key.verify(rsa, signed, signature).is_ok()),
            Self::P256(point) => algorithm == Algorithm::Es256 && of(&signature::ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => algorithm == Algorithm::Es384 && of(&signature::ECDSA_P384_SHA384_FIXED, point),
            Self::Ed25519(key) => algorithm == Algorithm::EdDsa && of(&signature::ED25519, key),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}
