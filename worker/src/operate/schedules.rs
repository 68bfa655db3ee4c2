//! `worker schedules`.

use common::{
    config::Problems,
    queue::schedule::{self, ScheduleRecord},
};
use serde_json::{Value, json};

use super::{Common, at, print_json, print_table};

/// Shows the schedules that ever ticked.
///
/// # Errors
/// When the settings are not right, or the database is away.
pub async fn list_schedules(common: &Common, problems: Problems) -> anyhow::Result<()> {
    let schedules = schedule::list(&mut *common.connect(problems)?.pool().acquire().await?).await?;
    if common.json {
        print_json(&schedules.iter().map(as_json).collect());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = schedules.iter().map(as_row).collect();
    print_table(&["SCHEDULE", "EVERY", "LAST TICK", "ITS JOB", "NEXT TICK"], &rows);
    Ok(())
}

fn as_row(schedule: &ScheduleRecord) -> Vec<String> {
    vec![
        schedule.name.clone(),
        format!("{}s", schedule.every_s),
        at(schedule.last_tick),
        schedule.last_job_state.clone().unwrap_or_else(|| "-".to_owned()),
        at(schedule.next_tick),
    ]
}

fn as_json(schedule: &ScheduleRecord) -> Value {
    json!({
        "schedule": schedule.name, "every_s": schedule.every_s, "last_tick": at(schedule.last_tick),
        "last_job": schedule.last_job.map(|id| id.to_string()), "last_job_status": schedule.last_job_state,
        "next_tick": at(schedule.next_tick),
    })
}
