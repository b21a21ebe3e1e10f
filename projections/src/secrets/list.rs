//! Lists over the catalogue: range scans from a key, exact counts.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use scaivault_domain::secret::SecretType;
use scaivault_domain::{SecretPath, Timestamp};

use super::{Catalogue, Held, Row};

/// Which secrets a list wants.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Plain-text prefix of the path.
    pub prefix: String,
    /// All of these tags.
    pub tags: Vec<String>,
    /// Type of the current version.
    pub secret_type: Option<SecretType>,
    /// End earlier than this.
    pub expires_before: Option<Timestamp>,
    /// Changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Also those past their end.
    pub include_expired: bool,
    /// Also soft-deleted ones.
    pub include_deleted: bool,
}

/// One page, and what is known of the rest.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether a row followed.
    pub has_more: bool,
    /// Rows over all pages.
    pub total: usize,
}

impl Filter {
    /// Whether a secret fits; that it has `tag` is known.
    fn admits(&self, row: &Row, tag: Option<&str>, now: Timestamp) -> bool {
        let held = &row.held;
        (row.is_plain || self.state_fits(held, now))
            && self.secret_type.is_none_or(|wanted| {
                // A deleted secret has no current version left to ask when its last version was deleted.
                let version = held.secret.current().or(held.secret.versions.last());
                version.is_some_and(|version| version.secret_type == wanted)
            })
            && self.expires_before.is_none_or(|end| held.secret.expires_at().is_some_and(|at| at < end))
            && self.updated_after.is_none_or(|start| held.secret.updated_at > start)
            && self
                .tags
                .iter()
                .filter(|wanted| Some(wanted.as_str()) != tag)
                .all(|wanted| held.secret.metadata.tags().iter().any(|held| held.as_ref() == wanted))
    }

    fn state_fits(&self, held: &Held, now: Timestamp) -> bool {
        let secret = &held.secret;
        let there = secret.deleted.is_none() || (self.include_deleted && !held.has_ended(now));
        there && (self.include_expired || !secret.is_expired(now))
    }
}

fn starting_with<'a>(
    rows: Option<&'a OrdMap<SecretPath, Row>>,
    prefix: &str,
) -> impl Iterator<Item = (&'a SecretPath, &'a Row)> + use<'a> {
    // A bound rather than a look at each path: they lie all over the memory, and are ASCII.
    let end = format!("{prefix}{}", char::MAX);
    let range = (Bound::Included(prefix), Bound::Excluded(end.as_str()));
    rows.map(|rows| rows.range::<_, str>(range)).into_iter().flatten()
}

impl Catalogue {
    /// Secrets that `filter` and `visible` admit, by path, after `after`.
    pub fn list(
        &self,
        filter: &Filter,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
        visible: impl Fn(&SecretPath) -> bool,
    ) -> Page<Arc<Held>> {
        let mut page = Page { rows: Vec::new(), has_more: false, total: 0 };
        let (tag, candidates) = self.candidates(filter);
        let mut begun = after.is_none();
        for (path, row) in candidates {
            if !filter.admits(row, tag, now) || !visible(path) {
                continue;
            }
            page.total += 1;
            begun = begun || after.is_some_and(|after| path.as_str() > after);
            if !begun {
                continue;
            }
            if page.rows.len() < limit {
                page.rows.push(row.held.clone());
            } else {
                page.has_more = true;
            }
        }
        page
    }

    /// Secrets whose path starts with `prefix`, by path.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a SecretPath, &'a Arc<Held>)> {
        starting_with(Some(&self.held), prefix).map(|(path, row)| (path, &row.held))
    }

    /// The same, but for those up to `after`.
    pub fn with_prefix_after<'a>(
        &'a self,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a SecretPath, &'a Arc<Held>)> + use<'a> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let end = format!("{prefix}{}", char::MAX);
        // Nothing that starts with the prefix comes after a key that is beyond it.
        let is_beyond = after.is_some_and(|after| after >= end.as_str());
        let rows = (!is_beyond).then(|| self.held.range::<_, str>((start, Bound::Excluded(end.as_str()))));
        rows.into_iter().flatten().map(|(path, row)| (path, &row.held))
    }

    /// Secrets that may fit a filter, by path: those of its rarest tag, if it has any, and that tag.
    fn candidates<'a>(
        &'a self,
        filter: &'a Filter,
    ) -> (Option<&'a str>, impl Iterator<Item = (&'a SecretPath, &'a Row)>) {
        let tagged = |tag: &str| self.tagged.get(tag);
        let rarest = filter.tags.iter().map(String::as_str).min_by_key(|tag| tagged(tag).map_or(0, OrdMap::len));
        let held = match rarest {
            Some(tag) => tagged(tag),
            None => Some(&self.held),
        };
        (rarest, starting_with(held, &filter.prefix))
    }

    /// Live secrets that end in `[now, until]`, soonest first, after the row `(end, path)`.
    pub fn expiring(
        &self,
        prefix: &str,
        now: Timestamp,
        until: Timestamp,
        after: Option<(Timestamp, &str)>,
        limit: usize,
        visible: impl Fn(&SecretPath) -> bool,
    ) -> Page<(Timestamp, SecretPath)> {
        let mut page = Page { rows: Vec::new(), has_more: false, total: 0 };
        for (end, path) in self.expiring.iter().take_while(|(end, _)| *end <= until) {
            let passed = *end < now || after.is_some_and(|after| (*end, path.as_str()) <= after);
            let live = || self.held(path.as_str()).is_some_and(|held| held.secret.deleted.is_none());
            if passed || !path.as_str().starts_with(prefix) || !live() || !visible(path) {
                continue;
            }
            if page.rows.len() == limit {
                page.has_more = true;
                break;
            }
            page.rows.push((*end, path.clone()));
        }
        page.total = page.rows.len();
        page
    }
}
