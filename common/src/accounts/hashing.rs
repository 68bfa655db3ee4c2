//! argon2id, in memory that goes back to the system after each hash.
//!
//! The library allocates the 19 MiB of a hash like any memory, and glibc keeps such memory for later, for each thread
//! that ever hashed: a flood of sign-ins left the process at 600 MiB, of which nothing was in use.

use argon2::{
    Algorithm, Argon2, Block, CustomizedPasswordHasher, Params, PasswordVerifier, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use rand::{TryRng, rngs::SysRng};

/// From this size on glibc asks the system for memory each time, and gives it back at once. What of it is never
/// touched costs nothing.
const GIVEN_BACK: usize = 33 << 20;

/// The length of a new salt, in bytes.
const SALT: usize = 16;

/// Hashes a password under a new salt, in PHC form.
pub(super) fn hash(password: &str) -> Result<String, password_hash::Error> {
    let mut salt = [0; SALT];
    SysRng.try_fill_bytes(&mut salt).map_err(|_| password_hash::Error::Crypto)?;
    let hash = Frugal.hash_password_customized(password.as_bytes(), &salt, None, None, Params::default())?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed.
pub(super) fn verify(password: &str, hash: &str) -> Result<bool, password_hash::Error> {
    let hash = PasswordHash::new(hash)?;
    match Frugal.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The library's argon2 but for where its memory comes from.
struct Frugal;

impl CustomizedPasswordHasher<PasswordHash> for Frugal {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let mut memory = Vec::with_capacity((GIVEN_BACK / Block::SIZE).max(params.block_count()));
        memory.resize(params.block_count(), Block::default());
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password,
            salt,
            &mut output,
            &mut memory,
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;

    use super::*;

    #[test]
    fn it_hashes_as_the_library_does() {
        let ours = PasswordHash::new(&hash("correct horse").unwrap()).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &ours).is_ok());
        assert!(Argon2::default().verify_password(b"wrong horse", &ours).is_err());
        let theirs = Argon2::default().hash_password(b"correct horse").unwrap().to_string();
        assert_eq!((verify("correct horse", &theirs), verify("wrong horse", &theirs)), (Ok(true), Ok(false)));
        assert_eq!(ours.to_string().len(), theirs.len());
        assert!(verify("correct horse", "").is_err());
    }
}
