-- Vacuumed without pauses: with the usual ones the dead rows of a large list take minutes, the next list, which has the stage
-- analyzed, breaks that off, and each of its dozen passes reads them again.
alter table price_import_stage set (
    autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_cost_delay = 0
);
