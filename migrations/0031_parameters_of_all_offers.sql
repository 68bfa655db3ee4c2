-- Only whoever asks for parameters is to read this index. One of the offers that are not withdrawn was there for everybody who
-- asks for those: as long as PostgreSQL knew nothing about the offers, as after the first large list, it crossed the offers of
-- each product on a page with all there are.

drop index offers_parameters;
create index offers_parameters on offers using gin (parameters jsonb_path_ops);
