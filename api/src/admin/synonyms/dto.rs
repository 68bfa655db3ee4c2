//! The JSON of synonyms.

use common::catalog::{Meanings, Synonym, SynonymWord};
use salvo::oapi::ToSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{body::Fields, error::ApiResult, params::page_response};

/// What a word means.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SynonymRequest {
    /// 1 to 20 words or phrases; searches for any of them find the word, and the other way round.
    #[salvo(schema(example = json!(["iphone"])))]
    pub means: Vec<String>,
}

impl SynonymRequest {
    /// Checks it, and the word of the path.
    ///
    /// # Errors
    /// 422 with everything that is not right.
    pub fn parse(self, word: &str) -> ApiResult<(SynonymWord, Meanings)> {
        let mut fields = Fields::default();
        let word = fields.take("word", SynonymWord::parse(word));
        let means = fields.take("/means", Meanings::parse(&self.means));
        fields.finish(word.zip(means))
    }
}

/// A word and what it means to searches.
#[derive(Debug, Serialize, ToSchema)]
pub struct SynonymResponse {
    /// The word, as searches compare it: lower case, ё as е.
    pub word: String,
    /// What it means.
    pub means: Vec<String>,
    /// When that was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl From<Synonym> for SynonymResponse {
    fn from(synonym: Synonym) -> Self {
        Self { word: synonym.word, means: synonym.means, updated_at: synonym.updated_at }
    }
}

page_response! {
    /// A page of synonyms.
    SynonymsResponse of SynonymResponse
}
