-- Closing accounts, and counting what is tried with them.

-- An account is closed (by staff, who may open it again) or erased (by its owner, for good): then the row stays for
-- the orders that name it, without anything personal in it.
alter table users add column erased_at timestamptz
    constraint users_erased check (erased_at is null or closed_at is not null);

-- One row for each account, caller or both of which something is counted. Keys are hashes, and nobody's address
-- stands here. Unlogged: after a crash everybody merely starts at nought again.
create unlogged table attempts (
    key bytea primary key,
    count integer not null,
    -- When the count starts at nought again.
    until timestamptz not null
) with (fillfactor = 50);
create index attempts_until on attempts (until);
