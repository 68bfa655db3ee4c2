-- The catalogue's reads: search in one place, and the order of lists.

-- How texts are compared in a search: lower case, ё as е, words apart. Queries and what they look in alike.
create function search_words(text) returns text language sql immutable strict parallel safe as $$
    select btrim(regexp_replace(translate(lower($1), 'ё', 'е'), '[^[:alnum:]]+', ' ', 'g'))
$$;

-- What text search finds a product by. The Russian configuration stems Latin words as English; plain words are there
-- for what stemming drops or mangles. A vector holds 1 MiB, and a product has any number of offers.
create function product_vector(name text, models text, category text, parameters text)
returns tsvector language sql immutable parallel safe as $$
    select setweight(to_tsvector('russian', search_words(name)), 'A')
        || setweight(to_tsvector('simple', search_words(name)), 'A')
        || setweight(to_tsvector('simple', search_words(left(coalesce(models, ''), 10000))), 'B')
        || setweight(to_tsvector('russian', search_words(category)), 'C')
        || setweight(to_tsvector('russian', search_words(left(coalesce(parameters, ''), 10000))), 'D')
        || setweight(to_tsvector('simple', search_words(left(coalesce(parameters, ''), 10000))), 'D')
$$;

-- Words that mean the same. Staff edits them.
create table search_synonyms (
    id uuid not null default uuid_v7() constraint search_synonyms_id unique,
    -- As a search compares it: one word.
    word text primary key constraint search_synonyms_word check (word = search_words(word) and word ~ '^\S+$'),
    -- Each one or more words.
    means text[] not null
        constraint search_synonyms_means check (cardinality(means) between 1 and 20 and array_position(means, null) is null),
    updated_at timestamptz not null default now()
);
create index search_synonyms_means on search_synonyms using gin (means);

insert into search_synonyms (word, means) values
    ('айфон', '{iphone}'), ('айфоны', '{iphone}'), ('айпад', '{ipad}'), ('макбук', '{macbook}'),
    ('эирподс', '{airpods}'), ('аирподс', '{airpods}'), ('эпл', '{apple}'), ('эппл', '{apple}'), ('апл', '{apple}'),
    ('самсунг', '{samsung}'), ('галакси', '{galaxy}'), ('сяоми', '{xiaomi}'), ('ксиаоми', '{xiaomi}'),
    ('ксяоми', '{xiaomi}'), ('редми', '{redmi}'), ('хуавей', '{huawei}'), ('хуавэй', '{huawei}'),
    ('хонор', '{honor}'), ('реалми', '{realme}'), ('нокиа', '{nokia}'), ('сони', '{sony}'), ('лджи', '{lg}'),
    ('филипс', '{philips}'), ('бош', '{bosch}'), ('браун', '{braun}'), ('асус', '{asus}'), ('асер', '{acer}'),
    ('леново', '{lenovo}'), ('делл', '{dell}'), ('логитех', '{logitech}'), ('кэнон', '{canon}'), ('канон', '{canon}'),
    ('эпсон', '{epson}'), ('ксерокс', '{xerox}'), ('бразер', '{brother}'), ('кингстон', '{kingston}'),
    ('интел', '{intel}'), ('редмонд', '{redmond}'), ('панасоник', '{panasonic}'), ('тефаль', '{tefal}'),
    ('мобильник', '{смартфон,телефон}'), ('смарт', '{смартфон}'), ('телик', '{телевизор}'), ('тв', '{телевизор}'),
    ('ноут', '{ноутбук}'), ('лаптоп', '{ноутбук}'), ('комп', '{компьютер}'), ('моник', '{монитор}'),
    ('клава', '{клавиатура}'), ('флешка', '{"usb накопитель"}'), ('флэшка', '{флешка,"usb накопитель"}');

-- A search as PostgreSQL understands it. Each element is one word in all its readings (as typed, in the other keyboard
-- layout, corrected), with U+001F between them; every word must be there in one of its readings or as a synonym. Words
-- without a meaning of their own (и, the) count only where there are no others.
create function search_query(words text[]) returns tsquery
language plpgsql stable parallel safe set client_min_messages = warning as $$
declare
    whole tsquery := ''::tsquery;
    fillers tsquery := ''::tsquery;
    meaning tsquery;
    word text;
    reading text;
    term text;
begin
    foreach word in array words loop
        meaning := ''::tsquery;
        foreach reading in array string_to_array(word, U&'\001F') loop
            reading := search_words(reading);
            if numnode(plainto_tsquery('russian', reading)) = 0 then
                fillers := fillers && plainto_tsquery('simple', reading);
                continue;
            end if;
            meaning := meaning || plainto_tsquery('russian', reading) || plainto_tsquery('simple', reading);
            for term in
                select unnest(s.means) from search_synonyms s where s.word = reading
                union
                select s.word from search_synonyms s where s.means @> array[reading]
            loop
                meaning := meaning || plainto_tsquery('russian', search_words(term));
            end loop;
        end loop;
        whole := whole && meaning;
    end loop;
    return case when numnode(whole) = 0 then fillers else whole end;
end $$;

-- Every word that products are found by, for searches that find nothing: what was meant is looked for here, among short
-- words, and not in the long texts of products, which took a hundred times as long.
create table search_vocabulary (word text primary key);
create index search_vocabulary_trigrams on search_vocabulary using gin (word gin_trgm_ops);

-- The words of a text that may be in the vocabulary: neither numbers nor single letters.
create function vocabulary_of(text) returns setof text language sql immutable parallel safe as $$
    select distinct w
    from regexp_split_to_table(search_words(coalesce($1, '')), ' ') as w
    where length(w) between 3 and 40 and w ~ '[[:alpha:]]'
$$;

-- The words of the vocabulary that are like each of some words, the likest first. pg_trgm's own threshold (0.3) misses
-- two letters that changed places: "iphnoe" is like "iphone" by 0.27.
create function similar_words(words text[]) returns table (place bigint, word text)
language sql stable parallel safe set pg_trgm.similarity_threshold = 0.2 as $$
    select w.place, near.word
    from unnest(words) with ordinality as w (word, place)
    cross join lateral (
        select v.word
        from search_vocabulary v
        where v.word % w.word
        order by similarity(v.word, w.word) desc, v.word
        limit 50
    ) near
$$;

-- Everything is indexed anew by the rules above.
update products p
set search = product_vector(p.name, x.models, c.name, x.parameters)
from categories c, products q
cross join lateral (
    select
        (select string_agg(distinct o.model, ' ') from offers o where o.product_id = q.id) as models,
        (
            select string_agg(distinct v.key || ' ' || v.value, ' ')
            from offers o, jsonb_each_text(o.parameters) as v
            where o.product_id = q.id
        ) as parameters
) x
where p.id = q.id and c.id = p.category_id;

insert into search_vocabulary (word)
select distinct w
from (
    select name from products
    union
    select name from categories
    union
    select model from offers
    union
    select v.key || ' ' || v.value from offers o, jsonb_each_text(o.parameters) as v
) as t (words), vocabulary_of(t.words) as w;

drop index products_trigrams;
alter table products drop column search_text;

-- Filters by parameters.
create index offers_parameters on offers using gin (parameters jsonb_path_ops) where withdrawn_at is null;

-- The products that have an offer to show, in the orders that lists come in: narrow, so that a price that changes
-- rewrites none of the search. Kept by imports for the products they touch, and by a job when a supplier closes, opens
-- or is approved; until that job is done a list may come in yesterday's order, but what stands in it is read from the
-- offers.
create table listed_products (
    product_id uuid primary key references products,
    category_id uuid not null,
    name_key text not null,
    -- The cheapest offer of an open supplier.
    price_minor bigint,
    -- Where it stands by price; what nobody sells now stands last either way.
    cheap_first bigint not null generated always as (coalesce(price_minor, 9223372036854775807)) stored,
    dear_first bigint not null generated always as (-coalesce(price_minor, 0)) stored
);
create index listed_products_by_name on listed_products (name_key, product_id);
create index listed_products_by_category on listed_products (category_id, name_key, product_id);
create index listed_products_cheap on listed_products (cheap_first, product_id);
create index listed_products_dear on listed_products (dear_first, product_id);
create index listed_products_category_cheap on listed_products (category_id, cheap_first, product_id);
create index listed_products_category_dear on listed_products (category_id, dear_first, product_id);

insert into listed_products (product_id, category_id, name_key, price_minor)
select p.id, p.category_id, p.name_key, min(o.price_minor) filter (where s.accepting_orders)
from products p
join offers o on o.product_id = p.id and o.withdrawn_at is null
join suppliers s on s.id = o.supplier_id
join organizations g on g.id = s.id and g.approved_at is not null
group by p.id;

-- Lists are read from `listed_products`.
drop index products_by_name;

-- Offers that are not withdrawn, counted by each import.
alter table suppliers add column offers_count bigint not null default 0;
update suppliers s
set offers_count = (select count(*) from offers o where o.supplier_id = s.id and o.withdrawn_at is null);

-- How often the supplier's products had to be brought to their places in lists. Each time is a pass of jobs over all of
-- them, and an older one gives way.
alter table suppliers add column relistings bigint not null default 0;

-- Lists that have not ended: which of them are to be waited for, and how many there are.
create index price_imports_unfinished on price_imports (supplier_id, id)
    where status in ('received', 'parsing', 'validated', 'applying');

-- Nobody reads a file whose import has ended.
delete from price_import_chunks c
using price_imports i
where i.id = c.import_id and i.status not in ('received', 'parsing', 'validated', 'applying');
