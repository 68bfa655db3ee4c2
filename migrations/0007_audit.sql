-- What staff did: who, when, what, to which thing. Written by the transaction that does it.

create table audit_log (
    id uuid primary key,
    at timestamptz not null,
    -- Null where it was done on the operator's command line, by nobody who was signed in.
    by_user uuid references users,
    -- A word that only ever gets company: the list of them stands in the code.
    action text not null constraint audit_log_action check (action ~ '^[a-z_]+$'),
    subject_kind text not null constraint audit_log_subject_kind check (subject_kind ~ '^[a-z_]+$'),
    -- No foreign key: what is gone has been somebody's doing, too.
    subject_id uuid not null,
    details jsonb not null default '{}',
    request_id text
);
create index audit_log_by_user on audit_log (by_user, id);
create index audit_log_subject on audit_log (subject_id, id);

create function refuse_to_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end
$$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_to_rewrite();

-- One company runs the installation, whoever asks for its first account.
create unique index organizations_operator on organizations (kind) where kind = 'operator';
