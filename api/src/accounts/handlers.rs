//! Registering, confirming, signing in and out, and what people change of themselves.

use common::{
    accounts::{self, AccountError, EmailAddress, Password, Purpose, Session, TokenSecret},
    limits::{self, Attempt, Tried},
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};

use super::dto::{
    ChangePasswordRequest, EmailRequest, EmptyResponse, LoginRequest, ProfileRequest, ProfileResponse,
    RefreshRequest, RegisterRequest, ResetPasswordRequest, TokenRequest, TokensResponse,
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
    let (registration, password) = body.into_inner().parse(ctx.trade())?;
    let place = ctx.services().passwords.enter()?;
    count_mail(&ctx, &registration.email).await?;
    let hash = place.hash(password).await?;
    let mut tx = ctx.begin().await?;
    accounts::register(&mut tx, ctx.trade(), ctx.now(), &registration, &hash).await?;
    tx.commit().await?;
    Ok(taken())
}

/// Confirms the address that a link was mailed to.
#[endpoint(tags("accounts"))]
pub(crate) async fn confirm_email(ctx: Ctx, body: Body<TokenRequest>) -> ApiResult<NoContent> {
    let token = TokenSecret::offered(body.into_inner().token);
    let mut tx = ctx.begin().await?;
    accounts::confirm_email(&mut tx, ctx.trade(), ctx.now(), &token).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Mails the link that confirms an address once more.
///
/// The answer is the same whether or not the address is known, and whether or not it is confirmed already.
#[endpoint(tags("accounts"))]
pub(crate) async fn resend_confirmation(
    ctx: Ctx,
    body: Body<EmailRequest>,
) -> ApiResult<Accepted<EmptyResponse>> {
    mail_link(&ctx, body.into_inner().parse()?, Purpose::ConfirmEmail).await
}

/// Mails a link that lets its reader choose a new password.
///
/// The answer is the same whether or not the address is known.
#[endpoint(tags("accounts"))]
pub(crate) async fn request_password_reset(
    ctx: Ctx,
    body: Body<EmailRequest>,
) -> ApiResult<Accepted<EmptyResponse>> {
    mail_link(&ctx, body.into_inner().parse()?, Purpose::ResetPassword).await
}

/// Sets a new password for whoever was mailed a link, and ends all their sessions.
#[endpoint(tags("accounts"))]
pub(crate) async fn reset_password(ctx: Ctx, body: Body<ResetPasswordRequest>) -> ApiResult<NoContent> {
    let (token, password) = body.into_inner().parse()?;
    let place = ctx.services().passwords.enter()?;
    accounts::check_reset(&mut *ctx.read().await?, ctx.now(), &token).await?;
    let hash = place.hash(password).await?;
    let mut tx = ctx.begin().await?;
    accounts::reset_password(&mut tx, ctx.now(), &token, &hash).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Signs in.
#[endpoint(tags("accounts"))]
pub(crate) async fn login(ctx: Ctx, body: Body<LoginRequest>) -> ApiResult<Json<TokensResponse>> {
    let LoginRequest { email, password } = body.into_inner();
    let wrong = || ApiError::new(ProblemCode::InvalidCredentials, "check the address and the password");
    let email = EmailAddress::parse(&email).map_err(|_| wrong())?;
    let place = ctx.services().passwords.enter()?;
    let tried = Tried { attempt: Attempt::SignIn, account: email.as_str(), caller: ctx.caller() };
    let mut conn = ctx.read().await?;
    limits::count(&mut conn, ctx.now(), ctx.limits().sign_ins_per_account, tried).await?;
    let known = accounts::find_credentials(&mut conn, &email).await?;
    // Hashing takes long enough for somebody else to use the connection.
    drop(conn);
    let hash = known.as_ref().map(|account| account.password_hash.clone());
    let right = place.verify(Password::offered(password), hash).await?;
    let account = known.filter(|_| right).ok_or_else(wrong)?;
    if account.confirmed_at.is_none() {
        let detail = "follow the link in the e-mail that was sent at registration";
        return Err(ApiError::new(ProblemCode::EmailNotConfirmed, detail));
    }
    let mut tx = ctx.begin().await?;
    let session = accounts::start_session(&mut tx, ctx.now(), account).await?.ok_or_else(wrong)?;
    limits::remember(&mut tx, ctx.now(), tried).await?;
    tx.commit().await?;
    tokens_of(&ctx, &session)
}

/// Exchanges a refresh token for new tokens. Each works once; one that is used again later ends the session.
#[endpoint(tags("accounts"))]
pub(crate) async fn refresh(ctx: Ctx, body: Body<RefreshRequest>) -> ApiResult<Json<TokensResponse>> {
    let offered = TokenSecret::offered(body.into_inner().refresh_token);
    let mut tx = ctx.begin().await?;
    let refreshed = match accounts::refresh_session(&mut tx, ctx.now(), &offered).await {
        Err(AccountError::Database(error)) => return Err(error.into()),
        // A stolen token's use has ended the session: that is kept, too.
        refreshed => refreshed,
    };
    tx.commit().await?;
    tokens_of(&ctx, &refreshed?)
}

/// Signs out: ends the session that the refresh token belongs to, with its access tokens.
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
    Ok(Json(profile.ok_or_else(closed)?.into()))
}

/// Changes what somebody says of themselves.
#[endpoint(tags("accounts"))]
pub(crate) async fn patch_me(
    ctx: Ctx,
    user: SignedIn,
    body: Body<ProfileRequest>,
) -> ApiResult<Json<ProfileResponse>> {
    let change = body.into_inner().parse()?;
    let mut tx = ctx.begin().await?;
    accounts::change_profile(&mut tx, user.user_id, &change).await?;
    let profile = accounts::profile(&mut tx, user.user_id).await?;
    tx.commit().await?;
    Ok(Json(profile.ok_or_else(closed)?.into()))
}

/// Erases the account: signs out everywhere and removes what is personal. Orders keep what they say of the sale; the
/// address can be registered again.
#[endpoint(tags("accounts"))]
pub(crate) async fn delete_me(ctx: Ctx, user: SignedIn) -> ApiResult<NoContent> {
    let mut tx = ctx.begin().await?;
    accounts::erase(&mut tx, ctx.now(), user.user_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Changes the password, and ends all other sessions.
#[endpoint(tags("accounts"))]
pub(crate) async fn change_password(
    ctx: Ctx,
    user: SignedIn,
    body: Body<ChangePasswordRequest>,
) -> ApiResult<NoContent> {
    let (current, new) = body.into_inner().parse()?;
    let place = ctx.services().passwords.enter()?;
    let mut conn = ctx.read().await?;
    // A stolen access token must not serve to find out the password.
    let id = user.user_id.to_string();
    let tried = Tried { attempt: Attempt::SignIn, account: &id, caller: None };
    limits::count(&mut conn, ctx.now(), ctx.limits().sign_ins_per_account, tried).await?;
    let owner = accounts::own_credentials(&mut conn, user.user_id).await?.ok_or_else(closed)?;
    drop(conn);
    if !place.verify(current, Some(owner.password_hash.clone())).await? {
        return Err(AccountError::WrongPassword.into());
    }
    let hash = ctx.services().passwords.hash(new).await?;
    let mut tx = ctx.begin().await?;
    accounts::change_password(&mut tx, ctx.now(), &owner, user.session_id, &hash).await?;
    tx.commit().await?;
    Ok(NoContent)
}

fn taken() -> Accepted<EmptyResponse> {
    Accepted { location: None, body: EmptyResponse {} }
}

fn closed() -> ApiError {
    ApiError::new(ProblemCode::Unauthorized, "the account is closed")
}

async fn mail_link(ctx: &Ctx, email: EmailAddress, purpose: Purpose) -> ApiResult<Accepted<EmptyResponse>> {
    count_mail(ctx, &email).await?;
    let mut tx = ctx.begin().await?;
    accounts::mail_link(&mut tx, ctx.trade(), ctx.now(), &email, purpose).await?;
    tx.commit().await?;
    Ok(taken())
}

/// Nobody's mailbox is filled by strangers. The owner shares the count with them: there is no telling who asks.
async fn count_mail(ctx: &Ctx, email: &EmailAddress) -> ApiResult<()> {
    let tried = Tried { attempt: Attempt::Mail, account: email.as_str(), caller: None };
    let quota = ctx.limits().mails_per_account;
    Ok(limits::count(&mut *ctx.read().await?, ctx.now(), quota, tried).await?)
}

fn tokens_of(ctx: &Ctx, session: &Session) -> ApiResult<Json<TokensResponse>> {
    let access_token = ctx.services().tokens.issue(ctx.now(), session).map_err(|error| {
        tracing::error!(%error, "an access token could not be signed");
        ApiError::new(ProblemCode::Internal, "no access token could be made")
    })?;
    Ok(Json(TokensResponse {
        access_token,
        token_type: "Bearer",
        expires_in: tokens::LIFETIME.whole_seconds(),
        refresh_token: session.refresh_token.reveal().to_owned(),
    }))
}
