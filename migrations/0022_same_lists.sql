-- A list that is the one applied last, since when no offer of its supplier has changed, need not be read again.

alter table price_imports
    -- Pieces in stock of the offers that the supplier has since, had nothing been shipped while the list was applied.
    add column stock_after bigint,
    -- The release that applied it: another may read the same list otherwise.
    add column release text;
