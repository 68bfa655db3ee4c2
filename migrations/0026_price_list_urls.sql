-- Price lists that are fetched from where their suppliers keep them.

alter table price_imports
    -- Its file is still to be fetched: until then nobody waits for it, and nobody knows its form.
    add column awaits_file boolean not null default false,
    alter column format drop not null,
    add constraint price_imports_file check (awaits_file or format is not null);

-- How a list comes from its address.
create table price_import_fetches (
    import_id uuid primary key references price_imports on delete cascade,
    -- As its supplier gave it: what stands behind `?` may be a secret.
    url text not null constraint price_import_fetches_url check (length(url) <= 2000),
    attempts integer not null default 0,
    bytes_fetched bigint not null default 0,
    -- What the server promised.
    bytes_total bigint,
    -- Why the last attempt failed: {code, detail}.
    error jsonb,
    -- What the server calls this version of the list.
    etag text,
    last_modified text,
    fetched_at timestamptz,
    -- Whether nobody asked for it: of what then went well nobody is told.
    scheduled boolean not null default false
) with (fillfactor = 70);

-- Price lists that are fetched by themselves: one address for each supplier. (`suppliers.price_list_url` was never set.)
alter table suppliers drop column price_list_url;

create table price_list_urls (
    supplier_id uuid primary key references suppliers,
    -- As its supplier gave it: what stands behind `?` may be a secret.
    url text not null constraint price_list_urls_url check (length(url) <= 2000),
    every_minutes integer not null
        constraint price_list_urls_every_minutes check (every_minutes between 15 and 10080),
    mode text not null constraint price_list_urls_mode check (mode in ('replace', 'upsert')),
    -- Whoever moves this on enqueues the fetch that was due, in one transaction.
    next_at timestamptz not null,
    last_checked_at timestamptz,
    outcome text constraint price_list_urls_outcome check (outcome in ('fetched', 'unchanged', 'failed')),
    -- What the last file from there became.
    import_id uuid constraint price_list_urls_import references price_imports,
    -- Why the last fetch failed: {code, detail}.
    error jsonb,
    -- Since when all of them failed, and what the letter about that is about: each such time has one.
    failing_since timestamptz,
    streak uuid,
    constraint price_list_urls_streak check ((failing_since is null) = (streak is null))
) with (fillfactor = 70);
create index price_list_urls_due on price_list_urls (next_at);
create index price_list_urls_import on price_list_urls (import_id);
