//! The query of a list of orders, or of parts of them: which ones, and which page.

use common::{
    orders::{Filter, OrderStatus, SupplierOrderStatus},
    text::one_line,
};
use salvo::{
    Extractible,
    extract::Metadata,
    oapi::{
        BasicType, Components, EndpointArgRegister, KnownFormat, Object, Operation, Parameter, ParameterIn,
        SchemaFormat,
    },
    prelude::{Depot, Request},
};
use serde::de::DeserializeOwned;

use crate::{
    error::ApiError,
    params::{PageQuery, Paging, instant},
};

/// The longest text that numbers are searched for.
const MAX_SEARCH: usize = 100;

/// Which orders to list, and which page of them.
#[derive(Debug)]
pub struct OrderQuery<Status, C> {
    /// Which.
    pub filter: Filter<Status>,
    /// Which page.
    pub paging: Paging<C>,
}

/// What orders, or parts of them, can be listed by.
pub trait StatusWord: Sized {
    /// Every word.
    fn words() -> Vec<&'static str>;

    /// The status of a word.
    fn of_word(word: &str) -> Option<Self>;
}

impl StatusWord for OrderStatus {
    fn words() -> Vec<&'static str> {
        Self::ALL.map(Self::as_str).to_vec()
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::parse(word)
    }
}

impl StatusWord for SupplierOrderStatus {
    fn words() -> Vec<&'static str> {
        Self::ALL.map(Self::as_str).to_vec()
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::parse(word)
    }
}

impl<'ex, Status: StatusWord, C: DeserializeOwned + Send> Extractible<'ex> for OrderQuery<Status, C> {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("OrderQuery");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, ApiError> {
        let PageQuery { paging, mut query } = PageQuery::extract(req, depot).await?;
        let filter = Filter {
            status: query.take_word("status", &Status::words().join(", "), Status::of_word),
            created_from: query.take("created_from", instant),
            created_to: query.take("created_to", instant),
            q: query.take("q", |text| one_line(text, MAX_SEARCH)),
        };
        query.finish()?;
        Ok(Self { filter, paging })
    }
}

impl<Status: StatusWord, C> EndpointArgRegister for OrderQuery<Status, C> {
    fn register(components: &mut Components, operation: &mut Operation, arg: &str) {
        let text = || Object::with_type(BasicType::String);
        let time = || text().format(SchemaFormat::KnownFormat(KnownFormat::DateTime));
        for (name, schema, what) in [
            ("status", text().enum_values(Status::words()), "Only those that stand there"),
            ("created_from", time(), "Only those confirmed then or later"),
            ("created_to", time(), "Only those confirmed before"),
            ("q", text().max_length(MAX_SEARCH), "Only those with this text in their number"),
        ] {
            let parameter = Parameter::new(name).location(ParameterIn::Query).required(false);
            operation.parameters.insert(parameter.schema(schema).description(what));
        }
        PageQuery::<C>::register(components, operation, arg);
    }
}
