//! The four questions that KEDA has.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::{Stream, stream};
use procession_domain::error::chain;
use procession_flow::{System, capacity};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};
use tonic::{Request, Response, Status, async_trait};

use crate::{
    asked::Asked,
    wire::{
        GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec, MetricValue,
        ScaledObjectRef, external_scaler_server::ExternalScaler,
    },
};

/// What was decided longer ago counts as not decided: the controller is away.
const STALE: Duration = Duration::from_secs(60);
/// Whoever is to be told of changes is told after so long.
const LOOK: Duration = Duration::from_secs(1);
/// The HPA starts as many workers as the number, divided by this and rounded up.
const TARGET: u8 = 1;

#[derive(Clone)]
pub(crate) struct Scaler {
    pub(crate) system: Arc<System>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Scaler {
    /// Enrols the fleet and says how many workers it should have.
    async fn desired(&self, asked: &Asked) -> Result<u32, Status> {
        let enrolled = capacity::enrol(&self.system, &asked.fleet, asked.most).await;
        enrolled.map_err(|error| unavailable(&error))?;
        let decided = capacity::capacity(&self.system, &asked.fleet).await.map_err(|error| unavailable(&error))?;
        let fleet = &asked.fleet;
        let Some(decided) = decided else {
            return Err(Status::unavailable(format!("nothing was decided for the fleet {fleet} yet")));
        };
        let age = self.system.clock.now().since(decided.decided_at);
        if age > STALE {
            let seconds = age.as_secs();
            return Err(Status::unavailable(format!("nothing was decided for the fleet {fleet} for {seconds} s")));
        }
        Ok(decided.desired)
    }
}

fn unavailable(error: &procession_flow::Error) -> Status {
    tracing::warn!(error = chain(error), "a scaler's question could not be answered");
    Status::unavailable("the ledger does not answer")
}

type Changes = Pin<Box<dyn Stream<Item = Result<IsActiveResponse, Status>> + Send>>;

#[async_trait]
impl ExternalScaler for Scaler {
    async fn is_active(&self, request: Request<ScaledObjectRef>) -> Result<Response<IsActiveResponse>, Status> {
        let asked = Asked::read(Some(request.get_ref()))?;
        let result = self.desired(&asked).await? > 0;
        Ok(Response::new(IsActiveResponse { result }))
    }

    type StreamIsActiveStream = Changes;

    async fn stream_is_active(&self, request: Request<ScaledObjectRef>) -> Result<Response<Changes>, Status> {
        let asked = Asked::read(Some(request.get_ref()))?;
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Watch { scaler: self.clone(), asked, told: None, ticks };
        Ok(Response::new(Box::pin(stream::unfold(watch, Watch::next))))
    }

    /// Says the same whatever is decided, and while the ledger is away: without it KEDA makes no HPA.
    async fn get_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<GetMetricSpecResponse>, Status> {
        let metric_name = Asked::read(Some(request.get_ref()))?.metric();
        let (target_size, target_size_float) = (i64::from(TARGET), f64::from(TARGET));
        let spec = MetricSpec { metric_name, target_size, target_size_float };
        Ok(Response::new(GetMetricSpecResponse { metric_specs: vec![spec] }))
    }

    async fn get_metrics(&self, request: Request<GetMetricsRequest>) -> Result<Response<GetMetricsResponse>, Status> {
        let asked = Asked::read(request.get_ref().scaled_object_ref.as_ref())?;
        let desired = self.desired(&asked).await?;
        let (metric_value, metric_value_float) = (i64::from(desired), f64::from(desired));
        let value = MetricValue { metric_name: asked.metric(), metric_value, metric_value_float };
        Ok(Response::new(GetMetricsResponse { metric_values: vec![value] }))
    }
}

/// Somebody who wants to know when a fleet's activity changes.
struct Watch {
    scaler: Scaler,
    asked: Asked,
    /// What they were told last.
    told: Option<bool>,
    ticks: Interval,
}

impl Watch {
    /// Waits for the next change. While nothing is decided nothing changes; at a shutdown it ends.
    async fn next(mut self) -> Option<(Result<IsActiveResponse, Status>, Self)> {
        loop {
            tokio::select! {
                _ = self.scaler.stop.wait_for(|stop| *stop) => return None,
                _ = self.ticks.tick() => {}
            }
            let Ok(desired) = self.scaler.desired(&self.asked).await else { continue };
            let result = desired > 0;
            if self.told != Some(result) {
                self.told = Some(result);
                return Some((Ok(IsActiveResponse { result }), self));
            }
        }
    }
}
