-- Taking back what a list has changed.

alter table price_imports
    -- The import whose changes this one takes back.
    add column reverts uuid constraint price_imports_reverts references price_imports;
create index price_imports_reverting on price_imports (reverts);

-- Which product an offer was before it moved: the rest of what it was stands in `changes`.
alter table price_import_rows add column product_before uuid;

-- What is taken back leaves the stock alone where the list had not set it, and withdraws what it had brought.
alter table price_import_stage alter column stock drop not null;
alter table price_import_stage add column withdraw boolean not null default false;

create or replace function offers_missing_in(list uuid) returns table (offer_id uuid, sku text) language sql stable as $$
    select o.id, o.sku
    from (
        select k.sku
        from price_imports i
        join offers k on k.supplier_id = i.supplier_id and k.withdrawn_at is null
        where i.id = list and i.mode = 'replace'
          and not (i.exclude_held and i.suspicions @> '[{"code": "many_withdrawn"}]')
          and not exists (
            select from price_import_rows r where r.import_id = list and r.status = 'failed' and r.sku is null
          )
        except
        (
            select s.sku from price_import_stage s where s.import_id = list
            union all
            select r.sku
            from price_import_rows r
            where r.import_id = list and r.status = 'failed' and r.sku is not null
        )
    ) as missing
    join price_imports i on i.id = list
    join offers o on o.supplier_id = i.supplier_id and o.sku = missing.sku
    union all
    select o.id, o.sku
    from price_imports i
    join price_import_stage s on s.import_id = i.id and s.withdraw
    join offers o on o.supplier_id = i.supplier_id and o.sku = s.sku and o.withdrawn_at is null
    where i.id = list and i.reverts is not null
$$;
