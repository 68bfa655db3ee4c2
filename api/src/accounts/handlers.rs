//! Registering, confirming, signing in and out.

use common::accounts::{self, Credentials, EmailAddress, Password, TokenSecret};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{
    EmptyResponse, LoginRequest, ProfileResponse, RefreshRequest, RegisterRequest, TokenRequest,
    TokensResponse,
};
use crate::{
    answer::{Accepted, NoContent},
    body::Body,
    context::{Ctx, SignedIn},
    error::{ApiError, ApiResult},
    problem::ProblemCode,
    tokens,
};

/// Registers somebody new, and mails them a link to confirm the address.
///
/// The answer is the same whether or not the address is known.
#[endpoint(tags("accounts"))]
pub(crate) async fn register(ctx: Ctx, body: Body<RegisterRequest>) -> ApiResult<Accepted<EmptyResponse>> {
    let (registration, password) = body.into_inner().parse(ctx.trade().default_locale)?;
    let hash = ctx.services().passwords.hash(password).await?;
    let mut tx = ctx.begin().await?;
    accounts::register(&mut tx, ctx.trade(), ctx.now(), &registration, &hash).await?;
    tx.commit().await?;
    Ok(Accepted { location: None, body: EmptyResponse {} })
}

/// Confirms the address that a link was mailed to.
#[endpoint(tags("accounts"))]
pub(crate) async fn confirm_email(ctx: Ctx, body: Body<TokenRequest>) -> ApiResult<NoContent> {
    let token = TokenSecret::offered(body.into_inner().token);
    let mut tx = ctx.begin().await?;
    accounts::confirm_email(&mut tx, ctx.now(), &token).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Signs in.
#[endpoint(tags("accounts"))]
pub(crate) async fn login(ctx: Ctx, body: Body<LoginRequest>) -> ApiResult<Json<TokensResponse>> {
    let LoginRequest { email, password } = body.into_inner();
    let known = match EmailAddress::parse(&email) {
        Ok(email) => accounts::find_credentials(&mut *ctx.read().await?, &email).await?,
        Err(_) => None,
    };
    let hash = known.as_ref().map(|account| account.password_hash.clone());
    let right = ctx.services().passwords.verify(Password::offered(password), hash).await?;
    let account = known.filter(|_| right).ok_or_else(|| {
        ApiError::new(ProblemCode::InvalidCredentials, "check the address and the password")
    })?;
    if account.confirmed_at.is_none() {
        let detail = "follow the link in the e-mail that was sent at registration";
        return Err(ApiError::new(ProblemCode::EmailNotConfirmed, detail));
    }
    let mut tx = ctx.begin().await?;
    let refresh_token = accounts::start_session(&mut tx, ctx.now(), account.user_id).await?;
    tx.commit().await?;
    tokens_for(&ctx, &account, &refresh_token)
}

/// Exchanges a refresh token for new tokens. Each works once; one that is used again later ends the session.
#[endpoint(tags("accounts"))]
pub(crate) async fn refresh(ctx: Ctx, body: Body<RefreshRequest>) -> ApiResult<Json<TokensResponse>> {
    let offered = TokenSecret::offered(body.into_inner().refresh_token);
    let mut tx = ctx.begin().await?;
    let refreshed = accounts::refresh_session(&mut tx, ctx.now(), &offered).await;
    // A stolen token's use has ended the session: that is kept, too.
    tx.commit().await?;
    let (owner, refresh_token) = refreshed?;
    tokens_for(&ctx, &owner, &refresh_token)
}

/// Signs out: ends the session that the refresh token belongs to.
#[endpoint(tags("accounts"))]
pub(crate) async fn logout(ctx: Ctx, body: Body<RefreshRequest>) -> ApiResult<NoContent> {
    let token = TokenSecret::offered(body.into_inner().refresh_token);
    let mut tx = ctx.begin().await?;
    accounts::end_session(&mut tx, ctx.now(), &token).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Who is signed in.
#[endpoint(tags("accounts"))]
pub(crate) async fn me(ctx: Ctx, user: SignedIn) -> ApiResult<Json<ProfileResponse>> {
    let profile = accounts::profile(&mut *ctx.read().await?, user.user_id).await?;
    let gone = || ApiError::new(ProblemCode::Unauthorized, "the account is closed");
    Ok(Json(profile.ok_or_else(gone)?.into()))
}

fn tokens_for(ctx: &Ctx, owner: &Credentials, renewal: &TokenSecret) -> ApiResult<Json<TokensResponse>> {
    let access_token = ctx.services().tokens.issue(ctx.now(), owner).map_err(|error| {
        tracing::error!(%error, "an access token could not be signed");
        ApiError::new(ProblemCode::Internal, "no access token could be made")
    })?;
    Ok(Json(TokensResponse {
        access_token,
        token_type: "Bearer",
        expires_in: tokens::LIFETIME.whole_seconds(),
        refresh_token: renewal.reveal().to_owned(),
    }))
}
