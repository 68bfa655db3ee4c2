-- The story of each message: where it stood when, what the mail server answered, and who had it sent again.

alter table email_messages
    -- How many entries its story has: the next one's place is known under the row's own lock.
    add column entries integer not null default 0,
    -- Which copy it is: one that was sent and is sent again on purpose goes out under a Message-ID of its own, since
    -- mail programs hide a second message with the first one's.
    add column copy smallint not null default 1 constraint email_messages_copy check (copy > 0);

create table email_message_history (
    message_id uuid not null references email_messages on delete cascade,
    -- Its place in the story, from 1.
    position integer not null,
    status text not null
        constraint email_message_history_status check (status in ('queued', 'sending', 'sent', 'failed')),
    at timestamptz not null,
    -- The server's answer, or what went wrong.
    response text,
    -- Who of the staff had it sent again.
    by_user uuid references users,
    constraint email_message_history_place primary key (message_id, position)
);
create index email_message_history_user on email_message_history (by_user);

-- What is known of messages from before there were stories.
insert into email_message_history (message_id, position, status, at, response)
select id, 1, 'queued', created_at, case when status = 'queued' then last_response end
from email_messages
union all
select id, 2, 'sending', coalesce(sent_at, created_at), case when status = 'sending' then last_response end
from email_messages
where status <> 'queued'
union all
select id, 3, status, coalesce(sent_at, created_at), last_response
from email_messages
where status in ('sent', 'failed');
update email_messages m
set entries = (select count(*) from email_message_history h where h.message_id = m.id);

-- For staff, who look for what somebody did not get, and for what failed.
create index email_messages_recipient on email_messages (lower(recipient), id);
create index email_messages_failed on email_messages (id) where status = 'failed';
