-- What else an offer says: its GTIN, its VAT rate, its unit, and in which quantities it is ordered.

-- A GTIN in the shortest of its lengths (8, 12, 13 or 14 digits), as it stands on the pack: each number has one such text.
alter table offers
    add column gtin text
        constraint offers_gtin check (gtin ~ '^([0-9]{8}|[0-9]{12}|[1-9][0-9]{12}|[1-9][0-9]{13})$'),
    -- Whole percent, or `none` for what is not taxed; null where the supplier does not say.
    add column vat_rate text constraint offers_vat_rate check (vat_rate ~ '^(none|[0-9]{1,2})$'),
    add column unit text,
    -- Pieces in an order: at least so many, and so many times the multiple.
    add column min_quantity integer not null default 1
        constraint offers_min_quantity check (min_quantity between 1 and 1000000),
    add column multiple integer not null default 1
        constraint offers_multiple check (multiple between 1 and 1000000 and min_quantity % multiple = 0);

-- The same, but partial: a GTIN that is given to a product then locks it no more than its price does, so that whoever
-- inserts offers of it meanwhile need not wait; and a product without one costs nothing.
alter table products drop constraint products_gtin;
create unique index products_gtin on products (gtin) where gtin is not null;

create or replace view shown_offers as
select
    o.id, o.product_id, o.supplier_id, g.name as supplier_name, s.accepting_orders, o.sku, o.model, o.price_minor,
    o.recommended_price_minor, o.parameters, o.updated_at, greatest(t.stock - t.reserved, 0) as available,
    o.gtin, o.vat_rate, o.unit, o.min_quantity, o.multiple
from offers o
join offer_stock t on t.offer_id = o.id
join suppliers s on s.id = o.supplier_id
join organizations g on g.id = s.id
where o.withdrawn_at is null and g.approved_at is not null;

-- The offer as it became, in these too; null in changes from before they were known.
alter table offer_changes
    add column gtin text,
    add column vat_rate text,
    add column unit text,
    add column min_quantity integer,
    add column multiple integer;

alter table price_import_stage
    add column gtin text,
    add column vat_rate text,
    add column unit text,
    add column min_quantity integer not null default 1,
    add column multiple integer not null default 1,
    -- Whether its product may get its GTIN, or lose one.
    add column moves_gtin boolean;

-- As they were at confirmation. The rate was a number that nobody has ever written: `none` and not saying differ.
alter table order_lines drop column vat_rate;
alter table order_lines
    add column vat_rate text constraint order_lines_vat_rate check (vat_rate ~ '^(none|[0-9]{1,2})$'),
    add column unit text;
