//! Values that a policy has made.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::field::Field;
use super::forge::{Forge, Unmade};
use crate::Timestamp;

/// What one field has made: keys and values. Wiped when dropped, and never printed.
#[derive(Clone)]
pub struct DrawnField {
    values: Vec<(Arc<str>, Zeroizing<String>)>,
}

/// What a whole policy has made, field by field.
#[derive(Clone, Default)]
pub struct Drawn {
    fields: Vec<DrawnField>,
}

impl Field {
    /// Makes its values.
    pub fn draw(&self, forge: &mut dyn Forge, now: Timestamp) -> Result<DrawnField, Unmade> {
        let (first, second) = self.generator.draw(forge, now)?;
        let second = self.generator.second_name().cloned().zip(second);
        Ok(DrawnField { values: std::iter::once((self.name.clone(), first)).chain(second).collect() })
    }
}

impl DrawnField {
    /// Keys and values.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }
}

impl Drawn {
    /// Of what the fields have made, in their order.
    pub fn new(fields: Vec<DrawnField>) -> Self {
        Self { fields }
    }

    /// Field by field.
    pub fn fields(&self) -> &[DrawnField] {
        &self.fields
    }

    /// Keys and values, in the order of the fields.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().flat_map(DrawnField::values)
    }

    /// Puts what a field has made anew in the place of what it had made.
    pub fn replace(&mut self, index: usize, field: DrawnField) {
        if let Some(place) = self.fields.get_mut(index) {
            *place = field;
        }
    }
}

impl fmt::Debug for DrawnField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}
