//! What was refused of a price list: as a file that can be mended and sent again, and in sum.

use serde_json::json;

use crate::support::TestApp;

const LIST: &str = "id,category,name,price,quantity,Цвет\n\
    A,Столы,Стол А,дорого,1,белый\n\
    B,Столы,Стол Б,5,1,=1+1\n\
    C,,Стол В,1e9,x,\n\
    D,Столы,Стол Г,5,1,\n\
    D,Столы,Стол Г,6,1,серый\n\
    E,Столы,Стол Д,7,1,\n";

#[tokio::test]
async fn the_refused_rows_come_as_a_file_that_can_be_mended_and_sent_again() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "price.csv", LIST).await;
    assert_eq!(
        (&import["status"], &import["counts"]["failed"]),
        (&json!("completed_with_errors"), &json!(4))
    );
    let rows = format!("/api/v1/supplier/imports/{}/rows", import["id"].as_str().unwrap());

    let report = supplier.get(&format!("{rows}?format=csv")).await.assert_status(200);
    let lines: Vec<&str> = report.text().lines().collect();
    assert_eq!(
        lines[0],
        "\u{feff}id;category;model;name;description;price;price_rrc;quantity;gtin;vat;unit;min_quantity;multiple;\
         param:Цвет;error"
    );
    assert_eq!(
        lines[1],
        "A;Столы;;Стол А;;дорого;;1;;;;;;белый;price: найдено «дорого», ожидается число, например 1234 или 1234.50"
    );
    assert!(lines[2].starts_with("C;;;Стол В;;1e9;;x;;;;;;;\"category: ничего не найдено"), "{}", lines[2]);
    assert_eq!(
        lines[3..],
        [
            "D;Столы;;Стол Г;;5,00;;1;;;;;;;id: этот id найден в нескольких строках, ожидается один раз",
            "D;Столы;;Стол Г;;6,00;;1;;;;;;серый;id: этот id найден в нескольких строках, ожидается один раз",
        ]
    );

    for format in ["yaml", "csv", "xlsx", "yml"] {
        let report = supplier.get(&format!("{rows}?format={format}")).await.assert_status(200);
        let again = app.import_as(&supplier, "upsert", "report", report.bytes()).await;
        assert_eq!(
            (&again["counts"]["failed"], &again["counts"]["inserted"]),
            (&json!(4), &json!(0)),
            "{again}"
        );
    }
    let mended = report.text().replace("дорого", "10").replacen("D;", "D2;", 1);
    let import = app.import_as(&supplier, "upsert", "report.csv", mended).await;
    assert_eq!(
        (&import["counts"]["inserted"], &import["counts"]["failed"]),
        (&json!(3), &json!(1)),
        "{import}"
    );
    app.supplier("Канцлер").create().await.get(&format!("{rows}?format=csv")).await.assert_status(404);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_summed_up() {
    let app = TestApp::start().await;
    let supplier = app.supplier("Электрон").create().await;
    let import = app.import(&supplier, "price.csv", LIST).await;
    let groups: Vec<_> = import["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (
                group["field"].as_str().unwrap(),
                group["code"].as_str().unwrap(),
                group["rows"].as_i64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("price", "not_a_number", 2),
        ("id", "repeated", 2),
        ("category", "required", 1),
        ("quantity", "not_a_number", 1),
    ];
    assert_eq!(groups, expected);
    assert_eq!(import["problems"][0]["first_row"], 1);
    app.finish().await;
}
