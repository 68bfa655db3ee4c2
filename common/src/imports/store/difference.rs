//! What a staged list would change: which goods are refused for being there twice, which categories and products
//! they need, and how each differs from the supplier's offer.

use serde_json::json;
use sqlx::PgConnection;

use super::Begun;
use crate::{
    ids::{PriceImportId, SupplierId},
    imports::said,
};

/// A sku that is there twice fails in all its rows, those included that were refused for something else.
pub(in super::super) async fn refuse_repeated(
    conn: &mut PgConnection,
    id: PriceImportId,
) -> Result<(), sqlx::Error> {
    let detail = said!(
        "found this id in more than one row, expected it once",
        "этот id найден в нескольких строках, ожидается один раз"
    );
    sqlx::query!(
        r#"
        with repeated as materialized (
            select sku
            from (
                select sku from price_import_stage where import_id = $1
                union all
                select sku from price_import_rows where import_id = $1 and sku is not null
            ) as named
            group by sku
            having count(*) > 1
        ),
        refused as (
            delete from price_import_stage s
            using repeated r
            where s.import_id = $1 and s.sku = r.sku
            returning s.*
        )
        insert into price_import_rows (import_id, position, row, line, sku, status, errors, good)
        select
            $1, row, row, line, sku, 'failed',
            jsonb_build_array(jsonb_build_object('field', 'id', 'code', 'repeated', 'detail', $2::jsonb)),
            jsonb_build_object(
                'sku', sku, 'category', category, 'model', model, 'name', name, 'description', description,
                'price', money_text(price_minor), 'price_rrc', money_text(recommended_price_minor),
                'quantity', stock::text, 'gtin', gtin, 'vat', vat_rate, 'unit', unit,
                'min_quantity', nullif(min_quantity, multiple)::text, 'multiple', nullif(multiple, 1)::text,
                'parameters', (
                    select coalesce(jsonb_agg(jsonb_build_array(p.key, p.value)), '[]') from jsonb_each_text(parameters) as p
                )
            )
        from refused
        "#,
        id as PriceImportId,
        json!(detail),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn add_categories(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into categories (id, name, name_key)
        select uuid_v7(), n.category, n.category_key
        from (
            select distinct on (category_key) category, category_key
            from price_import_stage
            where import_id = $1
            order by category_key, row
        ) as n
        where not exists (select from categories c where c.name_key = n.category_key)
        order by n.category_key
        on conflict (name_key) do nothing
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// New products. What one is found by is known at once where the list has it in one row only, which is the rule; the
/// others are indexed once all their offers are there. It has a GTIN that its rows say, the lowest of several, unless that
/// is some product's already.
pub(super) async fn add_products(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into products (id, category_id, name, name_key, description, gtin, search)
        select
            uuid_v7(), n.category_id, n.name, n.name_key, n.description,
            case
                when n.gtin is not null and not exists (select from products k where k.gtin = n.gtin) then n.gtin
            end,
            case
                when n.is_alone then product_vector(n.name, n.model, n.category, (
                    select string_agg(e.key || ' ' || e.value, ' ' order by e.key || ' ' || e.value)
                    from jsonb_each_text(n.parameters) as e
                ))
                else ''
            end
        from (
            select distinct on (c.id, s.name_key)
                c.id as category_id, c.name as category, s.name, s.name_key, s.description, s.model, s.parameters,
                count(*) over same_name = 1 as is_alone, min(s.gtin) over same_name as gtin
            from price_import_stage s
            join categories c on c.name_key = s.category_key
            where s.import_id = $1 and not exists (
                select from products k where k.category_id = c.id and k.name_key = s.name_key
            )
            window same_name as (partition by c.id, s.name_key)
            order by c.id, s.name_key, s.description is null, s.row
        ) as n
        order by n.category_id, n.name_key
        on conflict do nothing
        "#,
        id as PriceImportId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes on each staged good that changes anything which offer it is, and what of it differs. The others, in most lists
/// nearly all, stay as they were staged. Where the list is only looked at, a product may not be there yet. A product is
/// fresh when this very transaction has made it, as its `xmin` tells.
pub(super) async fn find_difference(conn: &mut PgConnection, begun: &Begun) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_import_stage s
        set product_id = d.product_id, product_before = d.product_before, offer_id = d.offer_id, changes = d.changes,
            reindex = d.reindex and not (d.fresh and d.is_indexed), fresh = d.fresh, moves_gtin = d.moves_gtin,
            stock_before = d.stock, reserved_before = d.reserved,
            change = case
                when s.withdraw then 'withdrawn'
                when d.is_new then 'inserted'
                when d.changes <> '{}' then 'updated'
            end
        from (
            select
                n.ctid as place, p.id as product_id, o.product_id as product_before, coalesce(o.id, uuid_v7()) as offer_id, o.id is null as is_new,
                coalesce(p.xmin = pg_current_xact_id()::xid, false) as fresh, p.search <> '' as is_indexed,
                t.stock, t.reserved,
                o.id is null or o.withdrawn_at is not null or (p.description is null and n.description is not null)
                    or (o.product_id, o.model, o.parameters) is distinct from (p.id, n.model, n.parameters)
                    as reindex,
                n.gtin is not null and p.gtin is distinct from n.gtin
                    or o.id is not null and o.gtin is distinct from n.gtin as moves_gtin,
                case
                    when o.id is null then '{}'::jsonb
                    when (o.product_id, o.model, o.price_minor, o.recommended_price_minor, o.parameters, t.stock,
                            o.gtin, o.vat_rate, o.unit, o.min_quantity, o.multiple)
                        is not distinct from
                        (p.id, n.model, n.price_minor, n.recommended_price_minor, n.parameters,
                            coalesce(n.stock, t.stock), n.gtin, n.vat_rate, n.unit, n.min_quantity, n.multiple)
                        and o.withdrawn_at is null
                        then '{}'::jsonb
                    else (
                        select coalesce(jsonb_object_agg(f.name, f.change) filter (where f.differs), '{}')
                        from (values
                            ('product', o.product_id is distinct from p.id, jsonb_build_array(
                                (select name from products where id = o.product_id), coalesce(p.name, n.name)
                            )),
                            ('model', o.model is distinct from n.model, jsonb_build_array(o.model, n.model)),
                            ('price', o.price_minor <> n.price_minor,
                                jsonb_build_array(money_text(o.price_minor), money_text(n.price_minor))),
                            ('price_rrc', o.recommended_price_minor is distinct from n.recommended_price_minor,
                                jsonb_build_array(
                                    money_text(o.recommended_price_minor), money_text(n.recommended_price_minor)
                                )),
                            ('parameters', o.parameters <> n.parameters,
                                jsonb_build_array(o.parameters, n.parameters)),
                            ('quantity', t.stock <> n.stock, jsonb_build_array(t.stock, n.stock)),
                            ('gtin', o.gtin is distinct from n.gtin, jsonb_build_array(o.gtin, n.gtin)),
                            ('vat', o.vat_rate is distinct from n.vat_rate,
                                jsonb_build_array(o.vat_rate, n.vat_rate)),
                            ('unit', o.unit is distinct from n.unit, jsonb_build_array(o.unit, n.unit)),
                            ('min_quantity', o.min_quantity <> n.min_quantity,
                                jsonb_build_array(o.min_quantity, n.min_quantity)),
                            ('multiple', o.multiple <> n.multiple, jsonb_build_array(o.multiple, n.multiple)),
                            ('withdrawn', o.withdrawn_at is not null, jsonb_build_array(true, false))
                        ) as f (name, differs, change)
                    )
                end as changes
            from price_import_stage n
            left join categories c on c.name_key = n.category_key
            left join products p on p.category_id = c.id and p.name_key = n.name_key
            left join offers o on o.supplier_id = $2 and o.sku = n.sku
            left join offer_stock t on t.offer_id = o.id
            where n.import_id = $1
        ) as d
        where s.ctid = d.place and s.import_id = $1
          and (s.withdraw or d.is_new or d.changes <> '{}' or d.reindex or d.moves_gtin)
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
    )
    .execute(conn)
    .await?;
    Ok(())
}
