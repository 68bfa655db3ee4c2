//! Looking at messages, and sending one again.

use common::{
    accounts::EmailAddress,
    audit::{self, Action, Entry},
    ids::EmailMessageId,
    locale::Locale,
    mail::{self, FailedFilter, MessageFilter, MessageKind, MessageStatus, Templates},
};
use salvo::{
    oapi::{endpoint, extract::PathParam},
    prelude::{Json, Writer},
};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    dto::{EmailResponse, EmailsResponse, MessageStoryResponse, MessagesResponse, ResentResponse},
    preview::{Format, Preview},
};
use crate::{
    answer::Accepted,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId, Query},
};

/// Every kind of message that is sent.
#[endpoint(tags("admin"))]
pub(crate) async fn list_emails(ctx: Ctx, _staff: Staff) -> ApiResult<Json<EmailsResponse>> {
    let mut items = Vec::with_capacity(MessageKind::ALL.len());
    for kind in MessageKind::ALL {
        let sample = Templates::sample(kind)?;
        let read = |locale| ctx.services().templates.render(kind, locale, &sample);
        items.push(EmailResponse::new(kind, read(Locale::Ru)?, read(Locale::En)?));
    }
    Ok(Json(EmailsResponse { items }))
}

/// How a kind of message reads, with invented data: its HTML, its text or its subject.
///
/// It is safe to open in a browser. Nothing in it is anybody's, and its links lead nowhere.
#[endpoint(
    tags("admin"),
    parameters(
        ("locale" = Option<String>, Query, description = "`ru` or `en`; the installation's language when absent"),
        ("format" = Option<String>, Query, description = "`html` (when absent), `text` or `subject`"),
    ),
)]
pub(crate) async fn preview_email(
    ctx: Ctx,
    _staff: Staff,
    message: PathParam<String>,
    mut query: Query,
) -> ApiResult<Preview> {
    let locale = query.take_word("locale", "ru or en", |text| text.parse().ok());
    let format = query.take_word("format", "html, text or subject", Format::parse).unwrap_or_default();
    query.finish()?;
    let kind: MessageKind = message.into_inner().parse().map_err(|_| ApiError::not_found())?;
    let locale = locale.unwrap_or(ctx.trade().default_locale);
    let rendered = ctx.services().templates.render(kind, locale, &Templates::sample(kind)?)?;
    Ok(Preview::of(rendered, format))
}

/// The outbox, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("recipient" = Option<String>, Query, description = "Only what goes to this e-mail address"),
        ("status" = Option<String>, Query, description = "Only what is `queued`, `sending`, `sent` or `failed`"),
        ("kind" = Option<String>, Query, description = "Only this kind of message"),
    ),
)]
pub(crate) async fn list_messages(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<EmailMessageId>,
) -> ApiResult<Json<MessagesResponse>> {
    let PageQuery { paging, mut query } = query;
    let recipient = query.take("recipient", EmailAddress::parse);
    let status = query.take_word("status", "queued, sending, sent or failed", MessageStatus::parse);
    let kind = query.take_word("kind", "a kind of message", |text| text.parse().ok());
    query.finish()?;
    let recipient = recipient.map(|address| address.as_str().to_owned());
    let filter = MessageFilter { recipient, status, kind };
    let messages = mail::list(&mut *ctx.read().await?, &filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(messages, |message| message.id).into()))
}

/// A message, and what became of it: when it was queued, tried and sent, and what the mail server answered.
#[endpoint(tags("admin"))]
pub(crate) async fn get_message(
    ctx: Ctx,
    _staff: Staff,
    id: PathId<EmailMessageId>,
) -> ApiResult<Json<MessageStoryResponse>> {
    Ok(Json(with_story(&mut *ctx.read().await?, id.0).await?))
}

/// Sends a message again that failed, or that was sent and did not arrive.
///
/// One that failed keeps its Message-ID; one that was sent goes out as a new copy with a Message-ID of its own. A
/// link in it is made anew. One that is still on its way is 409 `message_under_way`.
#[endpoint(tags("admin"))]
pub(crate) async fn resend_message(
    ctx: Ctx,
    staff: Staff,
    id: PathId<EmailMessageId>,
) -> ApiResult<Accepted<MessageStoryResponse>> {
    let mut tx = ctx.begin().await?;
    mail::resend(&mut tx, ctx.now(), id.0, staff.user_id).await?;
    let body = with_story(&mut tx, id.0).await?;
    let details = json!({ "kind": body.message.kind, "copy": body.message.copy });
    let entry = Entry { by: Some(staff.user_id), action: Action::ResendMessage(id.0), details };
    audit::record(&mut tx, ctx.now(), &entry).await?;
    tx.commit().await?;
    Ok(Accepted { location: Some(format!("/api/v1/admin/messages/{}", id.0)), body })
}

/// Sends messages again that failed, the oldest first, at most 500 at once: for when the mail server was away, or set up
/// wrong, for longer than messages wait. Call it again until it says 0.
#[endpoint(
    tags("admin"),
    parameters(
        ("recipient" = Option<String>, Query, description = "Only what goes to this e-mail address"),
        ("kind" = Option<String>, Query, description = "Only this kind of message"),
    ),
)]
pub(crate) async fn resend_failed_messages(
    ctx: Ctx,
    staff: Staff,
    mut query: Query,
) -> ApiResult<Accepted<ResentResponse>> {
    let recipient = query.take("recipient", EmailAddress::parse);
    let kind = query.take_word("kind", "a kind of message", |text| text.parse().ok());
    query.finish()?;
    let which = FailedFilter { recipient: recipient.map(|address| address.as_str().to_owned()), kind };
    let mut tx = ctx.begin().await?;
    let resent = mail::resend_failed(&mut tx, ctx.now(), &which, staff.user_id).await?;
    for &id in &resent {
        let entry = Entry { by: Some(staff.user_id), action: Action::ResendMessage(id), details: json!({}) };
        audit::record(&mut tx, ctx.now(), &entry).await?;
    }
    tx.commit().await?;
    Ok(Accepted { location: None, body: ResentResponse { messages: resent.len() } })
}

async fn with_story(conn: &mut PgConnection, id: EmailMessageId) -> ApiResult<MessageStoryResponse> {
    let message = mail::find(conn, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(MessageStoryResponse::new(message, mail::story(conn, id).await?))
}
