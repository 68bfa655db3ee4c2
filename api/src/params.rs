//! What stands in a request beside its body: ids in the path, and the query.

use std::str::FromStr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use common::{
    page::{Limit, Page},
    text::Invalid,
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
use serde::{Serialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::error::{ApiError, ApiResult, FieldProblem};

/// An id in the path, named like the argument. What is no id is nothing that exists: 404.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<'ex, T: FromStr + Send> Extractible<'ex> for PathId<T> {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("PathId");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(_: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        Err(ApiError::not_found())
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract_with_arg(req: &'ex mut Request, _: &'ex mut Depot, arg: &str) -> Result<Self, ApiError> {
        let id = req.params().get(arg).and_then(|text| text.parse().ok());
        id.map(Self).ok_or_else(ApiError::not_found)
    }
}

impl<T> EndpointArgRegister for PathId<T> {
    fn register(_: &mut Components, operation: &mut Operation, arg: &str) {
        let uuid = Object::with_type(BasicType::String).format(SchemaFormat::KnownFormat(KnownFormat::Uuid));
        let parameter = Parameter::new(arg).location(ParameterIn::Path).schema(uuid).required(true);
        operation.parameters.insert(parameter);
    }
}

/// The query: each name at most once, and only names that the endpoint knows.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldProblem>,
}

impl Query {
    /// The value of a parameter, parsed. An empty or blank one counts as absent.
    pub fn take<T, E: Into<Invalid>>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut found = None;
        self.pairs.retain(|(key, value)| {
            if key == name && found.is_none() {
                found = Some(value.clone());
                return false;
            }
            true
        });
        let value = found.filter(|value| !value.trim().is_empty())?;
        parse(&value).map_err(|error| self.refuse(name, error.into())).ok()
    }

    /// An id.
    pub fn take_id<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.take(name, |text| {
            text.parse().map_err(|_| Invalid::new("invalid_id", format!("expected a UUID, found {text:?}")))
        })
    }

    /// One of some words.
    pub fn take_word<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.take(name, |text| {
            parse(text)
                .ok_or_else(|| Invalid::new("unknown_word", format!("expected {expected}, found {text:?}")))
        })
    }

    /// `true` or `false`.
    pub fn take_bool(&mut self, name: &str) -> Option<bool> {
        self.take_word(name, "true or false", |text| text.parse().ok())
    }

    /// The values of all parameters `name[key]=value`, by key, each parameter as often as it stands there.
    pub fn take_map(&mut self, name: &str) -> Vec<(String, String)> {
        let key_of = |whole: &str| {
            let key = whole.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            (!key.is_empty()).then(|| key.to_owned())
        };
        let mut found = Vec::new();
        self.pairs.retain(|(whole, value)| match key_of(whole) {
            Some(key) => {
                found.push((key, value.clone()));
                false
            }
            None => true,
        });
        found.retain(|(_, value)| !value.is_empty());
        found
    }

    /// Notes what is not right with a value.
    pub fn refuse(&mut self, name: &str, invalid: Invalid) {
        self.errors.push(FieldProblem {
            pointer: name.to_owned(),
            code: invalid.code.to_owned(),
            detail: invalid.detail,
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with every parameter that was not right, is there twice or is not known.
    pub fn finish(mut self) -> ApiResult<()> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.refuse(
                &name,
                Invalid::new("unknown_parameter", "there is no such parameter, or it is there twice"),
            );
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::fields(self.errors)) }
    }
}

impl<'ex> Extractible<'ex> for Query {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("Query");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, _: &'ex mut Depot) -> Result<Self, ApiError> {
        let query = req.uri().query().unwrap_or_default();
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if let Some((name, _)) =
            pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            let invalid = Invalid::new("control_characters", "control characters are not allowed");
            return Err(ApiError::field(&name.replace('\0', ""), invalid));
        }
        Ok(Self { pairs, errors: Vec::new() })
    }
}

impl EndpointArgRegister for Query {
    /// The endpoint names its parameters itself.
    fn register(_: &mut Components, _: &mut Operation, _: &str) {}
}

/// A time, with its offset.
///
/// # Errors
/// `invalid_time` for anything else.
pub fn instant(text: &str) -> Result<OffsetDateTime, Invalid> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        Invalid::new("invalid_time", format!("expected a time such as 2026-11-01T00:00:00Z, found {text:?}"))
    })
}

/// Which page of a list.
#[derive(Clone, Debug)]
pub struct Paging<C> {
    /// How many items.
    pub limit: Limit,
    /// After which item.
    pub after: Option<C>,
}

impl<C: DeserializeOwned> Paging<C> {
    /// Reads `limit` and `cursor`.
    fn take(query: &mut Query) -> Self {
        let limit = query.take("limit", |text| {
            let number = text
                .parse()
                .map_err(|_| Invalid::new("invalid", format!("expected 1 to 100, found {text:?}")));
            number.and_then(Limit::parse)
        });
        let after = query.take("cursor", |text| {
            // PostgreSQL cannot hold a NUL in a text, and no cursor of ours has one.
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
            let bytes = bytes.filter(|bytes| !bytes.windows(6).any(|window| window == br"\u0000"));
            let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            cursor.ok_or_else(|| Invalid::new("invalid", "expected a `next_cursor` of this list"))
        });
        Self { limit: limit.unwrap_or_default(), after }
    }
}

/// The query of a list: `limit` and `cursor`, and what else the endpoint takes of it.
#[derive(Debug)]
pub struct PageQuery<C> {
    /// Which page.
    pub paging: Paging<C>,
    /// The rest of the query; what was wrong with `limit` and `cursor` is said when it is finished.
    pub query: Query,
}

impl<C> PageQuery<C> {
    /// Ends the reading where a list has no other parameters.
    ///
    /// # Errors
    /// As [`Query::finish`].
    pub fn finish(self) -> ApiResult<Paging<C>> {
        self.query.finish()?;
        Ok(self.paging)
    }
}

impl<'ex, C: DeserializeOwned + Send> Extractible<'ex> for PageQuery<C> {
    fn metadata() -> &'static Metadata {
        static METADATA: Metadata = Metadata::new("PageQuery");
        &METADATA
    }

    #[expect(refining_impl_trait, reason = "the error is always ours")]
    async fn extract(req: &'ex mut Request, depot: &'ex mut Depot) -> Result<Self, ApiError> {
        let mut query = Query::extract(req, depot).await?;
        Ok(Self { paging: Paging::take(&mut query), query })
    }
}

impl<C> EndpointArgRegister for PageQuery<C> {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        let limit = Object::with_type(BasicType::Integer).minimum(1).maximum(100).default_value(20.into());
        let limit = Parameter::new("limit").schema(limit).description("How many: 1 to 100, 20 by default");
        let cursor = Parameter::new("cursor").schema(Object::with_type(BasicType::String));
        let cursor = cursor.description("`next_cursor` of the page before");
        for parameter in [limit, cursor] {
            operation.parameters.insert(parameter.location(ParameterIn::Query).required(false));
        }
    }
}

/// Turns a page into its two members: the items, and the cursor of the next.
pub fn page_parts<T, C: Serialize, R: From<T>>(page: Page<T, C>) -> (Vec<R>, Option<String>) {
    let cursor = page.next.and_then(|cursor| serde_json::to_vec(&cursor).ok());
    (page.items.into_iter().map(R::from).collect(), cursor.map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// A page of a list as an answer: `{items, next_cursor}`.
macro_rules! page_response {
    ($(#[doc = $doc:literal])+ $name:ident of $item:ty) => {
        $(#[doc = $doc])+
        #[derive(Debug, serde::Serialize, salvo::oapi::ToSchema)]
        pub struct $name {
            /// This page's items.
            pub items: Vec<$item>,
            /// What to send as `cursor` for the next page; null on the last one.
            pub next_cursor: Option<String>,
        }

        impl<T, C: serde::Serialize> From<common::page::Page<T, C>> for $name
        where
            $item: From<T>,
        {
            fn from(page: common::page::Page<T, C>) -> Self {
                let (items, next_cursor) = $crate::params::page_parts(page);
                Self { items, next_cursor }
            }
        }
    };
}

pub(crate) use page_response;
