//! A model that many threads use at once.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use ort::{environment::Environment, logging::LogLevel, value::Tensor as Value};

use crate::{Error, cache::Model};

/// Floats in rows, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// What a model says of one item: its outputs in the model's order.
type Answer = Result<Vec<Tensor>, Error>;

/// A model on ONNX Runtime.
///
/// The thread that finds the model idle computes for all: it takes what waits, of equal shape and up to the largest
/// batch, and hands each item its own answer. Nobody waits for a batch to fill, so one caller alone is served at once and
/// many at the same time share a run. An item that the model refuses fails alone: its batch is then run item by item.
pub(crate) struct Session {
    name: String,
    largest_batch: usize,
    shared: Mutex<Shared>,
    changed: Condvar,
}

struct Shared {
    /// `None` while a thread computes with it.
    model: Option<ort::session::Session>,
    waiting: VecDeque<(u64, Tensor)>,
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
    /// Loads `model` for up to `threads` threads.
    pub(crate) fn load(
        runtime: &Environment,
        name: &str,
        model: &Model,
        threads: usize,
        largest_batch: usize,
    ) -> Result<Self, Error> {
        let commit = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let refused = |error: ort::Error<_>| error.to_string();
            let builder = ort::session::Session::builder(runtime)?;
            let builder = builder.with_intra_threads(threads.max(1)).map_err(refused)?;
            let mut builder = builder.with_intra_op_spinning(false).map_err(refused)?;
            Ok(builder.commit_from_memory(&model.bytes)?)
        };
        let failed = |source| Error::Runtime { what: format!("loading {}", model.path.display()), source };
        let model = Some(commit().map_err(failed)?);
        let shared = Shared { model, waiting: VecDeque::new(), answers: HashMap::new(), next_ticket: 0 };
        Ok(Self { name: name.to_owned(), largest_batch, shared: Mutex::new(shared), changed: Condvar::new() })
    }

    /// The answer to one item.
    pub(crate) fn run(&self, item: Tensor) -> Answer {
        self.run_all(vec![item]).pop().unwrap_or_else(|| Err(Error::Bug("an item without an answer".to_owned())))
    }

    /// The answers to items, in their order.
    pub(crate) fn run_all(&self, items: Vec<Tensor>) -> Vec<Answer> {
        let mut shared = self.lock();
        let first = shared.next_ticket;
        for item in items {
            let ticket = shared.next_ticket;
            shared.next_ticket += 1;
            shared.waiting.push_back((ticket, item));
        }
        let tickets = first..shared.next_ticket;
        loop {
            if tickets.clone().all(|ticket| shared.answers.contains_key(&ticket)) {
                return tickets.filter_map(|ticket| shared.answers.remove(&ticket)).collect();
            }
            let Some(mut model) = shared.model.take() else {
                shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (tickets, batch) = self.next_batch(&mut shared.waiting);
            drop(shared);
            let answers = self.answer(&mut model, &batch);
            shared = self.lock();
            shared.model = Some(model);
            shared.answers.extend(tickets.into_iter().zip(answers));
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that waits, and others of its shape in their order.
    fn next_batch(&self, waiting: &mut VecDeque<(u64, Tensor)>) -> (Vec<u64>, Vec<Tensor>) {
        let shape = waiting.front().map(|(_, item)| item.shape.clone()).unwrap_or_default();
        let mut batch = (Vec::new(), Vec::new());
        for (ticket, item) in std::mem::take(waiting) {
            if batch.0.len() < self.largest_batch && item.shape == shape {
                batch.0.push(ticket);
                batch.1.push(item);
            } else {
                waiting.push_back((ticket, item));
            }
        }
        batch
    }

    fn answer(&self, model: &mut ort::session::Session, batch: &[Tensor]) -> Vec<Answer> {
        match self.compute(model, batch) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch.iter().flat_map(|item| self.answer(model, std::slice::from_ref(item))).collect(),
        }
    }

    /// One run of the model. A panic below becomes an error: the threads that wait must get an answer.
    fn compute(&self, model: &mut ort::session::Session, batch: &[Tensor]) -> Result<Vec<Vec<Tensor>>, Error> {
        let computed = catch_unwind(AssertUnwindSafe(|| compute(model, batch)));
        let computed = computed.unwrap_or_else(|_| Err("it panicked".into()));
        computed.map_err(|source| Error::Runtime { what: format!("running {}", self.name), source })
    }
}

fn compute(
    model: &mut ort::session::Session,
    batch: &[Tensor],
) -> Result<Vec<Vec<Tensor>>, Box<dyn std::error::Error + Send + Sync>> {
    let item = batch.first().ok_or("an empty batch")?;
    let shape: Vec<usize> = std::iter::once(batch.len()).chain(item.shape.iter().copied()).collect();
    let data: Vec<f32> = batch.iter().flat_map(|item| item.data.iter().copied()).collect();
    let outputs = model.run(ort::inputs![Value::from_array((shape, data))?])?;
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

#[cfg(test)]
mod tests;
