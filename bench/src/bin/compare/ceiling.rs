//! What would be left if all but the signature cost nothing?

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        UnparsedPublicKey, VerificationAlgorithm,
    },
};
use bench::process::CORES;
use mcp_auth::issuer::keys::Alg;

/// As long as header and claims of a token.
const MESSAGE: [u8; 400] = [b'e'; 400];

/// Signs for so many seconds with a key that is read already, and prints how often in one.
pub fn sign(alg: Alg, seconds: u64) -> anyhow::Result<()> {
    let random = SystemRandom::new();
    let rate = match alg {
        Alg::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            let sign = || Ok(pair.sign(&random, &MESSAGE)?.as_ref().to_vec());
            count(seconds, sign, &ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())?
        }
        Alg::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let mut signature = vec![0; pair.public_modulus_len()];
            let sign = || {
                pair.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?;
                Ok(signature.clone())
            };
            count(seconds, sign, &RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?
        }
        Alg::EdDsa => {
            let pair = Ed25519KeyPair::generate()?;
            let sign = || Ok(pair.sign(&MESSAGE).as_ref().to_vec());
            count(seconds, sign, &ED25519, pair.public_key().as_ref())?
        }
    };
    println!("{rate}");
    Ok(())
}

fn count(
    seconds: u64,
    mut sign: impl FnMut() -> anyhow::Result<Vec<u8>>,
    kind: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> anyhow::Result<f64> {
    let (begun, limit, mut done) = (Instant::now(), Duration::from_secs(seconds), 0_u32);
    let mut last = Vec::new();
    while begun.elapsed() < limit {
        last = sign()?;
        done += 1;
    }
    let rate = f64::from(done) / begun.elapsed().as_secs_f64();
    ensure!(
        UnparsedPublicKey::new(kind, public).verify(&MESSAGE, &last).is_ok(),
        "what was signed is no signature"
    );
    Ok(rate)
}

/// The same in a process of its own, on the core that servers have.
pub fn measure(alg: Alg, seconds: u64) -> anyhow::Result<f64> {
    let out = Command::new("taskset")
        .args(["-c", CORES.0])
        .arg(std::env::current_exe()?)
        .args(["sign", alg.name(), &seconds.to_string()])
        .output()
        .context("taskset (package util-linux) cannot be started")?;
    let text = String::from_utf8_lossy(&out.stdout);
    text.trim().parse().with_context(|| String::from_utf8_lossy(&out.stderr).into_owned())
}
