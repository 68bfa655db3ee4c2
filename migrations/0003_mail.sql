-- The outbox: each message stands here, written by the transaction that causes it, before it is sent.

create table email_messages (
    id uuid primary key,
    -- What the message is about (an order, a status change, an import, a registration), so that each event
    -- has each message for each recipient once.
    cause uuid not null,
    kind text not null,
    recipient text not null,
    locale text not null,
    -- What the template shows, as it was when the event happened.
    data jsonb not null,
    -- Set where the message carries a secret of this user: it is made when the message is sent.
    user_id uuid references users on delete cascade,
    status text not null default 'queued'
        constraint email_messages_status check (status in ('queued', 'sending', 'sent', 'failed')),
    attempts smallint not null default 0,
    -- The server's last answer, or what went wrong.
    last_response text,
    created_at timestamptz not null,
    sent_at timestamptz,
    constraint email_messages_once unique (cause, kind, recipient)
) with (fillfactor = 80);
create index email_messages_user on email_messages (user_id);
create index email_messages_unsent on email_messages (status) where status <> 'sent';
