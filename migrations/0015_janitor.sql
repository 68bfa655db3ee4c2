-- Schedules, and what the janitor needs to find what is old.

-- One row for each schedule that ever ticked. Whoever moves `last_tick` on enqueues that tick's job, in one transaction,
-- so that a tick has one job however many workers look at the clock.
create table schedules (
    name text primary key,
    every_s integer not null constraint schedules_every check (every_s > 0),
    last_tick timestamptz not null,
    -- None where an unfinished job had the tick's key already.
    last_job uuid
);

create index one_time_tokens_expiry on one_time_tokens (expires_at);
create index refresh_tokens_expiry on refresh_tokens (expires_at);
create index payment_notices_age on payment_notices (last_at);
create index price_imports_finished on price_imports (finished_at);

-- Makes the partitions of a ledger, month by month, up to the month of a day. Those that are there stay as they are;
-- returns how many were made.
create function make_ledger_partitions(ledger text, until date) returns integer language plpgsql as $$
declare
    month date;
    made integer := 0;
begin
    for month in
        select generate_series(date_trunc('month', now() at time zone 'UTC'), until, interval '1 month')::date
    loop
        continue when to_regclass(quote_ident(ledger || to_char(month, '_YYYY_MM'))) is not null;
        execute format(
            'create table %I partition of %I for values from (%L) to (%L)',
            ledger || to_char(month, '_YYYY_MM'), ledger,
            to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
        );
        made := made + 1;
    end loop;
    return made;
end
$$;
