//! What a handler works with: the house's services, and who asks.

use std::{net::IpAddr, sync::Arc};

use common::{
    accounts::{self, Passwords, Role},
    clock::Clock,
    config::TradeSettings,
    db::{Db, Reader, Tx},
    imports::urls::Allowed,
    mail::Templates,
    orders::Actor,
    payments::ProviderSettings,
};
use salvo::{
    Extractible,
    extract::Metadata,
    http::header::AUTHORIZATION,
    oapi::{Components, EndpointArgRegister, Operation, SecurityRequirement},
    prelude::{Depot, Request},
};
use sqlx::{Postgres, pool::PoolConnection};

use crate::{
    catalog::kept::CatalogCache,
    error::{ApiError, ApiResult},
    limits::{LimitSettings, Limits},
    problem::ProblemCode,
    tokens::{Identity, Tokens},
};

/// What all requests share.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The rules of the installation.
    pub trade: TradeSettings,
    /// Password hashing.
    pub passwords: Passwords,
    /// Access tokens.
    pub tokens: Tokens,
    /// How e-mails read.
    pub templates: Arc<Templates>,
    /// From where price lists are fetched although it is not public.
    pub fetching: Allowed,
    /// Who handles cards.
    pub cards: ProviderSettings,
    /// How often something may be tried.
    pub limits: Limits,
    /// Answers of the catalogue.
    pub catalog: CatalogCache,
}

/// One request's context.
pub struct Ctx {
    services: Arc<Services>,
    token: Option<String>,
    caller: Option<IpAddr>,
}

impl Ctx {
    /// Opens a transaction.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn begin(&self) -> ApiResult<Tx> {
        Ok(self.services.db.begin().await?)
    }

    /// Opens a transaction that may take minutes; it waits for its turn.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn begin_long(&self) -> ApiResult<Tx> {
        Ok(self.services.db.begin_long().await?)
    }

    /// A connection for reads outside a transaction.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn read(&self) -> ApiResult<PoolConnection<Postgres>> {
        Ok(self.services.db.pool().acquire().await?)
    }

    /// One view of the database, for what is read with several statements.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn snapshot(&self) -> ApiResult<Tx> {
        Ok(self.services.db.snapshot().await?)
    }

    /// A connection for one read of the catalogue; [`keep`](Reader::keep) it when it has served well.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn catalog_reader(&self) -> ApiResult<Reader> {
        Ok(self.services.db.catalog_reader().await?)
    }

    /// The services.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The services, for what outlives the request.
    pub fn shared(&self) -> &Arc<Services> {
        &self.services
    }

    /// Now.
    pub fn now(&self) -> time::OffsetDateTime {
        self.services.clock.now()
    }

    /// The rules of the installation.
    pub fn trade(&self) -> &TradeSettings {
        &self.services.trade
    }

    /// How often something may be tried.
    pub fn limits(&self) -> &LimitSettings {
        self.services.limits.settings()
    }

    /// From where the request comes.
    pub fn caller(&self) -> Option<IpAddr> {
        self.caller
    }

    /// Whoever is signed in, in this role where one is named. Their session is asked for each time, with one read by
    /// its key, so that whoever is signed out or closed is out at once.
    async fn asker(&self, role: Option<Role>) -> ApiResult<Identity> {
        let refusal = || ApiError::new(ProblemCode::Unauthorized, "send a valid access token as Bearer");
        let token = self.token.as_deref().ok_or_else(refusal)?;
        let user = self.services.tokens.read(self.now(), token).ok_or_else(refusal)?;
        let mut reader = self.services.db.reader().await?;
        let goes_on = accounts::session_goes_on(&mut reader, user.session_id).await?;
        reader.keep();
        if !goes_on {
            return Err(ApiError::new(ProblemCode::Unauthorized, "the session has ended; sign in again"));
        }
        match role {
            Some(role) if role != user.role => {
                Err(ApiError::new(ProblemCode::Forbidden, format!("this is for the role {}", role.as_str())))
            }
            _ => Ok(user),
        }
    }
}

/// Who asks, as an argument of a handler: 401 without a valid access token, 403 for another role. It stands
/// before the body, so that nothing is read of somebody who may not send it.
macro_rules! askers {
    ($($(#[doc = $doc:literal])+ $name:ident = $role:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name(Identity);

        impl std::ops::Deref for $name {
            type Target = Identity;

            fn deref(&self) -> &Identity {
                &self.0
            }
        }

        impl From<$name> for Actor {
            fn from($name(identity): $name) -> Self {
                let Identity { user_id, organization_id, role, .. } = identity;
                Self { user_id, organization_id, role }
            }
        }

        impl<'ex> Extractible<'ex> for $name {
            fn metadata() -> &'static Metadata {
                static METADATA: Metadata = Metadata::new(stringify!($name));
                &METADATA
            }

            #[expect(refining_impl_trait, reason = "the error is always ours")]
            async fn extract(req: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, ApiError> {
                Ctx::of(req, depot).await?.asker($role).await.map(Self)
            }
        }

        impl EndpointArgRegister for $name {
            fn register(_: &mut Components, operation: &mut Operation, _: &str) {
                // Since OpenAPI 3.1 a requirement may name the roles it is for.
                let role: Option<Role> = $role;
                let bearer = SecurityRequirement::new("bearer", role.map(Role::as_str));
                operation.securities.get_or_insert_default().push(bearer);
            }
        }
    )+};
}

askers! {
    /// Whoever is signed in.
    SignedIn = None;
    /// A buyer.
    Buyer = Some(Role::Buyer);
    /// A person of a supplier.
    Supplier = Some(Role::Supplier);
    /// Somebody of the operator.
    Staff = Some(Role::Staff);
}

impl<'ex> Extractible<'ex> for Ctx {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Ctx");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, ApiError> {
        Self::of(req, depot).await
    }
}

impl Ctx {
    async fn of(req: &mut Request, depot: &Depot) -> ApiResult<Self> {
        let services = depot
            .get_typed::<Arc<Services>>()
            .map_err(|_| ApiError::new(ProblemCode::Internal, "the service is not set up"))?;
        let services = Arc::clone(services);
        let header = req.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let caller = services.limits.caller(req, depot).await;
        Ok(Self { services, token, caller })
    }
}

impl EndpointArgRegister for Ctx {
    fn register(_: &mut Components, _: &mut Operation, _: &str) {}
}
