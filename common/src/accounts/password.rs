//! Passwords: what is one, and how it is hashed without stopping everything else.
//!
//! A hash takes 19 MiB and some 30 ms of a core on purpose. So hashing leaves the runtime's threads, only as
//! many run at once as there are cores, and only so many more may wait: beyond that a request is refused at
//! once, and the catalogue stays quick under a flood of sign-ins.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use tokio::{sync::Semaphore, task};

use super::hashing;
use crate::{config::Secret, text::Invalid};

static COMMONEST: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("commonest_passwords.txt").lines().collect());

/// How many requests may wait for each one that is being hashed.
const WAITING_PER_CORE: usize = 16;

/// A password: 8 to 128 characters, not among the commonest. Prints as `***`.
#[derive(Clone, Debug)]
pub struct Password(Secret);

impl Password {
    /// Checks a password that somebody wants to have.
    ///
    /// # Errors
    /// `too_short`, `too_long` or `too_common`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.chars().count() {
            0..8 => Err(Invalid::new("too_short", "expected a password of at least 8 characters")),
            129.. => Err(Invalid::new("too_long", "expected a password of at most 128 characters")),
            _ if COMMONEST.contains(text.to_lowercase().as_str()) => Err(Invalid::new(
                "too_common",
                "this is one of the passwords that are tried first; choose another",
            )),
            _ => Ok(Self(Secret::new(text.to_owned()))),
        }
    }

    /// One that nobody can guess: 24 characters.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = [0; 18];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The password itself, for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// A password that somebody offers as theirs: whatever they typed.
    #[must_use]
    pub fn offered(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// An argon2id hash in PHC form.
#[derive(Clone, sqlx::Type)]
#[sqlx(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordsError {
    /// Too many wait already.
    #[error("too many passwords wait to be checked")]
    Overloaded,
    /// Hashing itself failed: not the caller's fault.
    #[error("a password could not be hashed: {0}")]
    Broken(String),
}

/// Hashes and verifies passwords: argon2id with 19 MiB, two passes, one lane.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<AtomicUsize>,
    limit: usize,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            running: Arc::new(Semaphore::new(cores)),
            admitted: Arc::default(),
            limit: cores * (1 + WAITING_PER_CORE),
        }
    }
}

impl Passwords {
    /// Takes a place among those that are hashed or wait for it, before anything else is done for a request: what
    /// is refused here has cost nothing.
    ///
    /// # Errors
    /// [`PasswordsError::Overloaded`].
    pub fn enter(&self) -> Result<Place, PasswordsError> {
        let admitted = Admitted::enter(&self.admitted, self.limit)?;
        Ok(Place { running: Arc::clone(&self.running), admitted })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordsError`].
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordsError> {
        self.enter()?.hash(password).await
    }

    /// Whether a password is the one that was hashed, as [`Place::verify`].
    ///
    /// # Errors
    /// [`PasswordsError`].
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, PasswordsError> {
        self.enter()?.verify(password, hash).await
    }
}

/// A place among those whose passwords are hashed; good for one.
#[derive(Debug)]
pub struct Place {
    running: Arc<Semaphore>,
    admitted: Admitted,
}

impl Place {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordsError::Broken`].
    pub async fn hash(self, password: Password) -> Result<PasswordHash, PasswordsError> {
        self.run(move || {
            hashing::hash(password.0.reveal()).map(PasswordHash).map_err(|error| error.to_string())
        })
        .await
    }

    /// Whether a password is the one that was hashed. Without a hash, the same work is done for a `false`.
    ///
    /// # Errors
    /// [`PasswordsError::Broken`].
    pub async fn verify(
        self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, PasswordsError> {
        let Some(hash) = hash else {
            return self.hash(password).await.map(|_| false);
        };
        self.run(move || hashing::verify(password.0.reveal(), &hash.0).map_err(|error| error.to_string()))
            .await
    }

    async fn run<T, F>(self, work: F) -> Result<T, PasswordsError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, String> + Send + 'static,
    {
        let running = self.running.acquire_owned().await;
        let running = running.map_err(|error| PasswordsError::Broken(error.to_string()))?;
        let admitted = self.admitted;
        // Both go with the work, which does not stop when its request is gone.
        let work = task::spawn_blocking(move || {
            let result = work();
            drop((running, admitted));
            result
        });
        match work.await {
            Ok(result) => result.map_err(PasswordsError::Broken),
            Err(error) => Err(PasswordsError::Broken(error.to_string())),
        }
    }
}

/// One of those that run or wait, as long as it lives.
#[derive(Debug)]
struct Admitted(Arc<AtomicUsize>);

impl Admitted {
    fn enter(count: &Arc<AtomicUsize>, limit: usize) -> Result<Self, PasswordsError> {
        let place = Self(Arc::clone(count));
        if count.fetch_add(1, Ordering::Relaxed) >= limit {
            Err(PasswordsError::Overloaded)
        } else {
            Ok(place)
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        let code = |text: &str| Password::parse(text).unwrap_err().code;
        assert_eq!(code("short"), "too_short");
        assert_eq!(code(&"я".repeat(129)), "too_long");
        assert_eq!(code("Password123"), "too_common");
        assert!(Password::parse(&"я".repeat(128)).is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Password::offered("correct horse".into())).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(
            passwords.verify(Password::offered("correct horse".into()), Some(hash.clone())).await.unwrap()
        );
        assert!(!passwords.verify(Password::offered("wrong horse".into()), Some(hash)).await.unwrap());
        assert!(!passwords.verify(Password::offered("correct horse".into()), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_flood_is_refused_at_once_and_leaves_no_mark() {
        let passwords = Passwords { limit: 0, ..Passwords::default() };
        let refused = passwords.hash(Password::offered("any password".into())).await;
        assert!(matches!(refused, Err(PasswordsError::Overloaded)));
        assert_eq!(passwords.admitted.load(Ordering::Relaxed), 0);
    }
}
