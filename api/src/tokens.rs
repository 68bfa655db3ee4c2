//! Access tokens: signed, short, and of one algorithm only.

use common::{
    accounts::{Role, Session},
    config::Secret,
    ids::{OrganizationId, SessionId, UserId},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// How long an access token is good for.
pub const LIFETIME: Duration = Duration::minutes(15);

const ALGORITHM: Algorithm = Algorithm::HS256;
const ISSUER: &str = "postavka";
const AUDIENCE: &str = "postavka-api";
const KIND: &str = "access";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    typ: String,
    exp: i64,
    iat: i64,
    sub: UserId,
    sid: SessionId,
    org: OrganizationId,
    role: Role,
}

/// Who is signed in, as their token says.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The person.
    pub user_id: UserId,
    /// The session that the token is of.
    pub session_id: SessionId,
    /// Their organization.
    pub organization_id: OrganizationId,
    /// What they may do.
    pub role: Role,
}

/// Signs and reads access tokens.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    reading: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// Tokens under this secret.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // Time comes from the clock that is passed in.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(secret.reveal().as_bytes()),
            reading: DecodingKey::from_secret(secret.reveal().as_bytes()),
            validation,
        }
    }

    /// A token of a session whose owner has just shown who they are.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(
        &self,
        now: OffsetDateTime,
        session: &Session,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            typ: KIND.to_owned(),
            exp: (now + LIFETIME).unix_timestamp(),
            iat: now.unix_timestamp(),
            sub: session.owner.user_id,
            sid: session.id,
            org: session.owner.organization_id,
            role: session.owner.role,
        };
        jsonwebtoken::encode(&Header::new(ALGORITHM), &claims, &self.signing)
    }

    /// Who a token belongs to, while it is good.
    #[must_use]
    pub fn read(&self, now: OffsetDateTime, token: &str) -> Option<Identity> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.reading, &self.validation).ok()?.claims;
        let good = claims.typ == KIND && claims.exp > now.unix_timestamp();
        good.then_some(Identity {
            user_id: claims.sub,
            session_id: claims.sid,
            organization_id: claims.org,
            role: claims.role,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(now: OffsetDateTime) -> Claims {
        Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            typ: KIND.into(),
            exp: (now + LIFETIME).unix_timestamp(),
            iat: now.unix_timestamp(),
            sub: UserId::new(),
            sid: SessionId::new(),
            org: OrganizationId::new(),
            role: Role::Buyer,
        }
    }

    fn signed(claims: &Claims, algorithm: Algorithm, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    #[test]
    fn only_a_token_that_is_right_in_everything_is_read() {
        let now = common::clock::Clock::system().now();
        let tokens = Tokens::new(&Secret::new("s".repeat(32)));
        let secret = "s".repeat(32);
        let good = claims(now);
        assert!(tokens.read(now, &signed(&good, ALGORITHM, &secret)).is_some());
        assert!(tokens.read(now + LIFETIME, &signed(&good, ALGORITHM, &secret)).is_none(), "expired");
        assert!(tokens.read(now, &signed(&good, Algorithm::HS512, &secret)).is_none(), "another algorithm");
        assert!(tokens.read(now, &signed(&good, ALGORITHM, "other")).is_none(), "another secret");
        for wrong in [
            Claims { iss: "x".into(), ..claims(now) },
            Claims { aud: "x".into(), ..claims(now) },
            Claims { typ: "refresh".into(), ..claims(now) },
        ] {
            assert!(
                tokens.read(now, &signed(&wrong, ALGORITHM, &secret)).is_none(),
                "{}{}{}",
                wrong.iss,
                wrong.aud,
                wrong.typ
            );
        }
    }
}
