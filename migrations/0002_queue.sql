-- The job queue behind apalis's traits: jobs, and the processes that take them.

-- One row a worker process start; while `lease_until` is ahead its jobs are its own.
create table workers (
    name text primary key,
    queues text[] not null,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null
) with (fillfactor = 50);
create index workers_lease on workers (lease_until);

create table jobs (
    id uuid primary key,
    queue text not null,
    kind text not null,
    payload jsonb not null,
    -- At most one unfinished job holds a key.
    key text,
    state text not null default 'ready'
        constraint jobs_state check (state in ('ready', 'running', 'done', 'dead', 'discarded')),
    priority smallint not null default 0,
    attempts smallint not null default 0 constraint jobs_attempts check (attempts >= 0),
    max_attempts smallint not null constraint jobs_max_attempts check (max_attempts > 0),
    run_at timestamptz not null default now(),
    -- The worker that runs it. No foreign key: its check would cost as much as the claim.
    lock_by text,
    locked_at timestamptz,
    last_error text,
    -- The request that caused it, for logs and traces.
    request_id text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint jobs_lock check ((state = 'running') = (lock_by is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index jobs_ready on jobs (queue, priority desc, run_at) where state = 'ready';
create index jobs_running on jobs (lock_by) where state = 'running';
create unique index jobs_key on jobs (queue, key) where key is not null and state in ('ready', 'running');
create index jobs_dead on jobs (queue, finished_at) where state = 'dead';
