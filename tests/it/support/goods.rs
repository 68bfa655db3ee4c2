//! Small price lists.

use std::fmt::Write;

/// A list of smartphones in YAML: sku, name, price and pieces of each.
pub fn price_list(goods: &[(&str, &str, &str, u32)]) -> String {
    let mut list = String::from("shop: Test\ncategories: [{id: 1, name: Смартфоны}]\ngoods:\n");
    for (sku, name, price, quantity) in goods {
        let line =
            format!("  - {{id: '{sku}', category: 1, name: '{name}', price: {price}, quantity: {quantity}}}");
        writeln!(list, "{line}").expect("a text can be written to");
    }
    if goods.is_empty() {
        list = list.replace("goods:\n", "goods: []\n");
    }
    list
}
