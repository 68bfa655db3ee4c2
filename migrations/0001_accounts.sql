-- Accounts: organizations (the tenants), their users, and the secrets users hold (only ever as hashes).

create table organizations (
    id uuid primary key,
    kind text not null constraint organizations_kind check (kind in ('buyer', 'supplier', 'operator')),
    name text not null constraint organizations_name check (char_length(name) between 1 and 200),
    -- Null while staff has not approved it: a supplier's offers stay hidden, a buyer has no invoice terms.
    approved_at timestamptz,
    created_at timestamptz not null
);

-- What an organization needs besides, when it sells.
create table suppliers (
    id uuid primary key references organizations on delete cascade,
    accepting_orders boolean not null default true,
    price_list_url text,
    -- Counts the price lists applied; an import is current while it is the last one.
    catalog_version bigint not null default 0,
    updated_at timestamptz not null
);

create table users (
    id uuid primary key,
    organization_id uuid not null references organizations,
    email text not null constraint users_email check (char_length(email) between 3 and 254),
    password_hash text not null,
    first_name text not null,
    last_name text not null,
    company text,
    position text,
    locale text not null constraint users_locale check (locale in ('ru', 'en')),
    terms_accepted text,
    email_confirmed_at timestamptz,
    closed_at timestamptz,
    created_at timestamptz not null
);
create unique index users_email_key on users (lower(email));
create index users_organization on users (organization_id);

-- A secret that was mailed to its owner and works once.
create table one_time_tokens (
    token_hash bytea primary key,
    user_id uuid not null references users on delete cascade,
    purpose text not null constraint one_time_tokens_purpose check (purpose in ('confirm_email', 'reset_password')),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index one_time_tokens_user on one_time_tokens (user_id);

-- A sign-in on one device; its refresh tokens follow each other and each works once.
create table sessions (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_user on sessions (user_id);

create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions on delete cascade,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);
