//! Given what happened, when a command comes, then these events follow, or this refusal.
//!
//! A story starts at [`START`] and knows the path `app/db`. What is due by the clock is settled
//! before each command, as in the running server.
#![allow(dead_code)]

use std::fmt::Debug;

use scaivault_domain::context::{Found, Settings};
use scaivault_domain::secret::delete::{self, DeleteSecret, Deleted};
use scaivault_domain::secret::restore::{self, RestoreSecret, Restored};
use scaivault_domain::secret::rotate::{self, RotateSecret, Rotated};
use scaivault_domain::secret::update::{self, UpdateSecret};
use scaivault_domain::secret::write::{self, WriteSecret, Written};
use scaivault_domain::secret::{Decision, Facts, Secret, SecretEvent};
use scaivault_domain::{Context, ErrorCode, IdentityId, Rejection, SecretPath, Timestamp};
use serde_json::Value;

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600;

/// A moment, in days after the start.
pub fn day(days: i64) -> Timestamp {
    hour(days * 24)
}

/// A moment, in hours after the start.
pub fn hour(hours: i64) -> Timestamp {
    second(hours * 3_600)
}

/// A moment, in seconds after the start.
pub fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros((START + seconds) * 1_000_000)
}

/// The path of the story.
pub fn path() -> SecretPath {
    SecretPath::parse("app/db").unwrap()
}

/// A context at `now`.
pub fn context(now: Timestamp) -> Context {
    Context {
        found: Found::default(),
        now,
        actor: IdentityId::user("alice@acme.example"),
        request_id: "req_1".into(),
        settings: Settings::default(),
    }
}

/// Something that is decided upon.
pub trait Command {
    /// What the caller is told.
    type Outcome: Clone + Debug + PartialEq;

    /// Decides it.
    fn decide(&self, secret: Option<&Secret>, context: &Context) -> Result<Decision<Self::Outcome>, Rejection>;
}

macro_rules! commands {
    ($($command:ty, $module:ident => $outcome:ty;)*) => {
        $(impl Command for $command {
            type Outcome = $outcome;
            fn decide(&self, secret: Option<&Secret>, context: &Context) -> Result<Decision<$outcome>, Rejection> {
                $module::decide(secret, self, context)
            }
        })*
    };
}

commands! {
    WriteSecret, write => Written;
    UpdateSecret, update => ();
    RotateSecret, rotate => Rotated;
    DeleteSecret, delete => Deleted;
    RestoreSecret, restore => Restored;
}

/// A secret so far, and the time.
#[derive(Clone, Debug)]
pub struct Story {
    pub state: Option<Secret>,
    pub now: Timestamp,
    pub context: Context,
    position: u64,
}

/// What happened at the start.
pub fn given(events: impl IntoIterator<Item = SecretEvent>) -> Story {
    let story = Story { state: None, now: day(0), context: context(day(0)), position: 0 };
    story.happened(events)
}

/// Nothing happened yet.
pub fn nothing() -> Story {
    given([])
}

impl Story {
    /// Time passes until `now`.
    pub fn at(mut self, now: Timestamp) -> Self {
        assert!(now >= self.now, "stories go forward");
        self.now = now;
        self.context.now = now;
        self
    }

    /// More happens, now.
    pub fn happened(mut self, events: impl IntoIterator<Item = SecretEvent>) -> Self {
        for event in events {
            self.position += 1;
            let facts = Facts { position: self.position, at: self.now, actor: Some(self.context.actor.clone()) };
            self.state = Secret::evolve(self.state.take(), &path(), &event, &facts);
        }
        self
    }

    /// What the clock has brought about is done, and is exactly `events`.
    #[track_caller]
    pub fn due(self, events: impl IntoIterator<Item = SecretEvent>) -> Self {
        let expected: Vec<_> = events.into_iter().collect();
        let due = self.state.as_ref().map_or_else(Vec::new, |secret| secret.due(self.now));
        assert_eq!(due, expected);
        self.happened(due)
    }

    /// A command comes.
    pub fn when<C: Command>(mut self, command: C) -> Told<C::Outcome> {
        let due = self.state.as_ref().map_or_else(Vec::new, |secret| secret.destructions_due(self.now));
        self = self.happened(due);
        let decided = command.decide(self.state.as_ref(), &self.context);
        Told { story: self, decided }
    }

    /// The secret, which is there.
    #[track_caller]
    pub fn secret(&self) -> &Secret {
        self.state.as_ref().unwrap()
    }

    /// States of all versions by name, oldest first.
    #[track_caller]
    pub fn states(&self) -> Vec<&'static str> {
        let secret = self.secret();
        let current = secret.current_number();
        secret.versions.iter().map(|version| version.state_name(current, self.now)).collect()
    }
}

/// What a command led to.
#[derive(Debug)]
pub struct Told<T> {
    story: Story,
    decided: Result<Decision<T>, Rejection>,
}

impl<T: Clone + Debug + PartialEq> Told<T> {
    /// It led to exactly these events, which have now happened.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = SecretEvent>) -> Story {
        let expected: Vec<_> = events.into_iter().collect();
        let decision = self.decided.unwrap();
        assert_eq!(decision.events, expected);
        self.story.happened(decision.events)
    }

    /// The caller is told this.
    #[track_caller]
    pub fn answering(self, check: impl FnOnce(&T)) -> Self {
        check(&self.decided.as_ref().unwrap().outcome);
        self
    }

    /// It led to events that are not looked at.
    #[track_caller]
    pub fn accepted(self) -> Story {
        let events = self.decided.unwrap().events;
        self.story.happened(events)
    }

    /// It was refused, with exactly these details.
    #[track_caller]
    pub fn refused(self, code: ErrorCode, details: Value) -> Story {
        let refused = self.decided.unwrap_err();
        assert_eq!((refused.code, Value::Object(refused.details)), (code, details));
        self.story
    }
}
