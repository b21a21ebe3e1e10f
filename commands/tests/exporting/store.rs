//! A store in memory that dies, or fails, at a chosen step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use scaivault_commands::export::credentials::StoreCredentials;
use scaivault_commands::export::store::{ObjectStores, ObjectWriter, Opening, Store, StoreFault, StoredObject};
use scaivault_domain::id::ExportId;
use tokio::sync::Semaphore;

/// What is in it, and when it dies.
pub struct Memory(Arc<Inner>);

struct Inner {
    objects: Mutex<BTreeMap<String, String>>,
    /// How often an object of that name was finished.
    finished: Mutex<BTreeMap<String, usize>>,
    steps: AtomicUsize,
    dies_at: AtomicUsize,
    dead: Semaphore,
    failing: Mutex<Option<(StoreFault, usize)>>,
}

impl Memory {
    /// Dies at that step: the call never ends.
    pub fn dying_at(step: usize) -> Self {
        Self(Arc::new(Inner {
            objects: Mutex::default(),
            finished: Mutex::default(),
            steps: AtomicUsize::new(0),
            dies_at: AtomicUsize::new(step),
            dead: Semaphore::new(0),
            failing: Mutex::new(None),
        }))
    }

    /// Fails so often.
    pub fn failing(fault: StoreFault, times: usize) -> Self {
        let memory = Self::dying_at(usize::MAX);
        *memory.0.failing.lock() = Some((fault, times));
        memory
    }

    /// Once it has died.
    pub async fn died(&self) {
        self.0.dead.acquire().await.unwrap().forget();
    }

    /// It lives on.
    pub fn revive(&self) {
        self.0.dies_at.store(usize::MAX, Ordering::SeqCst);
    }

    pub fn object(&self, name: &str) -> Option<String> {
        self.0.objects.lock().get(name).cloned()
    }

    pub fn finished(&self, name: &str) -> usize {
        self.0.finished.lock().get(name).copied().unwrap_or(0)
    }
}

impl Inner {
    async fn step(&self) -> Result<(), StoreFault> {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.dies_at.load(Ordering::SeqCst) {
            self.dead.add_permits(1);
            std::future::pending::<()>().await;
        }
        let mut failing = self.failing.lock();
        match failing.as_mut() {
            Some((fault, times)) if *times > 0 => {
                *times -= 1;
                Err(fault.clone())
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[async_trait]
impl ObjectStores for Memory {
    fn keeps_files(&self) -> bool {
        true
    }

    fn open(&self, _opening: &Opening<'_>) -> Result<Arc<dyn Store>, StoreFault> {
        Ok(Arc::new(Self(self.0.clone())))
    }

    async fn kept(&self) -> Result<Vec<ExportId>, StoreFault> {
        Ok(Vec::new())
    }

    async fn delete(&self, _id: &ExportId) -> Result<(), StoreFault> {
        Ok(())
    }
}

/// Notes what is opened, for which export and with whose key; exports that are held never begin.
pub struct Watched {
    memory: Memory,
    held: Vec<ExportId>,
    opened: Mutex<Vec<(ExportId, Option<String>)>>,
}

impl Watched {
    pub fn holding(held: Vec<ExportId>) -> Self {
        Self { memory: Memory::dying_at(usize::MAX), held, opened: Mutex::default() }
    }

    pub fn opened(&self) -> Vec<(ExportId, Option<String>)> {
        self.opened.lock().clone()
    }
}

#[async_trait]
impl ObjectStores for Watched {
    fn keeps_files(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Arc<dyn Store>, StoreFault> {
        let key = opening.credentials.and_then(|credentials| match credentials {
            StoreCredentials::S3 { access_key_id, .. } => Some(access_key_id.clone()),
            StoreCredentials::Gcs(_) | StoreCredentials::AzureKey { .. } | StoreCredentials::AzureSas { .. } => None,
        });
        self.opened.lock().push((opening.id.clone(), key));
        match self.held.contains(opening.id) {
            true => Ok(Arc::new(Memory::dying_at(0))),
            false => self.memory.open(opening),
        }
    }

    async fn kept(&self) -> Result<Vec<ExportId>, StoreFault> {
        Ok(Vec::new())
    }

    async fn delete(&self, _id: &ExportId) -> Result<(), StoreFault> {
        Ok(())
    }
}

struct Writer {
    inner: Arc<Inner>,
    name: String,
    content: String,
}

#[async_trait]
impl Store for Memory {
    async fn begin(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StoreFault> {
        self.0.step().await?;
        Ok(Box::new(Writer { inner: self.0.clone(), name: name.into(), content: String::new() }))
    }

    async fn read(&self, _name: &str) -> Result<StoredObject, StoreFault> {
        Err(StoreFault::Missing)
    }
}

#[async_trait]
impl ObjectWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreFault> {
        self.content.push_str(std::str::from_utf8(&bytes).unwrap());
        self.inner.step().await
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreFault> {
        self.inner.step().await?;
        let Self { inner, name, content } = *self;
        inner.objects.lock().insert(name.clone(), content);
        *inner.finished.lock().entry(name).or_default() += 1;
        // It is there, and nobody is told.
        inner.step().await
    }

    async fn abandon(self: Box<Self>) {}
}
