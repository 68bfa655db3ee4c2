-- Price lists come as Excel workbooks and as catalogues of Yandex Market, too.
alter table price_imports
    drop constraint price_imports_format,
    add constraint price_imports_format check (format in ('yaml', 'csv', 'xlsx', 'yml'));
