//! Looking at queues, and pausing them.

use common::queue::{
    QueueName, figures,
    office::{self, Desk},
    schedule,
};
use salvo::{
    oapi::{endpoint, extract::PathParam},
    prelude::{Json, Writer},
};

use super::dto::{QueueResponse, QueuesResponse, ScheduleResponse, SchedulesResponse};
use crate::{
    context::{Ctx, Staff},
    error::{ApiError, ApiResult},
};

/// The queues of jobs, how much waits in each, and whether it pauses.
#[endpoint(tags("admin"))]
pub(crate) async fn list_queues(ctx: Ctx, _staff: Staff) -> ApiResult<Json<QueuesResponse>> {
    let figures = figures::of(ctx.services().db.pool()).await?;
    Ok(Json(QueuesResponse { items: figures.into_iter().map(QueueResponse::from).collect() }))
}

/// Lets no worker take from a queue, within a second and until it is resumed. What runs goes on.
#[endpoint(tags("admin"))]
pub(crate) async fn pause_queue(
    ctx: Ctx,
    staff: Staff,
    queue: PathParam<String>,
) -> ApiResult<Json<QueueResponse>> {
    set_pausing(&ctx, staff, &queue, true).await
}

/// Lets workers take from a queue again.
#[endpoint(tags("admin"))]
pub(crate) async fn resume_queue(
    ctx: Ctx,
    staff: Staff,
    queue: PathParam<String>,
) -> ApiResult<Json<QueueResponse>> {
    set_pausing(&ctx, staff, &queue, false).await
}

async fn set_pausing(ctx: &Ctx, staff: Staff, queue: &str, pauses: bool) -> ApiResult<Json<QueueResponse>> {
    let queue = QueueName::parse(queue).ok_or_else(ApiError::not_found)?;
    let desk = Desk { by: Some(staff.user_id), now: ctx.now() };
    let mut tx = ctx.begin().await?;
    if pauses {
        office::pause(&mut tx, desk, queue).await?;
    } else {
        office::resume(&mut tx, desk, queue).await?;
    }
    tx.commit().await?;
    let figures = figures::of(ctx.services().db.pool()).await?;
    let figures = figures.into_iter().find(|figures| figures.queue == queue.as_str());
    figures.map(|figures| Json(figures.into())).ok_or_else(ApiError::not_found)
}

/// What comes by the clock: when it came last, what became of it, and when it comes next.
#[endpoint(tags("admin"))]
pub(crate) async fn list_schedules(ctx: Ctx, _staff: Staff) -> ApiResult<Json<SchedulesResponse>> {
    let schedules = schedule::list(&mut *ctx.read().await?).await?;
    Ok(Json(SchedulesResponse { items: schedules.into_iter().map(ScheduleResponse::from).collect() }))
}
