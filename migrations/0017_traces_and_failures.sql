-- What operating the queue needs besides: a job goes on in the trace of the request that caused it, and what failed is
-- found by what it is about.

-- W3C's traceparent; none where nobody collects traces.
alter table jobs add column trace_parent text;

-- For forgetting what went wrong with the messages of an erased account. Few jobs ever fail, and only those stand here. A
-- payload may be larger than an entry of a tree.
create index jobs_failed on jobs using hash (payload) where last_error is not null;
