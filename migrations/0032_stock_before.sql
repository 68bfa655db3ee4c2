-- What there was of a good when its list was compared with the catalogue. The ledger's lines are written from it while nobody
-- waits yet, and looked at again once the stock is locked.

alter table price_import_stage
    add column stock_before integer,
    add column reserved_before integer;
alter table price_import_stage
    alter column stock_before set statistics 10,
    alter column reserved_before set statistics 10;
