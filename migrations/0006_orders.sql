-- Addresses, baskets, and what becomes of them: orders, their parts by supplier, their lines.

create table addresses (
    id uuid primary key,
    organization_id uuid not null references organizations on delete cascade,
    label text,
    -- Recipient and place, in the form in which an order keeps its own copy.
    address jsonb not null,
    created_at timestamptz not null
);
create index addresses_organization on addresses (organization_id, id);

-- One open basket a user.
create table baskets (
    user_id uuid primary key references users on delete cascade,
    updated_at timestamptz not null
);

create table basket_lines (
    user_id uuid not null references baskets on delete cascade,
    offer_id uuid not null references offers,
    quantity integer not null constraint basket_lines_quantity check (quantity between 1 and 1000000),
    -- What the buyer saw; the order is refused when it has moved since.
    price_minor bigint not null,
    added_at timestamptz not null,
    primary key (user_id, offer_id)
);
create index basket_lines_offer on basket_lines (offer_id);

-- Gaps are allowed, so a plain sequence.
create sequence order_numbers;

create table orders (
    id uuid primary key,
    -- Read out over the phone: 2026-000123, the year of the installation's time zone.
    number text not null constraint orders_number unique,
    organization_id uuid not null references organizations,
    user_id uuid not null references users,
    total_minor bigint not null constraint orders_total check (total_minor > 0),
    currency text not null,
    payment_method text not null constraint orders_payment_method check (payment_method in ('invoice', 'card')),
    -- As it was when the order was confirmed, whatever becomes of a saved one.
    address jsonb not null,
    comment text,
    deliver_on date,
    purchase_number text,
    created_at timestamptz not null
);
create index orders_organization on orders (organization_id, id);
create index orders_user on orders (user_id);

-- The part of an order that one supplier fulfils; it has the state machine.
create table supplier_orders (
    id uuid primary key,
    order_id uuid not null references orders,
    supplier_id uuid not null references suppliers,
    status text not null constraint supplier_orders_status
        check (status in ('new', 'confirmed', 'assembled', 'sent', 'delivered', 'refused', 'canceled')),
    subtotal_minor bigint not null constraint supplier_orders_subtotal check (subtotal_minor > 0),
    constraint supplier_orders_once unique (order_id, supplier_id)
) with (fillfactor = 80);
create index supplier_orders_supplier on supplier_orders (supplier_id, id);

-- One offer, as it was at confirmation.
create table order_lines (
    supplier_order_id uuid not null references supplier_orders,
    offer_id uuid not null references offers,
    position smallint not null,
    product_name text not null,
    sku text not null,
    price_minor bigint not null constraint order_lines_price check (price_minor > 0),
    -- Percent; null where the supplier gave none.
    vat_rate smallint,
    ordered integer not null constraint order_lines_ordered check (ordered > 0),
    accepted integer not null constraint order_lines_accepted check (accepted between 0 and ordered),
    shipped integer not null default 0 constraint order_lines_shipped check (shipped between 0 and accepted),
    returned integer not null default 0 constraint order_lines_returned check (returned between 0 and shipped),
    sum_minor bigint not null,
    primary key (supplier_order_id, offer_id),
    constraint order_lines_sum check (sum_minor = price_minor * accepted)
);
create index order_lines_offer on order_lines (offer_id);

create table supplier_order_history (
    id uuid primary key,
    supplier_order_id uuid not null references supplier_orders,
    -- Its place in the history, from 1: two steps at once wait for each other, and their times may not tell which
    -- came first.
    position smallint not null,
    status text not null,
    at timestamptz not null,
    -- Who: a person of the buyer, the supplier or the staff; null when it was the system.
    by_user uuid references users,
    by_role text not null constraint supplier_order_history_role
        check (by_role in ('buyer', 'supplier', 'staff', 'system')),
    comment text,
    constraint supplier_order_history_position unique (supplier_order_id, position)
);
create index supplier_order_history_user on supplier_order_history (by_user);

-- The first answer to a request that creates, kept in the transaction of what it created.
create table idempotency_keys (
    user_id uuid not null references users on delete cascade,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    location text,
    body jsonb not null,
    created_at timestamptz not null,
    primary key (user_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
