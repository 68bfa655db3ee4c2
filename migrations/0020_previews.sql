-- Lists that are looked at before they are applied.

alter table price_imports
    -- Whether it stops once it is known what it would change, until somebody decides.
    add column dry_run boolean not null default false;

-- What a list that waits was compared with: it is applied only while that still stands so.
create table price_import_previews (
    import_id uuid primary key references price_imports on delete cascade,
    catalog_version bigint not null,
    -- Pieces in stock of the offers concerned.
    stock bigint not null,
    -- The release that read the list: another may understand it otherwise.
    release text not null,
    -- What the list names, where only that is concerned; null where every offer of the supplier is.
    skus text[]
);

-- Lists that are under way: which of them are to be waited for, and how many there are. One that stands at `validated`
-- or `held_for_review` waits for somebody, and nobody waits for it.
drop index price_imports_unfinished;
create index price_imports_under_way on price_imports (supplier_id, id)
    where status in ('received', 'parsing', 'applying');
create index price_imports_undecided on price_imports (supplier_id, id)
    where status in ('validated', 'held_for_review');

-- The offers that a staged list withdraws: those that it no longer has. A refused row's offer is not missing, and nothing
-- is where it cannot be told whose row was refused. Set against set: one by one it would take minutes where all is new, since
-- then nobody knows yet how much there is.
create function offers_missing_in(list uuid) returns table (offer_id uuid, sku text) language sql stable as $$
    select o.id, o.sku
    from (
        select k.sku
        from price_imports i
        join offers k on k.supplier_id = i.supplier_id and k.withdrawn_at is null
        where i.id = list and i.mode = 'replace'
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
$$;

-- Pieces in stock of a supplier's offers: of those that are named, or of all. Between two lists that number only falls, and
-- does whenever anything is shipped.
create function stock_of(supplier uuid, skus text[]) returns bigint language sql stable as $$
    select coalesce(sum(t.stock), 0)
    from offers o
    join offer_stock t on t.offer_id = o.id
    where o.supplier_id = supplier and (skus is null or o.sku in (select unnest(skus)))
$$;
