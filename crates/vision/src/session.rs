//! A model that many threads use at once.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use ort::{environment::Environment, logging::LogLevel, value::Tensor as Value};

use crate::{Error, cache::Model};

/// Values in rows, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor<T = f32> {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<T>,
}

/// What a model is asked about: one item, as its input wants it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Floats(Tensor),
    Bytes(Tensor<u8>),
}

impl Item {
    /// Whether both can be in one batch.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Floats(one), Self::Floats(other)) => one.shape == other.shape,
            (Self::Bytes(one), Self::Bytes(other)) => one.shape == other.shape,
            _ => false,
        }
    }
}

impl From<Tensor> for Item {
    fn from(tensor: Tensor) -> Self {
        Self::Floats(tensor)
    }
}

impl From<Tensor<u8>> for Item {
    fn from(tensor: Tensor<u8>) -> Self {
        Self::Bytes(tensor)
    }
}

/// What a model says of one item: its outputs in the model's order.
type Answer = Result<Vec<Tensor>, Error>;

/// A model on ONNX Runtime.
///
/// There are a few instances of it, so that those who come at the same time do not wait for each other, each on its own thread:
/// that is quicker than one instance on all threads. Whoever finds one idle computes for all: it takes what waits, of equal shape and
/// up to the largest batch, and hands each item its own answer. Nobody waits for a batch to fill, so one caller alone is served
/// at once, and more than there are instances share a run. An item that the model refuses fails alone: its batch is then run item by item.
pub(crate) struct Session {
    name: String,
    largest_batch: usize,
    shared: Mutex<Shared>,
    changed: Condvar,
}

/// Instances of a model at most: each takes memory.
const MOST_INSTANCES: usize = 4;

struct Shared {
    /// With which no thread computes.
    idle: Vec<ort::session::Session>,
    waiting: VecDeque<(u64, Item)>,
    answers: HashMap<u64, Answer>,
    next_ticket: u64,
}

/// The one ONNX Runtime of this process, loaded from the first path that is asked for.
pub(crate) fn runtime(library: &Path) -> Result<Environment, Error> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = loaded.as_ref() {
        return Ok(environment.clone());
    }
    let failed = |source| Error::Runtime { what: format!("loading {}", library.display()), source };
    // A relative path would be taken from the folder of this program.
    let path = library.canonicalize().map_err(|source| Error::Disk { path: library.to_owned(), source })?;
    let builder = ort::init_from(path).map_err(|error| failed(error.into()))?;
    let environment = builder.with_name("procession").with_telemetry(false).build();
    let environment = environment.map_err(|error| failed(error.into()))?;
    environment.set_log_level(LogLevel::Error);
    Ok(loaded.insert(environment).clone())
}

impl Session {
    /// Loads `model` for up to `threads` threads: an instance for each, or a few that share them.
    pub(crate) fn load(
        runtime: &Environment,
        name: &str,
        model: &Model,
        threads: usize,
        largest_batch: usize,
    ) -> Result<Self, Error> {
        let instances = threads.clamp(1, MOST_INSTANCES);
        let commit = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let refused = |error: ort::Error<_>| error.to_string();
            let builder = ort::session::Session::builder(runtime)?;
            let builder = builder.with_intra_threads(threads.div_ceil(instances).max(1)).map_err(refused)?;
            let mut builder = builder.with_intra_op_spinning(false).map_err(refused)?;
            Ok(builder.commit_from_memory(&model.bytes)?)
        };
        let failed = |source| Error::Runtime { what: format!("loading {}", model.path.display()), source };
        let idle = (0..instances).map(|_| commit()).collect::<Result<_, _>>().map_err(failed)?;
        let shared = Shared { idle, waiting: VecDeque::new(), answers: HashMap::new(), next_ticket: 0 };
        Ok(Self { name: name.to_owned(), largest_batch, shared: Mutex::new(shared), changed: Condvar::new() })
    }

    /// The answer to one item.
    pub(crate) fn run(&self, item: impl Into<Item>) -> Answer {
        self.run_all(vec![item]).pop().unwrap_or_else(|| Err(Error::Bug("an item without an answer".to_owned())))
    }

    /// The answers to items, in their order.
    pub(crate) fn run_all(&self, items: Vec<impl Into<Item>>) -> Vec<Answer> {
        let mut shared = self.lock();
        let first = shared.next_ticket;
        for item in items {
            let ticket = shared.next_ticket;
            shared.next_ticket += 1;
            shared.waiting.push_back((ticket, item.into()));
        }
        let tickets = first..shared.next_ticket;
        loop {
            if tickets.clone().all(|ticket| shared.answers.contains_key(&ticket)) {
                return tickets.filter_map(|ticket| shared.answers.remove(&ticket)).collect();
            }
            let instance = if shared.waiting.is_empty() { None } else { shared.idle.pop() };
            let Some(mut model) = instance else {
                shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (tickets, batch) = self.next_batch(&mut shared.waiting);
            drop(shared);
            let answers = self.answer(&mut model, &batch);
            shared = self.lock();
            shared.idle.push(model);
            shared.answers.extend(tickets.into_iter().zip(answers));
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that waits, and others of its shape in their order.
    fn next_batch(&self, waiting: &mut VecDeque<(u64, Item)>) -> (Vec<u64>, Vec<Item>) {
        let mut batch: (Vec<u64>, Vec<Item>) = Default::default();
        for (ticket, item) in std::mem::take(waiting) {
            if batch.0.len() < self.largest_batch && batch.1.first().is_none_or(|first| first.is_like(&item)) {
                batch.0.push(ticket);
                batch.1.push(item);
            } else {
                waiting.push_back((ticket, item));
            }
        }
        batch
    }

    fn answer(&self, model: &mut ort::session::Session, batch: &[Item]) -> Vec<Answer> {
        match self.compute(model, batch) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch.iter().flat_map(|item| self.answer(model, std::slice::from_ref(item))).collect(),
        }
    }

    /// One run of the model. A panic below becomes an error: the threads that wait must get an answer.
    fn compute(&self, model: &mut ort::session::Session, batch: &[Item]) -> Result<Vec<Vec<Tensor>>, Error> {
        let computed = catch_unwind(AssertUnwindSafe(|| compute(model, batch)));
        let computed = computed.unwrap_or_else(|_| Err("it panicked".into()));
        computed.map_err(|source| Error::Runtime { what: format!("running {}", self.name), source })
    }
}

fn compute(
    model: &mut ort::session::Session,
    batch: &[Item],
) -> Result<Vec<Vec<Tensor>>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut floats, mut bytes) = (Vec::new(), Vec::new());
    for item in batch {
        match item {
            Item::Floats(tensor) => floats.push(tensor),
            Item::Bytes(tensor) => bytes.push(tensor),
        }
    }
    let outputs = match (&floats[..], &bytes[..]) {
        (floats, []) => model.run(ort::inputs![Value::from_array(stacked(floats))?])?,
        ([], bytes) => model.run(ort::inputs![Value::from_array(stacked(bytes))?])?,
        _ => return Err("floats and bytes in one batch".into()),
    };
    let mut answers = vec![Vec::with_capacity(outputs.len()); batch.len()];
    for output in outputs.values() {
        let (shape, data) = output.try_extract_tensor::<f32>()?;
        let shape: Vec<usize> = shape.iter().map(|&side| usize::try_from(side)).collect::<Result<_, _>>()?;
        if shape.first() != Some(&batch.len()) {
            return Err(format!("an output of shape {shape:?} for a batch of {}", batch.len()).into());
        }
        for (answer, rows) in answers.iter_mut().zip(data.chunks(data.len().div_ceil(batch.len()).max(1))) {
            answer.push(Tensor { shape: shape[1..].to_vec(), data: rows.to_vec() });
        }
    }
    Ok(answers)
}

/// The items of a batch as one tensor.
fn stacked<T: Copy>(items: &[&Tensor<T>]) -> (Vec<usize>, Vec<T>) {
    let item_shape = items.first().map(|item| &item.shape[..]).unwrap_or_default();
    let shape = std::iter::once(items.len()).chain(item_shape.iter().copied()).collect();
    (shape, items.iter().map(|item| &item.data[..]).collect::<Vec<_>>().concat())
}

#[cfg(test)]
mod tests;
