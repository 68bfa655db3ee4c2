//! What keeps the catalogue fast after large lists: what PostgreSQL knows of it, and what lists leave behind.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::TestApp;

/// How PostgreSQL looks for what the offers of a product come to.
async fn plan_of_offers(conn: &mut PgConnection) -> String {
    let asked = "
        explain select min(o.price_minor)
        from offers o
        join suppliers s on s.id = o.supplier_id
        join organizations g on g.id = s.id
        where o.product_id = (select id from products limit 1) and o.withdrawn_at is null and g.approved_at is not null";
    let plan: Vec<String> = sqlx::query_scalar(asked).fetch_all(conn).await.unwrap();
    plan.join("\n")
}

fn numbered_goods(number: u32) -> String {
    goods_at(7, number)
}

fn goods_at(price: u32, number: u32) -> String {
    let rows: String = (1..=number).map(|n| format!("{n};Товары;Товар {n};{price};1\n")).collect();
    format!("id;category;name;price;quantity\n{rows}")
}

#[tokio::test]
async fn an_index_of_parameters_is_only_for_those_who_ask_for_them() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    app.import(&supplier, "price.csv", numbered_goods(2_000)).await;
    sqlx::query("vacuum offers").execute(app.pool()).await.unwrap();
    let mut tx = app.pool().begin().await.unwrap();
    // As where PostgreSQL has not looked yet.
    sqlx::query("delete from pg_statistic where starelid = 'offers'::regclass")
        .execute(&mut *tx)
        .await
        .unwrap();
    let plan = plan_of_offers(&mut tx).await;
    assert!(plan.contains("offers_product") && !plan.contains("offers_parameters"), "{plan}");
    tx.rollback().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn the_offers_of_a_product_are_found_before_anything_is_known_about_them() {
    let app = TestApp::start().await;
    app.supplier("Телефоны").create().await;
    // What autovacuum has seen last, before the first large list.
    sqlx::query("vacuum analyze").execute(app.pool()).await.unwrap();
    let mut tx = app.pool().begin().await.unwrap();
    for statement in [
        "insert into categories (id, name, name_key) values (uuid_v7(), 'Смартфоны', 'смартфоны')",
        "insert into products (id, category_id, name, name_key)
         select uuid_v7(), c.id, n::text, n::text from categories c, generate_series(1, 20000) as n",
        "insert into offers (id, supplier_id, product_id, sku, price_minor, updated_at)
         select uuid_v7(), s.id, p.id, p.name, 100, now() from suppliers s, products p",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    let plan = plan_of_offers(&mut tx).await;
    assert!(plan.contains("offers_product") && !plan.contains("offers_sku"), "{plan}");
    tx.rollback().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_makes_the_catalogue_large_is_known_to_the_planner_at_once() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let looked = || async {
        let statement = "select relname::text, analyze_count from pg_stat_user_tables \
                         where relname in ('products', 'listed_products', 'offers', 'offer_stock') and analyze_count > 0 \
                         order by relname";
        sqlx::query_as::<_, (String, i64)>(statement).fetch_all(app.pool()).await.unwrap()
    };
    let at_all = |times: i64| {
        ["listed_products", "offer_stock", "offers", "products"].map(|table| (table.to_owned(), times))
    };
    for (goods, times) in [(1_000, 1), (1_500, 1), (3_000, 2)] {
        // What an attempt that was rolled back leaves behind.
        let counted = "update pg_class set reltuples = 1000000 where oid = 'offers'::regclass";
        sqlx::query(counted).execute(app.pool()).await.unwrap();
        let import = app.import(&supplier, "price.csv", numbered_goods(goods)).await;
        assert_eq!(import["status"], "completed");
        app.eventually(|| async { looked().await == at_all(times) }).await;
    }
    app.finish().await;
}

/// How many blocks are read of the list by price, for the first of its pages.
async fn blocks_of_first_page(app: &TestApp) -> i64 {
    let walk = "explain (analyze, buffers, format json)
        select product_id from listed_products order by cheap_first, product_id limit 20";
    let explained: Value = sqlx::query_scalar(walk).fetch_one(app.pool()).await.unwrap();
    let plan = &explained[0]["Plan"];
    plan["Shared Hit Blocks"].as_i64().unwrap() + plan["Shared Read Blocks"].as_i64().unwrap()
}

#[tokio::test]
async fn places_that_many_products_have_left_are_cleared_away() {
    let app = TestApp::start().await;
    // It has its own time.
    sqlx::query("alter table listed_products set (autovacuum_enabled = off)")
        .execute(app.pool())
        .await
        .unwrap();
    let supplier = app.supplier("Электрон").create().await;
    let clearings = async || {
        app.drain_jobs().await;
        let statement = "select count(*) from jobs where kind = 'clear_places'";
        sqlx::query_scalar::<_, i64>(statement).fetch_one(app.pool()).await.unwrap()
    };
    app.import(&supplier, "price.csv", goods_at(7, 10_000)).await;
    app.import(&supplier, "price.csv", goods_at(8, 10_000)).await;
    assert_eq!(clearings().await, 1);
    assert!(blocks_of_first_page(&app).await < 10);
    app.import_as(&supplier, "upsert", "price.csv", goods_at(9, 9_999)).await;
    assert_eq!(clearings().await, 1);
    supplier.patch("/api/v1/supplier", json!({ "accepting_orders": false })).await.assert_status(200);
    assert_eq!(clearings().await, 2);
    app.finish().await;
}
