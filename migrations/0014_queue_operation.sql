-- What operating the queue needs: a fence that only grows, what became of each attempt, and queues that pause.

-- How often a job was claimed. No two claims of a job have the same number, while that of an attempt is given back
-- where none is charged.
alter table jobs add column claims bigint not null default 0;

-- How often the jobs of a worker were taken over while it stood here: one that comes back learns that it lost its own.
alter table workers add column rescues integer not null default 0;

-- The attempts that failed: a job that succeeded at once has none.
create table job_attempts (
    job_id uuid not null references jobs on delete cascade,
    -- Its place among the job's attempts; their numbers begin anew when a dead job is tried again.
    position integer generated always as identity,
    attempt smallint not null,
    worker text not null,
    started_at timestamptz,
    ended_at timestamptz not null default now(),
    error text not null,
    constraint job_attempts_place primary key (job_id, position)
);

-- Nothing is claimed from a queue that stands here.
create table paused_queues (
    queue text primary key,
    -- A pause is a thing that the audit log can speak of.
    id uuid not null,
    since timestamptz not null default now()
);

-- For operators, who look for the few that somebody discarded among the many that are done.
create index jobs_discarded on jobs (id) where state = 'discarded';
