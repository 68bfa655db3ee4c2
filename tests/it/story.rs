//! The whole way, from registering to delivery.

use crate::support::TestApp;

#[tokio::test]
async fn a_supplier_uploads_and_a_buyer_orders() {
    let app = TestApp::start().await;
    app.supplier("Электрон").with_price_list(include_str!("../data/elektron.yaml")).create().await;
    let buyer = app.buyer().with_basket([("EL-100101", 2)]).create().await;
    buyer.order().await.assert_status(201);
    app.mailbox(buyer.email()).await.assert_one("Заказ");
    app.finish().await;
}
