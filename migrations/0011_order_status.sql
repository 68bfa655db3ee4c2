-- Where an order stands, from where its parts stand: the database's edition of `OrderStatus::of`, so that a list can
-- be filtered by it.

create function order_status(parts text[]) returns text language sql immutable parallel safe as $$
    select case
        when 'new' = all (parts) then 'new'
        when parts <@ array['canceled', 'refused'] then 'canceled'
        when parts <@ array['canceled', 'refused', 'delivered'] then 'delivered'
        else 'in_progress'
    end
$$;
