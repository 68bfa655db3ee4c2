-- How far the reading of a list has come, in bytes of its file.
alter table price_imports add column bytes_read bigint not null default 0;
