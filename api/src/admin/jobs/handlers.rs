//! Looking at jobs, and trying them again or discarding them.

use common::{
    ids::JobId,
    queue::{
        KnownKinds,
        office::{self, Act, Desk, JobFilter},
    },
    text::one_line,
};
use salvo::{
    oapi::endpoint,
    prelude::{Json, Writer},
};
use sqlx::PgConnection;

use super::dto::{
    JobSelectionRequest, JobStoryResponse, JobsChangedResponse, JobsResponse, MAX_KIND, parse_queue,
    parse_state,
};
use crate::{
    body::Body,
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
    params::{PageQuery, PathId, Query, instant},
};

/// How many jobs one call changes.
const AT_MOST: usize = 100;

/// The jobs, the newest first.
#[endpoint(
    tags("admin"),
    parameters(
        ("queue" = Option<String>, Query, description = "Only those of this queue"),
        ("kind" = Option<String>, Query, description = "Only those of this kind"),
        ("status" = Option<String>, Query,
            description = "Only those that are `ready`, `running`, `done`, `dead` or `discarded`"),
        ("created_from" = Option<String>, Query, description = "Only those that were enqueued then or later"),
        ("created_to" = Option<String>, Query, description = "Only those that were enqueued before"),
    ),
)]
pub(crate) async fn list_jobs(
    ctx: Ctx,
    _staff: Staff,
    query: PageQuery<JobId>,
) -> ApiResult<Json<JobsResponse>> {
    let PageQuery { paging, mut query } = query;
    let filter = JobFilter {
        queue: query.take("queue", parse_queue),
        kind: query.take("kind", |text| one_line(text, MAX_KIND)),
        state: query.take("status", parse_state),
        created_from: query.take("created_from", instant),
        created_to: query.take("created_to", instant),
    };
    query.finish()?;
    let jobs = office::list(&mut *ctx.read().await?, &filter, paging.after, paging.limit).await?;
    Ok(Json(paging.limit.page(jobs, |job| job.id).into()))
}

/// A job: what it is about, and when, where and of what its attempts failed.
#[endpoint(tags("admin"))]
pub(crate) async fn get_job(ctx: Ctx, _staff: Staff, id: PathId<JobId>) -> ApiResult<Json<JobStoryResponse>> {
    Ok(Json(story(&mut *ctx.read().await?, id.0).await?))
}

/// Lets a job run again that gave up or was discarded, from its first attempt on; and at once one that waits.
///
/// With `dry_run=true` nothing is changed: the answer is the one that there would have been, and says in `would` what the
/// job would do.
#[endpoint(
    tags("admin"),
    parameters(("dry_run" = Option<bool>, Query, description = "Whether only to say what would happen")),
)]
pub(crate) async fn retry_job(
    ctx: Ctx,
    staff: Staff,
    id: PathId<JobId>,
    mut query: Query,
) -> ApiResult<Json<JobStoryResponse>> {
    let dry_run = query.take_bool("dry_run").unwrap_or_default();
    query.finish()?;
    let mut tx = ctx.begin().await?;
    let kinds = kinds(&ctx);
    let would = if dry_run { office::preview(&mut tx, &kinds, id.0).await? } else { None };
    office::retry(&mut tx, &kinds, desk(&ctx, staff), id.0).await?;
    let body = JobStoryResponse { would, ..story(&mut tx, id.0).await? };
    if dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(Json(body))
}

/// Lets a job never run (any more): one that gave up, or one that waits, and then what it is about fails with it.
#[endpoint(tags("admin"))]
pub(crate) async fn discard_job(
    ctx: Ctx,
    staff: Staff,
    id: PathId<JobId>,
) -> ApiResult<Json<JobStoryResponse>> {
    let mut tx = ctx.begin().await?;
    office::discard(&mut tx, &kinds(&ctx), desk(&ctx, staff), id.0).await?;
    let body = story(&mut tx, id.0).await?;
    tx.commit().await?;
    Ok(Json(body))
}

/// Does with many jobs what retrying one does: at most 100 in a call, the oldest first.
#[endpoint(tags("admin"))]
pub(crate) async fn retry_jobs(
    ctx: Ctx,
    staff: Staff,
    body: Body<JobSelectionRequest>,
) -> ApiResult<Json<JobsChangedResponse>> {
    change(&ctx, staff, Act::Retry, body.into_inner()).await
}

/// Does with many jobs what discarding one does: at most 100 in a call, the oldest first.
#[endpoint(tags("admin"))]
pub(crate) async fn discard_jobs(
    ctx: Ctx,
    staff: Staff,
    body: Body<JobSelectionRequest>,
) -> ApiResult<Json<JobsChangedResponse>> {
    change(&ctx, staff, Act::Discard, body.into_inner()).await
}

async fn change(
    ctx: &Ctx,
    staff: Staff,
    act: Act,
    selection: JobSelectionRequest,
) -> ApiResult<Json<JobsChangedResponse>> {
    let (filter, after) = selection.parse()?;
    let mut tx = ctx.begin().await?;
    let one_more = i64::try_from(AT_MOST).unwrap_or(i64::MAX).saturating_add(1);
    let mut ids = office::matching(&mut tx, &filter, after, one_more).await?;
    let more = ids.len() > AT_MOST;
    ids.truncate(AT_MOST);
    let outcomes = office::each(&mut tx, &kinds(ctx), desk(ctx, staff), act, &ids).await?;
    tx.commit().await?;
    Ok(Json(JobsChangedResponse::new(outcomes, more)))
}

async fn story(conn: &mut PgConnection, id: JobId) -> ApiResult<JobStoryResponse> {
    let job = office::find(conn, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(JobStoryResponse::new(job, office::attempts(conn, id).await?))
}

fn kinds(ctx: &Ctx) -> KnownKinds {
    KnownKinds::of_postavka(ctx.services().clock.clone(), ctx.trade().clone())
}

fn desk(ctx: &Ctx, staff: Staff) -> Desk {
    Desk { by: Some(staff.user_id), now: ctx.now() }
}
