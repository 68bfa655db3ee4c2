-- Jobs that became due in one moment, as those of one transaction do, have an order too: so a claim can begin behind those
-- that were claimed before, whose entries stay in the index while an old transaction is open.

drop index jobs_ready;
create index jobs_ready on jobs (queue, run_at, id) where state = 'ready';
