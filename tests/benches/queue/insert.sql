begin;
insert into jobs (id, queue, kind, payload, key, max_attempts, request_id, run_at) select n.id, 'mail', 'noop', n.payload, n.key, 5, null, coalesce(null, now()) from unnest(array[uuid_v7()], array[('{"pad": "' || repeat('x', 160) || '"}')::jsonb], array[null]::text[]) as n (id, payload, key) on conflict (queue, key) where key is not null and state in ('ready', 'running') do nothing returning id;
commit;
