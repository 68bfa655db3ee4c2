-- Every page that begins before places which products have left walks past all of these until they are vacuumed. By default
-- that comes only once a fifth of the products have moved, slowly, and leaves the indexes alone where few pages are concerned.
alter table listed_products set (
    autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0,
    vacuum_index_cleanup = on
);
