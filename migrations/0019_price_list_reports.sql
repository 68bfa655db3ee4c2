-- The report of a price list: what stood in a refused row, so that it can be mended and sent again, and what is wrong with
-- the rows in sum. Older imports have neither.
alter table price_import_rows add column good jsonb;
alter table price_imports add column problems jsonb not null default '[]';
