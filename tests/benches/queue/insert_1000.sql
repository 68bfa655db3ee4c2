begin;
insert into jobs (id, queue, kind, payload, key, max_attempts, request_id, run_at) select uuid_v7(), 'mail', 'noop', ('{"pad": "' || repeat('x', 160) || '"}')::jsonb, null, 5, null, now() from generate_series(1, 1000) on conflict (queue, key) where key is not null and state in ('ready', 'running') do nothing returning id;
commit;
