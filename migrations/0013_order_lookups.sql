-- Staff looks for orders by a supplier, and by where a part of them stands: each begins at the parts, in the order of the
-- orders.

create index supplier_orders_of_supplier on supplier_orders (supplier_id, order_id);
create index supplier_orders_by_status on supplier_orders (status, order_id);

-- Histories of statuses as the checker reads them: what each is of, and what stands there now.

create view status_histories as
select 'supplier order' as kind, supplier_order_id as subject_id, position::integer, status
from supplier_order_history
union all
select 'payment by ' || y.kind, h.payment_id, h.position::integer, h.status
from payment_history h
join payments y on y.id = h.payment_id
union all
-- Its positions count the entries of all imports.
select 'import', import_id, (row_number() over (partition by import_id order by position))::integer, status
from price_import_history
union all
select 'message', message_id, position, status
from email_message_history;

create view current_statuses as
select 'supplier order' as kind, id as subject_id, status, null::integer as entries
from supplier_orders
union all
select 'payment by ' || kind, id, status, null
from payments
union all
select 'import', id, status, null
from price_imports
union all
select 'message', id, status, entries
from email_messages;
