-- Price lists that look like a slip wait for somebody.

alter table suppliers
    -- A price that becomes more than so many hundredths of what it was, or of which that is more than so many hundredths.
    add column guard_price_factor integer not null default 300
        constraint suppliers_guard_price_factor check (guard_price_factor between 101 and 100000),
    -- More than so many of a hundred offers withdrawn at once.
    add column guard_withdrawn_percent smallint not null default 50
        constraint suppliers_guard_withdrawn_percent check (guard_withdrawn_percent between 0 and 100);

alter table price_imports
    -- What looks like a slip: [{code, offers, of}].
    add column suspicions jsonb not null default '[]',
    -- The factor by which prices were judged.
    add column judged_factor integer,
    -- Whether it was accepted without what looks like a slip.
    add column exclude_held boolean not null default false;

-- What a price that moves by more than a factor, in hundredths, looks like: about ten or a hundred times as much or as
-- little is a slip of the decimal point.
create function price_slip(old_minor bigint, new_minor bigint, factor integer) returns text
language sql immutable parallel safe as $$
    select case
        when greatest(old_minor, new_minor) * 100.0 <= least(old_minor, new_minor) * factor::numeric then null
        when greatest(old_minor, new_minor) between least(old_minor, new_minor) * 90.0
            and least(old_minor, new_minor) * 110.0 then 'price_times_100'
        when greatest(old_minor, new_minor) between least(old_minor, new_minor) * 9.0
            and least(old_minor, new_minor) * 11.0 then 'price_times_10'
        else 'price_moved'
    end
$$;

-- As before; and a list that was accepted without what looks like a slip withdraws nothing where it would withdraw most.
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
$$;
