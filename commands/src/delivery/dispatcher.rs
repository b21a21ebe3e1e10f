//! Runs where the leader is: one runner for each recipient that something waits for, so that none delays another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::delivery::Recipient;
use scaivault_projections::Outboxes;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::{Id, JoinError, JoinSet};

use super::runner::Runner;
use crate::Engine;

/// Attempts at the same time, of all recipients, besides one of each.
const SIDE_BY_SIDE: usize = 1_024;
/// Before a recipient whose runner has panicked is seen to again.
const REST: Duration = Duration::from_secs(30);
/// How long attempts under way may take to be noted when the process stops.
const FAREWELL: Duration = Duration::from_secs(3);

impl Engine {
    /// Pushes events until `stop` says so.
    pub async fn dispatch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut running = Running::new(self, stop.clone());
        tokio::select! {
            () = running.run() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        // Runners have heard of it, too, begin nothing and note what was sent. Leaving them is fine, but sends twice.
        let _ = tokio::time::timeout(FAREWELL, running.end()).await;
    }
}

/// The runners at work.
struct Running {
    engine: Arc<Engine>,
    stop: watch::Receiver<bool>,
    places: Arc<Semaphore>,
    bells: HashMap<Recipient, Arc<Notify>>,
    tasks: JoinSet<Recipient>,
    /// Whose each task is.
    runners: HashMap<Id, Recipient>,
}

impl Running {
    fn new(engine: Arc<Engine>, stop: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        Self { engine, stop, places, bells: HashMap::new(), tasks: JoinSet::new(), runners: HashMap::new() }
    }

    /// Does not end.
    async fn run(&mut self) {
        let projections = self.engine.projections.clone();
        let waiting = projections.outboxes(|all| {
            all.all().filter(|(_, outbox)| !outbox.is_idle()).map(|(to, _)| to.clone()).collect::<Vec<_>>()
        });
        waiting.into_iter().for_each(|to| self.wake(to));
        loop {
            tokio::select! {
                changed = projections.bells().changed() => changed.into_iter().for_each(|to| self.wake(to)),
                Some(ended) = self.tasks.join_next_with_id() => match ended {
                    Ok((id, to)) => {
                        self.runners.remove(&id);
                        self.bells.remove(&to);
                        // Something may have come while it was ending.
                        self.wake(to);
                    }
                    Err(error) => self.lay_to_rest(&error),
                },
            }
        }
    }

    /// Tells the runner of a recipient, or starts one if there is something to do.
    fn wake(&mut self, to: Recipient) {
        if let Some(bell) = self.bells.get(&to) {
            bell.notify_one();
            return;
        }
        let busy =
            |all: &Outboxes| all.outbox(&to).filter(|outbox| !outbox.is_idle()).map(|outbox| outbox.owner.clone());
        let Some(owner) = self.engine.projections.outboxes(busy) else { return };
        let bell = Arc::new(Notify::new());
        self.bells.insert(to.clone(), bell.clone());
        let runner =
            Runner::new(self.engine.clone(), (owner, to.clone()), bell, self.places.clone(), self.stop.clone());
        let ran = to.clone();
        let task = self.tasks.spawn(async move {
            runner.run().await;
            ran
        });
        self.runners.insert(task.id(), to);
    }

    /// A panic of a runner is a defect. Its recipient is seen to again after a while; others do not hear of it.
    fn lay_to_rest(&mut self, error: &JoinError) {
        let Some(to) = self.runners.remove(&error.id()) else { return };
        tracing::error!(target: "deliveries", error = %error, to = %to, "a runner has panicked; it is started again later");
        let rested = to.clone();
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(REST).await;
            rested
        });
        self.runners.insert(task.id(), to);
    }

    /// Waits for the runners; who rests has nothing to note.
    async fn end(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
