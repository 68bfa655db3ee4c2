-- Payments: one row an attempt to pay. An invoice pays one part of an order; a card pays all of its order.

alter table orders
    -- When the suppliers of an order were told of it: at once when it is paid by invoice, once it is authorized when
    -- by card. Until then it is nothing to them. The default is for a program that knows nothing of it.
    add column released_at timestamptz default now(),
    -- Until when an order waits for its card payment, before it is called off; null when it does not wait.
    add column pay_until timestamptz;
update orders set released_at = created_at;

create table payments (
    id uuid primary key,
    order_id uuid not null references orders,
    -- The part that an invoice pays; null for a card.
    supplier_order_id uuid references supplier_orders,
    kind text not null constraint payments_kind_known check (kind in ('invoice', 'card')),
    status text not null constraint payments_status check (status in (
        'invoiced', 'pending', 'requires_action', 'authorized', 'captured', 'failed', 'canceled', 'expired')),
    amount_minor bigint not null constraint payments_amount check (amount_minor > 0),
    currency text not null,
    -- What came of it, less than the amount where parts were called off before; and what of that went back.
    captured_minor bigint not null default 0,
    refunded_minor bigint not null default 0,
    -- What an invoice has: its number, when it is due, since when it is overdue, and by what it was paid.
    number text constraint payments_number unique,
    due_on date,
    overdue_at timestamptz,
    paid_on date,
    reference text,
    -- What a card payment has: who handles it, what it is called there, and where the buyer goes to pay.
    provider text,
    provider_payment_id text,
    redirect_url text,
    -- What the provider says of it that does not agree with us; nothing moves by such words.
    disagreement text,
    -- Since when money that was held is lost though parts of the order wanted it, and the buyer was told.
    lapsed_at timestamptz,
    created_at timestamptz not null,
    constraint payments_captured check (
        captured_minor between 0 and amount_minor and (captured_minor > 0) = (status = 'captured')),
    constraint payments_refunded check (refunded_minor between 0 and captured_minor),
    constraint payments_invoice check (
        (kind = 'invoice') = (supplier_order_id is not null and number is not null and due_on is not null)),
    constraint payments_card check ((kind = 'card') = (provider is not null)),
    constraint payments_lapsed check (lapsed_at is null or status in ('failed', 'canceled', 'expired'))
) with (fillfactor = 80);
create index payments_order on payments (order_id);
create unique index payments_part on payments (supplier_order_id);
create unique index payments_provider on payments (provider, provider_payment_id);
-- An order is charged once: there is no second card payment beside one that is open or went through.
create unique index payments_one_card on payments (order_id)
    where kind = 'card' and status in ('pending', 'requires_action', 'authorized', 'captured');
create index payments_due on payments (due_on) where status = 'invoiced' and overdue_at is null;

create table payment_history (
    id uuid primary key,
    payment_id uuid not null references payments,
    -- Its place in the history, from 1.
    position smallint not null,
    status text not null,
    at timestamptz not null,
    -- Who; null when it was the system, which mostly repeats what the provider said.
    by_user uuid references users,
    by_role text not null constraint payment_history_role
        check (by_role in ('buyer', 'supplier', 'staff', 'system')),
    detail text,
    constraint payment_history_position unique (payment_id, position)
);
create index payment_history_user on payment_history (by_user);

-- What of a payment is for which part.
create table payment_allocations (
    payment_id uuid not null references payments,
    supplier_order_id uuid not null references supplier_orders,
    amount_minor bigint not null constraint payment_allocations_amount check (amount_minor > 0),
    -- Whether the capture takes it. Decided, and committed, before the provider is asked: from then on a part that is
    -- called off gets a refund instead.
    wanted boolean not null default false,
    primary key (payment_id, supplier_order_id)
);
create index payment_allocations_part on payment_allocations (supplier_order_id);

create table refunds (
    id uuid primary key,
    payment_id uuid not null references payments,
    -- The part that it is for; null when it is for the payment as a whole.
    supplier_order_id uuid references supplier_orders,
    amount_minor bigint not null constraint refunds_amount check (amount_minor > 0),
    status text not null constraint refunds_status check (status in ('pending', 'succeeded', 'failed')),
    reason text not null,
    provider_refund_id text,
    by_user uuid references users,
    by_role text not null constraint refunds_role check (by_role in ('staff', 'system')),
    created_at timestamptz not null,
    ended_at timestamptz,
    -- Why it failed, or what the provider says of it that does not agree with us.
    detail text,
    constraint refunds_ended check ((status = 'pending') = (ended_at is null))
);
create index refunds_payment on refunds (payment_id);
create index refunds_part on refunds (supplier_order_id);
create index refunds_user on refunds (by_user);

-- What providers told us unasked: only whom to ask about. Unique by payment and event.
create table payment_notices (
    provider text not null,
    provider_payment_id text not null,
    event text not null,
    times integer not null default 1,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (provider, provider_payment_id, event)
);

-- The parts ordered before had no invoices yet.
with invoices as (
    insert into payments (
        id, order_id, supplier_order_id, kind, status, amount_minor, currency, number, due_on, created_at
    )
    select
        uuid_v7(), o.id, p.id, 'invoice',
        case when p.status in ('refused', 'canceled') then 'canceled' else 'invoiced' end,
        p.subtotal_minor, o.currency, o.number || '-' || row_number() over (partition by o.id order by p.id),
        (o.created_at at time zone 'UTC')::date + 14, o.created_at
    from supplier_orders p
    join orders o on o.id = p.order_id
    returning id, status, created_at
)
insert into payment_history (id, payment_id, position, status, at, by_role)
select uuid_v7(), id, 1, 'invoiced', created_at, 'system' from invoices
union all
select uuid_v7(), id, 2, 'canceled', now(), 'system' from invoices where status = 'canceled';
