//! The processor as a device.

mod held;
mod render;
mod thumbhash;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use procession_domain::recipe::OutputColour;

use crate::{
    Decoded, Device, DeviceInfo, Error, Extent, Plan, Probe, Rendered, Source, View, cascade::Cascade,
    colour::Conversion, pool, resize::Kernels,
};
use held::Held;

/// The machine's own processor: one photo on one thread, as many at a time as there are lanes.
#[derive(Debug)]
pub struct CpuDevice {
    threads: usize,
}

impl CpuDevice {
    /// A device that up to `threads` threads call at the same time.
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        pool::reserve(threads);
        Self { threads }
    }
}

impl Device for CpuDevice {
    fn info(&self) -> DeviceInfo {
        let name = format!("CPU, {} threads, {}", self.threads, Kernels::name());
        DeviceInfo { kind: "cpu".to_owned(), name, lanes: self.threads, batch: 1 }
    }

    fn footprint(&self, source: &Probe, extent: Extent) -> u64 {
        held::footprint(source, extent)
    }

    fn decode(&self, batch: Vec<(Source, Extent)>) -> Vec<Result<Decoded, Error>> {
        batch.into_iter().map(|(source, extent)| contained(|| decode(source, extent))).collect()
    }

    fn render(&self, batch: Vec<(Decoded, Plan)>) -> Vec<Result<Vec<Rendered>, Error>> {
        batch.into_iter().map(|(decoded, plan)| contained(|| render(&decoded, &plan))).collect()
    }
}

fn decode(source: Source, extent: Extent) -> Result<Decoded, Error> {
    let held = Held::new(source, extent)?;
    let probe = &held.source.probe;
    let conversion = Conversion::new(&held.profile, OutputColour::Srgb);
    let cascade = Cascade::new(&held.frame, probe.upright(), probe.orientation, &conversion)?;
    let view = View { cascade: Arc::new(cascade) };
    Ok(Decoded { thumbhash: thumbhash::thumbhash(&view), view, held: Box::new(held) })
}

fn render(decoded: &Decoded, plan: &Plan) -> Result<Vec<Rendered>, Error> {
    let held: &Held = decoded.held.downcast_ref().ok_or_else(|| Error::Bug("decoded by another device".to_owned()))?;
    render::render(held, &decoded.view.cascade, plan)
}

/// Turns a panic into this photo's error.
fn contained<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| Err(Error::Bug(reason(&*cause))))
}

fn reason(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests;
