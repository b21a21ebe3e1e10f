//! What is asked of the past.

use scaivault_domain::access::Permission;
use scaivault_domain::policy::system_path;
use scaivault_domain::{IdentityId, Rejection, SecretPath, Timestamp};
use scaivault_projections::audit::Position;

use crate::call::{Call, is_record_id};
use crate::fields::{Faults, Fields, not_null};

/// A question.
pub(super) struct Question {
    pub(super) moment: Moment,
    pub(super) what: What,
    pub(super) path: Option<String>,
    pub(super) identity: Option<Whom>,
    pub(super) permission: Permission,
    pub(super) path_prefix: String,
    pub(super) limit: usize,
    pub(super) cursor: Option<String>,
}

/// Who is asked about.
#[derive(Clone, Debug)]
pub(super) enum Whom {
    /// An identity, which need not be known.
    Typed(IdentityId),
    /// The identity of a record, by the record's id.
    Recorded(String),
}

/// As of when.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// A time.
    At(Timestamp),
    /// Right after a record.
    Position(Position),
}

/// About what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Policies,
    Secrets,
    Access,
}

impl What {
    fn parse(word: &str) -> Option<Self> {
        [Self::Policies, Self::Secrets, Self::Access].into_iter().find(|what| what.as_str() == word)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Secrets => "secrets",
            Self::Access => "access",
        }
    }
}

impl Question {
    /// What tells it from other questions; `limit` may change between pages.
    pub(super) fn canonical(&self) -> String {
        let Self { moment, what, path, identity, permission, path_prefix, limit: _, cursor: _ } = self;
        format!("{moment:?}\u{1e}{what:?}\u{1e}{path:?}\u{1e}{identity:?}\u{1e}{permission:?}\u{1e}{path_prefix}")
    }
}

/// Reads the question of a request.
pub(super) fn read(call: &mut Call) -> Result<Question, Rejection> {
    let now = call.now();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let moment = moment(&mut fields, now, &mut faults);
    if !fields.has("what") {
        faults.field("what", "is required");
    }
    let word = fields.text("what", &mut faults);
    let word = not_null(word, "what", &mut faults);
    let what = word.as_deref().and_then(What::parse);
    if word.is_some() && what.is_none() {
        faults.field("what", "must be policies, secrets or access");
    }
    for (field, of) in [
        ("path", What::Access),
        ("identity_id", What::Access),
        ("permission", What::Access),
        ("path_prefix", What::Secrets),
    ] {
        if fields.has(field) && what.is_some_and(|what| what != of) {
            faults.field(field, format!("goes with what: {} alone", of.as_str()));
        }
    }
    let path = fields.text("path", &mut faults).flatten();
    if let Some(path) = path.as_deref().filter(|path| !system_path(path)) {
        faults.take(SecretPath::parse(path));
    }
    let text = fields.text("identity_id", &mut faults).flatten();
    if what == Some(What::Access) && path.is_none() && text.is_none() {
        faults.field("path", "is required with what: access, unless identity_id is given");
    }
    let word = fields.text("permission", &mut faults).flatten();
    let permission = word.as_deref().map_or(Some(Permission::Read), Permission::parse);
    if permission.is_none() {
        faults.field("permission", "must be read, write, delete, list, rotate or admin");
    }
    let path_prefix = fields.text("path_prefix", &mut faults).flatten().unwrap_or_default();
    let limit = fields.integer("limit", (1, 200), &mut faults).flatten().unwrap_or(50);
    let cursor = fields.text("cursor", &mut faults).flatten();
    fields.finish(&mut faults);
    let identity = text.and_then(|text| {
        let whom = match is_record_id(&text) {
            true => Some(Whom::Recorded(text)),
            false => IdentityId::parse(&text).map(Whom::Typed),
        };
        if whom.is_none() {
            faults.field("identity_id", "must be an identity such as user:alice@acme.example, or a record's id");
        }
        whom
    });
    faults.finish()?;
    Ok(Question {
        moment: moment.ok_or_else(|| Rejection::field("at", "is required"))?,
        what: what.ok_or_else(|| Rejection::field("what", "is required"))?,
        path,
        identity,
        permission: permission.unwrap_or(Permission::Read),
        path_prefix,
        limit: usize::try_from(limit).unwrap_or(50),
        cursor,
    })
}

/// A moment or a position, one of the two.
fn moment(fields: &mut Fields<'_>, now: Timestamp, faults: &mut Faults) -> Option<Moment> {
    let is_given = fields.has("at") || fields.has("position");
    let at = fields.timestamp("at", faults);
    let position = fields.integer("position", (1, i64::MAX), faults);
    // What is faulty has been named; `null` is as good as nothing.
    let is_sound = (at.is_some() || position.is_some()) || !is_given;
    let (at, position) = (at.flatten(), position.flatten());
    if is_sound && at.is_some() == position.is_some() {
        faults.field("at", "give either at or position");
    }
    if at.is_some_and(|at| at > now) {
        faults.field("at", "must not be in the future");
    }
    match (at, position.and_then(|position| u64::try_from(position).ok())) {
        (Some(at), None) => Some(Moment::At(at)),
        (None, Some(position)) => Some(Moment::Position(Position(position))),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
