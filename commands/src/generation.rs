//! Generated values: drawn by a recipe, and laid over what a secret holds.
//!
//! Key pairs and bcrypt take a processor for up to seconds: they are made beside the requests, on half of the processors
//! at most.

use std::sync::Arc;
use std::thread;

use futures_util::future::try_join_all;
use scaivault_domain::secret::MAX_DATA;
use scaivault_domain::secret_policy::data::Data;
use scaivault_domain::secret_policy::{Content, Drawn, DrawnField, Field, SecretPolicy, Unmade};
use scaivault_domain::{ErrorCode, Rejection, Timestamp};
use tokio::sync::Semaphore;

use crate::forge::Smithy;
use crate::secret::Value;
use crate::{Engine, Failure};

/// Values that are waited for at most; whoever comes then is told to come again.
const MOST_WAITING: usize = 256;
/// How often a value is drawn again because it is the one that is there. A recipe makes at least two different ones,
/// so that one in 2^256 values comes that far.
const MOST_REPEATS: usize = 256;

/// The places at which values are made that take long.
pub(crate) struct Forging {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Forging {
    fn default() -> Self {
        let places = (thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        Self { places: Arc::new(Semaphore::new(places)), waiting: Arc::new(Semaphore::new(MOST_WAITING)) }
    }
}

/// Why a secret got no new value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ungenerated {
    /// Its recipe is an inactive secret policy.
    #[error(transparent)]
    Inactive(Rejection),
    /// It has no recipe, and no field that the built-in one could replace.
    #[error("there is no field to replace")]
    NoField,
    /// What it holds would become too large.
    #[error("the data would become larger than 512 KiB")]
    TooLarge,
    /// It could not be made now.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<Ungenerated> for Failure {
    fn from(ungenerated: Ungenerated) -> Self {
        match ungenerated {
            Ungenerated::Inactive(rejection) => rejection.into(),
            Ungenerated::NoField => Rejection::new(
                ErrorCode::ValidationError,
                "There is no field to replace: name a secret policy in options.secret_policy_id, or give new_value",
            )
            .into(),
            Ungenerated::TooLarge => {
                Rejection::new(ErrorCode::PayloadTooLarge, "With the generated values data is larger than 512 KiB")
                    .detail("limit", MAX_DATA)
                    .into()
            }
            Ungenerated::Failed(failure) => failure,
        }
    }
}

impl From<serde_json::Error> for Ungenerated {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Engine {
    /// The data that follows `current` (compact JSON of an object) when a secret's value is generated: what the recipe
    /// makes is laid over it at the top level. Without a recipe the built-in one replaces one field.
    ///
    /// No generated value is the one that was there, unless it is a fixed one.
    pub async fn new_data(&self, recipe: Option<&SecretPolicy>, current: &[u8]) -> Result<Value, Ungenerated> {
        self.forging.new_data(recipe, current, self.now()).await
    }

    /// What a recipe makes, to be shown or laid over something.
    pub async fn draw(&self, recipe: &Content) -> Result<Drawn, Failure> {
        self.forging.draw(&recipe.fields, self.now()).await
    }
}

impl Forging {
    async fn new_data(
        &self,
        recipe: Option<&SecretPolicy>,
        current: &[u8],
        now: Timestamp,
    ) -> Result<Value, Ungenerated> {
        let built_in;
        let fields = match recipe {
            Some(policy) => {
                policy.check_active().map_err(Ungenerated::Inactive)?;
                policy.content.fields.as_slice()
            }
            None => {
                built_in = [Data::parse(current)?.built_in().ok_or(Ungenerated::NoField)?];
                built_in.as_slice()
            }
        };
        let drawn = self.draw(fields, now).await?;
        self.overlay(fields, drawn, current, now).await
    }

    /// Lays what `fields` have made over `current`; what would stay the same is made anew.
    pub(crate) async fn overlay(
        &self,
        fields: &[Field],
        mut drawn: Drawn,
        current: &[u8],
        now: Timestamp,
    ) -> Result<Value, Ungenerated> {
        let data = Data::parse(current)?;
        for _ in 0..MOST_REPEATS {
            let both = fields.iter().zip(drawn.fields()).enumerate();
            let repeated = both.filter(|(_, (field, drawn))| !field.generator.is_fixed() && data.repeats(drawn));
            let repeated: Vec<(usize, &Field)> = repeated.map(|(index, (field, _))| (index, field)).collect();
            if repeated.is_empty() {
                let json = data.overlaid(&drawn)?;
                return if json.len() > MAX_DATA { Err(Ungenerated::TooLarge) } else { Ok(json) };
            }
            for (index, field) in repeated {
                drawn.replace(index, self.draw_field(field, now).await?);
            }
        }
        Err(unmade(Unmade("the source of randomness repeats itself")).into())
    }

    async fn draw(&self, fields: &[Field], now: Timestamp) -> Result<Drawn, Failure> {
        try_join_all(fields.iter().map(|field| self.draw_field(field, now))).await.map(Drawn::new)
    }

    async fn draw_field(&self, field: &Field, now: Timestamp) -> Result<DrawnField, Failure> {
        if !field.generator.is_heavy() {
            return field.draw(&mut Smithy, now).map_err(unmade);
        }
        let overload = || Failure::unavailable("overload");
        let _waiting = self.waiting.try_acquire().map_err(|_| overload())?;
        let place = self.places.clone().acquire_owned().await.map_err(|_| overload())?;
        let field = field.clone();
        let made = tokio::task::spawn_blocking(move || {
            // Taken until it is made, also when nobody waits for it any more.
            let _place = place;
            field.draw(&mut Smithy, now)
        });
        made.await.map_err(|error| Failure::Internal(Box::new(error)))?.map_err(unmade)
    }
}

fn unmade(unmade: Unmade) -> Failure {
    Failure::Internal(Box::new(unmade))
}

#[cfg(test)]
mod tests;
