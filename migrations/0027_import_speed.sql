-- Price lists get into the catalogue faster.

-- As before, by fewer steps: a list of new goods makes some hundred thousand. The 48 bits of the time, the version, then random
-- bits.
create or replace function uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint * 256 + 112) from 2)
            from 1 for 7
        ),
        'hex'
    )::uuid
$$;

-- As before; each text is cut into words once.
create or replace function product_vector(name text, models text, category text, parameters text)
returns tsvector language plpgsql immutable parallel safe as $$
declare
    name_words text := search_words(name);
    parameter_words text := search_words(left(coalesce(parameters, ''), 10000));
begin
    return setweight(to_tsvector('russian', name_words), 'A')
        || setweight(to_tsvector('simple', name_words), 'A')
        || setweight(to_tsvector('simple', search_words(left(coalesce(models, ''), 10000))), 'B')
        || setweight(to_tsvector('russian', search_words(category)), 'C')
        || setweight(to_tsvector('russian', parameter_words), 'D')
        || setweight(to_tsvector('simple', parameter_words), 'D');
end $$;

-- The words of a text that may be in the vocabulary: letters only, and more than two. A number or a model's code is not
-- misspelled, it is another one; and there are as many as there are goods.
create or replace function vocabulary_of(text) returns setof text language sql immutable parallel safe as $$
    select w
    from unnest(string_to_array(search_words(coalesce($1, '')), ' ')) as w
    where length(w) between 3 and 40 and w ~ '^[[:alpha:]]+$'
$$;
delete from search_vocabulary where word !~ '^[[:alpha:]]+$';

-- A difference is noted beside its good, so that no index hears of it.
drop index price_import_stage_product;
alter table price_import_stage set (fillfactor = 50);
-- Whether the list has brought its product: no other transaction knows it yet.
alter table price_import_stage add column fresh boolean;
