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
    fetched_at timestamptz
) with (fillfactor = 70);
