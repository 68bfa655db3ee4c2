-- The catalogue: categories and products shared by all, offers and their stock by supplier.

create extension if not exists pg_trgm;

-- UUIDv7, like the ids that the programs make: the time in milliseconds, then random bits.
create function uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$;

-- Minor units as people and programs read them: 11000050 is 110000.50.
create function money_text(minor bigint) returns text language sql immutable strict parallel safe as $$
    select (minor / 100)::text || '.' || lpad((minor % 100)::text, 2, '0')
$$;

create table categories (
    id uuid primary key,
    name text not null,
    -- The name as it is compared: lower case, single spaces, ё as е.
    name_key text not null constraint categories_name_key unique
);

create table products (
    id uuid primary key,
    category_id uuid not null references categories,
    name text not null,
    name_key text not null,
    description text,
    gtin text constraint products_gtin unique,
    -- Kept by the import for the products it touches: Russian, English and plain words.
    search tsvector not null default ''::tsvector,
    -- The name and the models of its offers, for trigrams.
    search_text text not null default '',
    constraint products_name unique (category_id, name_key)
);
create index products_search on products using gin (search);
create index products_trigrams on products using gin (search_text gin_trgm_ops);
create index products_by_name on products (name_key, id);

create table offers (
    id uuid primary key,
    supplier_id uuid not null references suppliers,
    product_id uuid not null references products,
    sku text not null,
    model text,
    price_minor bigint not null constraint offers_price check (price_minor > 0),
    recommended_price_minor bigint constraint offers_recommended_price check (recommended_price_minor > 0),
    parameters jsonb not null default '{}',
    -- Set while it is missing in the supplier's list; never deleted while an order points at it.
    withdrawn_at timestamptz,
    updated_at timestamptz not null,
    constraint offers_sku unique (supplier_id, sku)
) with (fillfactor = 80);
create index offers_product on offers (product_id);

-- Apart from `offers`, so that an order rewrites a narrow row. `reserved` may exceed `stock`: a price list may say so.
create table offer_stock (
    offer_id uuid primary key references offers,
    stock integer not null constraint offer_stock_stock check (stock >= 0),
    reserved integer not null default 0 constraint offer_stock_reserved check (reserved >= 0)
) with (fillfactor = 50);

-- What buyers see: offers in their supplier's current list, of organizations that staff has approved.
create view shown_offers as
select
    o.id, o.product_id, o.supplier_id, g.name as supplier_name, s.accepting_orders, o.sku, o.model, o.price_minor,
    o.recommended_price_minor, o.parameters, o.updated_at, greatest(t.stock - t.reserved, 0) as available
from offers o
join offer_stock t on t.offer_id = o.id
join suppliers s on s.id = o.supplier_id
join organizations g on g.id = s.id
where o.withdrawn_at is null and g.approved_at is not null;

-- Ledgers, append-only, partitioned by month.
create table stock_movements (
    id uuid not null,
    offer_id uuid not null references offers,
    at timestamptz not null,
    kind text not null constraint stock_movements_kind
        check (kind in ('price_list', 'reserved', 'released', 'shipped')),
    -- The import or the supplier order.
    cause uuid not null,
    stock_delta integer not null,
    reserved_delta integer not null,
    stock_after integer not null,
    reserved_after integer not null,
    primary key (id, at)
) partition by range (at);
create index stock_movements_offer on stock_movements (offer_id, at);

-- What a price list changed of an offer: the offer as it became.
create table offer_changes (
    offer_id uuid not null references offers,
    at timestamptz not null,
    import_id uuid not null,
    -- Null where the list no longer had it.
    row bigint,
    change text not null constraint offer_changes_change check (change in ('inserted', 'updated', 'withdrawn')),
    price_minor bigint not null,
    recommended_price_minor bigint,
    stock integer not null,
    primary key (offer_id, import_id, at)
) partition by range (at);
create index offer_changes_import on offer_changes (import_id);

do $$
declare
    month date;
    ledger text;
begin
    foreach ledger in array array['stock_movements', 'offer_changes'] loop
        for month in select generate_series(date '2026-11-01', date '2029-12-01', interval '1 month')::date loop
            execute format(
                'create table %I partition of %I for values from (%L) to (%L)',
                ledger || to_char(month, '_YYYY_MM'), ledger,
                to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
            );
        end loop;
        execute format('create table %I partition of %I default', ledger || '_rest', ledger);
    end loop;
end $$;
