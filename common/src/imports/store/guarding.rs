//! What of a staged list looks like a slip, and how a list is applied without that.

use serde_json::json;
use sqlx::{PgConnection, types::Json};

use super::{
    super::guard::{Suspicion, SuspicionCode},
    Begun,
};
use crate::{
    ids::{PriceImportId, SupplierId},
    imports::said,
};

/// Judges the staged list by what its supplier lets pass.
pub(in super::super) async fn judge(
    conn: &mut PgConnection,
    begun: &Begun,
) -> Result<Vec<Suspicion>, sqlx::Error> {
    let seen = sqlx::query!(
        r#"
        with named as (
            select
                price_slip(o.price_minor, s.price_minor, g.guard_price_factor) as slip,
                s.stock > 0 as has_stock, t.stock > 0 and o.withdrawn_at is null as had_stock
            from price_import_stage s
            join suppliers g on g.id = $2
            join offers o on o.supplier_id = g.id and o.sku = s.sku
            join offer_stock t on t.offer_id = o.id
            where s.import_id = $1
        ),
        standing as (
            select count(*) as count from offers where supplier_id = $2 and withdrawn_at is null
        ),
        missing as (
            select count(*) as count from offers_missing_in($1)
        )
        select
            count(*) as "named!",
            count(*) filter (where slip = 'price_times_100') as "times_100!",
            count(*) filter (where slip = 'price_times_10') as "times_10!",
            count(*) filter (where slip = 'price_moved') as "moved!",
            count(*) filter (where had_stock and not has_stock) as "sold_out!",
            exists (
                select from price_import_stage where import_id = $1 and stock > 0
            ) or $3 = 'upsert' and exists (
                select
                from offers o
                join offer_stock t on t.offer_id = o.id
                where o.supplier_id = $2 and o.withdrawn_at is null and t.stock > 0
                  and not exists (select from price_import_stage s where s.import_id = $1 and s.sku = o.sku)
            ) as "has_stock!",
            (select count from standing) as "standing!",
            (select count from missing) as "missing!",
            (
                select m.count * 100 > s.count * g.guard_withdrawn_percent
                from missing m, standing s, suppliers g
                where g.id = $2
            ) as "many_missing!"
        from named
        "#,
        begun.id as PriceImportId,
        begun.supplier_id as SupplierId,
        begun.mode.as_str(),
    )
    .fetch_one(conn)
    .await?;
    let suspicions = [
        (SuspicionCode::PriceTimes100, seen.times_100, seen.named),
        (SuspicionCode::PriceTimes10, seen.times_10, seen.named),
        (SuspicionCode::PriceMoved, seen.moved, seen.named),
        (SuspicionCode::ManyWithdrawn, if seen.many_missing { seen.missing } else { 0 }, seen.standing),
        (SuspicionCode::NoStock, if seen.has_stock { 0 } else { seen.sold_out }, seen.named),
    ];
    let suspicions = suspicions.into_iter().filter(|(_, offers, _)| *offers > 0);
    Ok(suspicions.map(|(code, offers, of)| Suspicion { code, offers, of }).collect())
}

/// Notes how a list was judged.
pub(in super::super) async fn note_suspicions(
    conn: &mut PgConnection,
    begun: &Begun,
    suspicions: &[Suspicion],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update price_imports
        set suspicions = $2, judged_factor = (select guard_price_factor from suppliers where id = $3)
        where id = $1
        "#,
        begun.id as PriceImportId,
        Json(suspicions) as _,
        begun.supplier_id as SupplierId,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Names in the report the prices that look like a slip.
pub(super) async fn mark_slips(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    let detail =
        said!("found a price that looks like a slip; is it right?", "цена похожа на опечатку, проверьте её");
    sqlx::query!(
        r#"
        update price_import_rows r
        set errors = jsonb_build_array(jsonb_build_object(
            'field', 'price', 'code', slip.code, 'detail', $2::jsonb
        ))
        from price_imports i
        join price_import_stage s on s.import_id = i.id
        join offers o on o.supplier_id = i.supplier_id and o.sku = s.sku
        cross join lateral price_slip(o.price_minor, s.price_minor, i.judged_factor) as slip (code)
        where i.id = $1 and r.import_id = i.id and r.position = s.row and r.status = 'updated' and slip.code is not null
        "#,
        id as PriceImportId,
        json!(detail),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has a list that was accepted without what looks like a slip leave those offers as they are: as rows that failed.
pub(super) async fn leave_suspicious(conn: &mut PgConnection, id: PriceImportId) -> Result<(), sqlx::Error> {
    let detail = said!(
        "looks like a slip, and was left out when the list was accepted",
        "похоже на опечатку, строка пропущена при подтверждении списка"
    );
    sqlx::query!(
        r#"
        with held as (
            select
                s.ctid as place,
                case
                    when slip.code is not null then slip.code
                    when i.suspicions @> '[{"code": "no_stock"}]' and s.stock = 0 and t.stock > 0 then 'no_stock'
                end as code
            from price_imports i
            join price_import_stage s on s.import_id = i.id
            join offers o on o.supplier_id = i.supplier_id and o.sku = s.sku
            join offer_stock t on t.offer_id = o.id
            cross join lateral price_slip(o.price_minor, s.price_minor, i.judged_factor) as slip (code)
            where i.id = $1 and i.exclude_held
        ),
        left_alone as (
            delete from price_import_stage s
            using held h
            where s.ctid = h.place and s.import_id = $1 and h.code is not null
            returning s.row, s.line, s.sku, h.code
        )
        insert into price_import_rows (import_id, position, row, line, sku, status, errors)
        select $1, row, row, line, sku, 'failed', jsonb_build_array(jsonb_build_object(
            'field', case code when 'no_stock' then 'quantity' else 'price' end, 'code', code,
            'detail', $2::jsonb
        ))
        from left_alone
        "#,
        id as PriceImportId,
        json!(detail),
    )
    .execute(conn)
    .await?;
    Ok(())
}
