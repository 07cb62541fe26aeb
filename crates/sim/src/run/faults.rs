//! What goes wrong, when it does.

use std::time::Duration;

use super::{Event, Run, seconds};
use crate::{Fault, fleet::State};

impl Run<'_> {
    pub(super) fn fault_begins(&mut self, index: usize) {
        let fault = self.scenario.faults[index].clone();
        let place = |name| self.scenario.regions.iter().position(|region| region == name);
        match &fault {
            Fault::LostInstances { region, instances, .. } => {
                let Some(region) = place(region) else { return };
                for instance in self.at_work(region, *instances) {
                    self.lose(instance);
                }
            }
            Fault::SlowInstances { region, instances, speed, .. } => {
                let Some(region) = place(region) else { return };
                self.slowed[index] = self.at_work(region, *instances);
                for instance in self.slowed[index].clone() {
                    self.fleets.of_mut(instance).speed = speed.max(0.01);
                }
            }
            Fault::LostRegion { region, .. } => {
                let Some(region) = place(region) else { return };
                self.fleets.regions[region].lost_at = Some(self.now);
                for instance in self.fleets.regions[region].members.clone() {
                    self.lose(instance);
                }
            }
            Fault::LateAutoscaler { .. } | Fault::OtherDemand { .. } => {}
        }
    }

    pub(super) fn fault_ends(&mut self, index: usize) {
        match &self.scenario.faults[index] {
            Fault::SlowInstances { .. } => {
                for instance in std::mem::take(&mut self.slowed[index]) {
                    self.fleets.of_mut(instance).speed = 1.0;
                }
            }
            Fault::LostRegion { region, .. } => {
                if let Some(region) = self.scenario.regions.iter().position(|known| known == region) {
                    self.fleets.regions[region].lost_at = None;
                }
            }
            Fault::LostInstances { .. } | Fault::LateAutoscaler { .. } | Fault::OtherDemand { .. } => {}
        }
    }

    /// How much later than usual an instance is ready that is started now.
    pub(super) fn delay(&self) -> Duration {
        let delay = |fault: &Fault| match fault {
            Fault::LateAutoscaler { delay_minutes, .. } => {
                let is_now = fault.span().is_some_and(|(begins, ends)| (begins..ends).contains(&self.now));
                is_now.then(|| seconds(*delay_minutes * 60))
            }
            _ => None,
        };
        self.scenario.faults.iter().filter_map(delay).sum()
    }

    /// The first of those that take work, those that hold some before the others.
    fn at_work(&self, region: usize, number: u32) -> Vec<usize> {
        let members = &self.fleets.regions[region].members;
        let state = |member: &&usize| self.fleets.of(**member).state;
        let busy = members.iter().filter(|member| matches!(state(member), State::Busy(_)));
        let idle = members.iter().filter(|member| matches!(state(member), State::Idle));
        busy.chain(idle).take(number as usize).copied().collect()
    }

    /// An instance is gone. What it held is missed when its lease is over.
    fn lose(&mut self, instance: usize) {
        for claim in self.fleets.end(instance, self.now) {
            self.plan_after(seconds(self.scenario.service.lease_seconds), Event::LeaseOver(claim));
        }
    }
}
