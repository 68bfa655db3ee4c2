//! I7: price lists, and what they made of the catalogue.

use sqlx::PgConnection;

use super::super::model::{AT_MOST, Found};

/// Applied imports whose counts are not those of the changes they made.
pub(in super::super) async fn miscounted_imports(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || i.id as "subject!",
            format(
                'counts %s inserted, %s updated, %s withdrawn; its changes of offers are %s, %s, %s',
                i.inserted, i.updated, i.withdrawn,
                coalesce(c.inserted, 0), coalesce(c.updated, 0), coalesce(c.withdrawn, 0)
            ) as "detail!"
        from price_imports i
        left join (
            select
                import_id,
                count(*) filter (where change = 'inserted') as inserted,
                count(*) filter (where change = 'updated') as updated,
                count(*) filter (where change = 'withdrawn') as withdrawn
            from offer_changes
            group by import_id
        ) as c on c.import_id = i.id
        where i.status in ('completed', 'completed_with_errors')
          and (i.inserted, i.updated, i.withdrawn)
              <> (coalesce(c.inserted, 0), coalesce(c.updated, 0), coalesce(c.withdrawn, 0))
        order by i.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Changes of offers by an import that was not applied, or that is not known.
pub(in super::super) async fn changes_without_an_import(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'import ' || c.import_id as "subject!",
            format('%s, but changed %s offers; it should have none', coalesce('is ' || i.status, 'is unknown'), c.changes)
                as "detail!"
        from (select import_id, count(*) as changes from offer_changes group by import_id) as c
        left join price_imports i on i.id = c.import_id
        where coalesce(i.status not in ('completed', 'completed_with_errors'), true)
        order by c.import_id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Imports that wait for somebody whose counts are not those of their report, or that could not be applied any
/// more: what they were compared with or their file is gone.
pub(in super::super) async fn undecidable_imports(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        with waiting as materialized (
            select * from price_imports where status in ('validated', 'held_for_review')
        ),
        reported as (
            select
                r.import_id,
                count(*) filter (where r.status = 'inserted') as inserted,
                count(*) filter (where r.status = 'updated') as updated,
                count(*) filter (where r.status = 'withdrawn') as withdrawn,
                count(*) filter (where r.status = 'failed') as failed
            from price_import_rows r
            where r.import_id in (select id from waiting)
            group by r.import_id
        ),
        kept as (
            select c.import_id, sum(length(c.data)) as bytes
            from price_import_chunks c
            where c.import_id in (select id from waiting)
            group by c.import_id
        )
        select
            'import ' || w.id as "subject!",
            format(
                'waits, counts %s inserted, %s updated, %s withdrawn, %s failed, and reports %s, %s, %s, %s; %s of its %s '
                    'bytes are there, and what it was compared with is %s',
                w.inserted, w.updated, w.withdrawn, w.failed, coalesce(r.inserted, 0), coalesce(r.updated, 0),
                coalesce(r.withdrawn, 0), coalesce(r.failed, 0), coalesce(k.bytes, 0), w.bytes,
                case when p.import_id is null then 'forgotten' else 'known' end
            ) as "detail!"
        from waiting w
        left join reported r on r.import_id = w.id
        left join kept k on k.import_id = w.id
        left join price_import_previews p on p.import_id = w.id
        where (w.inserted, w.updated, w.withdrawn, w.failed) is distinct from
              (coalesce(r.inserted, 0), coalesce(r.updated, 0), coalesce(r.withdrawn, 0), coalesce(r.failed, 0))
           or p.import_id is null
           or k.bytes is distinct from w.bytes
        order by w.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Suppliers whose catalogue does not have one version for each list that was applied, from 1 without a gap.
pub(in super::super) async fn wrong_catalog_versions(
    conn: &mut PgConnection,
) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier ' || s.id as "subject!",
            format(
                'catalog_version is %s; %s imports completed, and imports have the versions %s',
                s.catalog_version, coalesce(i.completed, 0), coalesce(i.listed, 'none')
            ) as "detail!"
        from suppliers s
        left join (
            select
                supplier_id,
                count(*) filter (where status in ('completed', 'completed_with_errors')) as completed,
                count(catalog_version) as versions,
                count(distinct catalog_version) as different,
                min(catalog_version) as lowest,
                max(catalog_version) as highest,
                left(string_agg(catalog_version::text, ', ' order by catalog_version), 200) as listed
            from price_imports
            group by supplier_id
        ) as i on i.supplier_id = s.id
        where coalesce(i.completed, 0) <> s.catalog_version
           or i.versions <> i.completed
           or i.different <> i.completed
           or i.lowest <> 1
           or i.highest <> i.completed
        order by s.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Products that stand in the catalogue's lists and should not, should and do not, or stand in the wrong place.
///
/// While a supplier that opened or closed is being brought to its places, nothing is said.
pub(in super::super) async fn misplaced_products(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'product ' || coalesce(l.product_id, w.id) as "subject!",
            case
                when l.product_id is null then 'has an offer to show and is not listed'
                when w.id is null then 'is listed and has no offer to show'
                else format('is listed at %s; its cheapest offer costs %s', l.price_minor, w.price_minor)
            end as "detail!"
        from (
            select o.product_id as id, min(o.price_minor) filter (where s.accepting_orders) as price_minor
            from offers o
            join suppliers s on s.id = o.supplier_id
            join organizations g on g.id = s.id
            where o.withdrawn_at is null and g.approved_at is not null
            group by o.product_id
        ) as w
        full join listed_products l on l.product_id = w.id
        where (l.product_id is null or w.id is null or l.price_minor is distinct from w.price_minor)
          and not exists (select from jobs where kind = 'relist_supplier' and state in ('ready', 'running'))
        order by 1
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}

/// Suppliers whose number of offers is not what they have.
pub(in super::super) async fn miscounted_offers(conn: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        select
            'supplier ' || s.id as "subject!",
            format('says that it has %s offers, and has %s', s.offers_count, coalesce(o.count, 0)) as "detail!"
        from suppliers s
        left join (
            select supplier_id, count(*) as count from offers where withdrawn_at is null group by supplier_id
        ) as o on o.supplier_id = s.id
        where s.offers_count <> coalesce(o.count, 0)
        order by s.id
        limit $1
        "#,
        AT_MOST,
    )
    .fetch_all(conn)
    .await
}
