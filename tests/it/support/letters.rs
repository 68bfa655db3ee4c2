//! What is mailed has the shape of what staff previews.

use std::collections::BTreeSet;

use common::mail::{MessageKind, Templates};
use serde_json::Value;
use sqlx::PgPool;

/// Asserts that no message has data that the sample of its kind does not know: the templates are written, tested and
/// previewed with the sample. What data lack that the templates need, their strict rendering finds.
pub async fn assert_data_are_like_the_samples(pool: &PgPool) {
    let statement = "select distinct on (kind, md5(data::text)) kind, data from email_messages limit 500";
    let messages: Vec<(String, Value)> =
        sqlx::query_as(statement).fetch_all(pool).await.expect("the messages");
    for (word, data) in messages {
        let kind: MessageKind = word.parse().expect("a kind");
        let known = names(&Templates::sample(kind).expect("a sample"));
        let surplus: Vec<String> = names(&data).difference(&known).cloned().collect();
        assert!(surplus.is_empty(), "email_templates/_samples/{word}.json knows nothing of {surplus:?}");
    }
}

/// Every name in a message's data, with the way to it: `/parts/lines/sku`.
fn names(data: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(data, "", &mut found);
    found
}

fn collect(data: &Value, path: &str, found: &mut BTreeSet<String>) {
    match data {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}/{name}");
                collect(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        _ => {}
    }
}
