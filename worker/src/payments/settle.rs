//! One card payment, brought to where the provider says that it stands, and on from there.

use std::sync::Arc;

use anyhow::anyhow;
use common::{
    ids::PaymentId,
    payments::{self, Asked, Next, PaymentProvider, ProviderError, ProviderPayment},
    queue::{Failure, Run},
};

use crate::deps::Deps;

/// How many questions one attempt asks: a look, a capture, and a look again where that was refused.
const QUESTIONS: usize = 4;

/// Whoever handles cards.
pub(super) fn provider(deps: &Deps) -> Result<Arc<dyn PaymentProvider>, Failure> {
    deps.cards.clone().ok_or_else(|| {
        payments::figures::without_provider();
        Failure::Retry(anyhow!("no card provider is set up for this worker"))
    })
}

/// Looks a payment up, and does what follows, until nothing does. Twice at once does no harm: every question carries
/// a stable key, and every step is a compare-and-set.
pub(super) async fn settle(deps: &Deps, run: &Run, id: PaymentId) -> Result<(), Failure> {
    let mut tx = deps.db.begin().await?;
    run.hold(&mut tx).await?;
    let asked = payments::plan(&mut tx, &deps.trade, deps.clock.now(), id).await?;
    tx.commit().await?;
    if matches!(asked, Asked::Nothing) {
        return Ok(());
    }
    let provider = provider(deps)?;
    let mut said = match asked {
        Asked::Nothing => return Ok(()),
        Asked::Create(charge) => match provider.create(&charge).await {
            Err(ProviderError::Refused(why)) => {
                let mut tx = deps.db.begin().await?;
                run.hold(&mut tx).await?;
                payments::refuse_card(&mut tx, deps.clock.now(), id, &why).await?;
                tx.commit().await?;
                return Ok(());
            }
            answer => answer.map_err(retry)?,
        },
        Asked::Look(name) => match provider.find(&name).await.map_err(retry)? {
            Some(said) => said,
            None => {
                let mut tx = deps.db.begin().await?;
                run.hold(&mut tx).await?;
                payments::note_unknown(&mut tx, id).await?;
                tx.commit().await?;
                return Ok(());
            }
        },
    };
    for _ in 0..QUESTIONS {
        let mut tx = deps.db.begin().await?;
        run.hold(&mut tx).await?;
        let next = payments::note_answer(&mut tx, &deps.trade, deps.clock.now(), id, &said).await?;
        tx.commit().await?;
        said = match next {
            Next::Nothing => return Ok(()),
            Next::Capture(capture) => {
                let answer = provider.capture(&capture).await;
                answer_or_look(provider.as_ref(), &said.id, answer).await?
            }
            Next::Cancel(name) => {
                let answer = provider.cancel(id, &name).await;
                answer_or_look(provider.as_ref(), &said.id, answer).await?
            }
        };
    }
    Err(Failure::Retry(anyhow!("the provider's answers do not come to an end")))
}

/// What was refused may have been done before, or have ended: the provider knows.
async fn answer_or_look(
    provider: &dyn PaymentProvider,
    name: &str,
    answer: Result<ProviderPayment, ProviderError>,
) -> Result<ProviderPayment, Failure> {
    match answer {
        Err(ProviderError::Refused(why)) => {
            tracing::warn!(why, "the provider refused to take or to let go of money; looking how it stands");
            let found = provider.find(name).await.map_err(retry)?;
            found.ok_or_else(|| Failure::Retry(anyhow!("the provider knows no such payment")))
        }
        answer => answer.map_err(retry),
    }
}

pub(super) fn retry(error: ProviderError) -> Failure {
    Failure::Retry(error.into())
}
