-- As many products as `bench.products` says, each offered by five suppliers, in 20 categories.
insert into organizations (id, kind, name, approved_at, created_at)
select uuid_v7(), 'supplier', 'Поставщик ' || g, now(), now() from generate_series(1, 5) g;
insert into suppliers (id, updated_at) select id, now() from organizations where kind = 'supplier';
insert into organizations (id, kind, name, approved_at, created_at)
select uuid_v7(), 'buyer', 'Сеть ' || g, now(), now() from generate_series(1, 16) g;
insert into categories (id, name, name_key)
select uuid_v7(), 'Категория ' || g, 'категория ' || g from generate_series(1, 20) g;

create temp table numbered_categories as select id, row_number() over (order by id) - 1 as n from categories;
create temp table numbered_suppliers as select id, row_number() over (order by id) - 1 as n from suppliers;

insert into products (id, category_id, name, name_key, description)
select uuid_v7(), c.id, x.name, lower(x.name), repeat('Описание товара, как его даёт поставщик. ', 5)
from (
    select
        g,
        (array['Смартфон', 'Ноутбук', 'Чайник', 'Монитор', 'Мышь'])[g % 5 + 1] || ' '
            || (array['Apple iPhone', 'Samsung Galaxy', 'Xiaomi Redmi', 'Honor Magic', 'Lenovo Yoga', 'Bosch'])[g % 6 + 1]
            || ' M' || g || ' ' || (64 << (g % 4)) || 'GB ('
            || (array['золотистый', 'черный', 'белый', 'красный', 'синий', 'серый', 'желтый'])[g % 7 + 1] || ')' as name
    from generate_series(1, current_setting('bench.products')::int) g
) x
join numbered_categories c on c.n = x.g % 20;

insert into offers (
    id, supplier_id, product_id, sku, model, price_minor, recommended_price_minor, parameters, updated_at
)
select
    uuid_v7(), s.id, p.id, 'S' || p.n, 'brand/m' || p.n, 10000 + (p.n * 7919 + s.n * 104729) % 9000000,
    20000 + (p.n * 7919) % 9000000,
    jsonb_build_object(
        'Цвет', (array['золотистый', 'черный', 'белый', 'красный', 'синий', 'серый', 'желтый'])[p.n % 7 + 1],
        'Память', (64 << (p.n % 4)::int) || ' ГБ', 'Диагональ (дюйм)', '6.' || p.n % 10,
        'Вес (г)', (100 + p.n % 300)::text, 'Гарантия', '12 месяцев'
    ),
    now()
from (select id, row_number() over (order by id) as n from products) p
cross join numbered_suppliers s;
insert into offer_stock (offer_id, stock, reserved) select id, 1000000000, 3 from offers;
update suppliers set offers_count = current_setting('bench.products')::int;

update products p
set search = product_vector(p.name, 'brand', c.name, 'Гарантия 12 месяцев')
from categories c
where c.id = p.category_id;

insert into listed_products (product_id, category_id, name_key, price_minor)
select p.id, p.category_id, p.name_key, min(o.price_minor)
from products p
join offers o on o.product_id = p.id
group by p.id;
