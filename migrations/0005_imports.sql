-- Price lists on their way into the catalogue.

create table price_imports (
    id uuid primary key,
    supplier_id uuid not null references suppliers,
    requested_by uuid references users on delete set null,
    mode text not null constraint price_imports_mode check (mode in ('replace', 'upsert')),
    format text not null constraint price_imports_format check (format in ('yaml', 'csv')),
    source text not null,
    bytes bigint not null,
    sha256 bytea not null,
    status text not null constraint price_imports_status check (status in (
        'received', 'parsing', 'validated', 'applying', 'completed', 'completed_with_errors',
        'held_for_review', 'failed', 'discarded', 'superseded'
    )),
    shop text,
    -- What an applied list made of the supplier's catalogue.
    catalog_version bigint,
    rows_read bigint not null default 0,
    rows_total bigint,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    withdrawn bigint not null default 0,
    failed bigint not null default 0,
    -- Names of fields we do not know, and how often each stood there.
    ignored_fields jsonb not null default '{}',
    -- {code, detail, line?} where the file as a whole could not be read.
    error jsonb,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz
) with (fillfactor = 70);
create index price_imports_supplier on price_imports (supplier_id, id);
create index price_imports_requested_by on price_imports (requested_by);

create table price_import_history (
    import_id uuid not null references price_imports on delete cascade,
    position integer generated always as identity,
    status text not null,
    at timestamptz not null,
    primary key (import_id, position)
);

-- The file, in pieces of 1 MiB.
create table price_import_chunks (
    import_id uuid not null references price_imports on delete cascade,
    position integer not null,
    data bytea not null,
    primary key (import_id, position)
);
alter table price_import_chunks alter column data set storage external;

-- What was refused or changed, for the report. Rows that changed nothing are only counted.
create table price_import_rows (
    import_id uuid not null references price_imports on delete cascade,
    position bigint not null,
    -- Null for an offer that was withdrawn because the list no longer had it.
    row bigint,
    line bigint,
    sku text,
    status text not null constraint price_import_rows_status
        check (status in ('failed', 'inserted', 'updated', 'withdrawn')),
    errors jsonb not null default '[]',
    changes jsonb not null default '{}',
    primary key (import_id, position)
);

-- Checked goods between COPY and merge. Unlogged: after a crash the job begins again from the file.
create unlogged table price_import_stage (
    import_id uuid not null,
    row bigint not null,
    line bigint,
    sku text not null,
    category text not null,
    category_key text not null,
    model text,
    name text not null,
    name_key text not null,
    description text,
    price_minor bigint not null,
    recommended_price_minor bigint,
    stock integer not null,
    parameters jsonb not null,
    -- Filled in by the difference: what the good is in the catalogue, and how it changes it.
    product_id uuid,
    product_before uuid,
    offer_id uuid,
    change text,
    changes jsonb,
    reindex boolean
);
create index price_import_stage_import on price_import_stage (import_id, sku);
create index price_import_stage_product on price_import_stage (product_id) where description is not null;
