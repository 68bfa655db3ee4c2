-- Jobs are taken in the order in which they become due, and in no other: nothing ever had a priority.

drop index jobs_ready;
alter table jobs drop column priority;
create index jobs_ready on jobs (queue, run_at) where state = 'ready';
