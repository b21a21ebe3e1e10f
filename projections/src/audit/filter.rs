//! Which entries are wanted, and how they are told apart in a segment.

use std::sync::Arc;

use scaivault_domain::{IdentityType, Timestamp};

use super::bloom::Bloom;
use super::names::Name;
use super::segment::{Column, Segment, failure_key, pair_key, prefix_key, request_hash, request_key, text_key};

/// What entries must be like; what is left out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Requests that arrived then or later.
    pub from: Option<Timestamp>,
    /// Requests that arrived before.
    pub to: Option<Timestamp>,
    /// One of these actions; none is any.
    pub actions: Vec<Arc<str>>,
    /// Of this identity.
    pub identity: Option<Arc<str>>,
    /// Of an identity of this kind.
    pub identity_type: Option<IdentityType>,
    /// From this address.
    pub source_ip: Option<Arc<str>>,
    /// Of this request.
    pub request_id: Option<Arc<str>>,
    /// With this error.
    pub error_code: Option<Arc<str>>,
    /// About this resource.
    pub resource: Option<Arc<str>>,
    /// About these secrets.
    pub path: Option<PathFilter>,
    /// With this token.
    pub token: Option<Arc<str>>,
    /// By somebody of this tenant.
    pub acting_tenant: Option<Arc<str>>,
    /// Whether they succeeded.
    pub success: Option<bool>,
    /// Only accesses to secrets of a partner.
    pub partner_secrets: bool,
}

/// Which secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFilter {
    /// The one.
    Exact(Arc<str>),
    /// All whose paths begin so, literally.
    Prefix(Arc<str>),
}

/// A filter in the terms of one segment.
pub(super) struct Compiled<'s> {
    segment: &'s Segment,
    from: i64,
    to: i64,
    exact: Vec<(&'s [Name], Name)>,
    actions: Option<Vec<bool>>,
    paths: Option<Vec<bool>>,
    request: Option<u32>,
    identity_type: Option<IdentityType>,
    success: Option<bool>,
    partner_secrets: bool,
}

impl Filter {
    /// The earliest and latest time of what is wanted, both included.
    pub(super) fn times(&self) -> (i64, i64) {
        let last = self.to.map_or(i64::MAX, |to| to.as_micros().saturating_sub(1));
        (self.from.map_or(i64::MIN, Timestamp::as_micros), last)
    }

    /// The texts that a column must have.
    fn texts(&self) -> impl Iterator<Item = (Column, &Arc<str>)> {
        let path = match &self.path {
            Some(PathFilter::Exact(path)) => Some(path),
            Some(PathFilter::Prefix(_)) | None => None,
        };
        let wanted = [
            (Column::Identity, self.identity.as_ref()),
            (Column::SourceIp, self.source_ip.as_ref()),
            (Column::ErrorCode, self.error_code.as_ref()),
            (Column::Resource, self.resource.as_ref()),
            (Column::Token, self.token.as_ref()),
            (Column::ActingTenant, self.acting_tenant.as_ref()),
            (Column::Path, path),
        ];
        wanted.into_iter().filter_map(|(column, text)| Some((column, text?)))
    }

    /// Whether there may be something in a segment with those keys.
    pub(super) fn may_be_in(&self, bloom: &Bloom) -> bool {
        let has_texts = self.texts().all(|(column, text)| bloom.may_have(text_key(column, text)));
        let action_key = |action: &Arc<str>| match &self.identity {
            Some(identity) => pair_key(Some(identity), Some(action)),
            None => text_key(Column::Action, action),
        };
        let has_action =
            self.actions.is_empty() || self.actions.iter().any(|action| bloom.may_have(action_key(action)));
        let directory = match &self.path {
            Some(PathFilter::Prefix(prefix)) => prefix_key(prefix),
            Some(PathFilter::Exact(_)) | None => None,
        };
        let request = self.request_id.as_deref().map(|id| request_key(request_hash(id)));
        let failure = (self.success == Some(false)).then(|| failure_key(self.identity.as_deref()));
        has_texts && has_action && [directory, request, failure].into_iter().flatten().all(|key| bloom.may_have(key))
    }

    /// In the terms of a segment; `None` if nothing in it is wanted.
    pub(super) fn compile<'s>(&self, segment: &'s Segment) -> Option<Compiled<'s>> {
        let (from, to) = self.times();
        let exact = self.texts().map(|(column, text)| Some((segment.column(column), segment.names().number(text)?)));
        let exact = exact.collect::<Option<Vec<_>>>()?;
        let actions = (!self.actions.is_empty())
            .then(|| chosen(segment, |text| self.actions.iter().any(|action| action.as_ref() == text)));
        let paths = match &self.path {
            Some(PathFilter::Prefix(prefix)) => Some(chosen(segment, |text| text.starts_with(prefix.as_ref()))),
            Some(PathFilter::Exact(_)) | None => None,
        };
        let is_empty = |chosen: &Option<Vec<bool>>| chosen.as_ref().is_some_and(|chosen| !chosen.contains(&true));
        if is_empty(&actions) || is_empty(&paths) {
            return None;
        }
        Some(Compiled {
            segment,
            from,
            to,
            exact,
            actions,
            paths,
            request: self.request_id.as_deref().map(request_hash),
            identity_type: self.identity_type,
            success: self.success,
            partner_secrets: self.partner_secrets,
        })
    }
}

/// Which texts of a segment are wanted, by number.
fn chosen(segment: &Segment, is_wanted: impl Fn(&str) -> bool) -> Vec<bool> {
    std::iter::once(false).chain(segment.names().texts().map(is_wanted)).collect()
}

impl Compiled<'_> {
    /// Whether the entry of a row is wanted. Of a request id only a digest is looked at.
    pub(super) fn has(&self, row: usize) -> bool {
        let is_chosen = |chosen: &Option<Vec<bool>>, column| {
            chosen
                .as_ref()
                .is_none_or(|chosen| chosen.get(usize::from(self.segment.name(column, row))).copied().unwrap_or(false))
        };
        let at = self.segment.at(row).as_micros();
        self.exact.iter().all(|(column, name)| column.get(row) == Some(name))
            && (self.from..=self.to).contains(&at)
            && self.success.is_none_or(|success| self.segment.is_success(row) == success)
            && self.request.is_none_or(|request| self.segment.request(row) == request)
            && is_chosen(&self.actions, Column::Action)
            && is_chosen(&self.paths, Column::Path)
            && self.identity_type.is_none_or(|kind| self.segment.identity_type(row) == Some(kind))
            && (!self.partner_secrets || self.segment.is_partner(row))
    }
}
