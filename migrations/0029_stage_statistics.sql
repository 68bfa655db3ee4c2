-- The stage is analyzed within each import, for its size: a sample of 3,000 goods tells that as well as one of 30,000, which
-- took half a second whatever the list.

do $$
begin
    execute (
        select 'alter table price_import_stage ' || string_agg(format('alter column %I set statistics 10', attname), ', ')
        from pg_attribute
        where attrelid = 'price_import_stage'::regclass and attnum > 0 and not attisdropped
    );
end $$;
