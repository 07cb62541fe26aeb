//! Which part of the work is a fleet's, where fleets offer different stages of a photo's life.

use procession_domain::{Stage, Stages};

/// The part, 0 to 1, of what is at each stage that is a fleet's: as many of those who offer the stage as are its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts([f64; 4]);

impl Parts {
    /// Of a fleet that offers `stages`. `own` is what each of its workers offers, `all` what each worker of any fleet offers.
    /// Where nobody works at a stage, those `fleets` could divide it among them that offer it, this one with them.
    pub fn of(stages: Stages, own: &[Stages], all: &[Stages], fleets: &[Stages]) -> Self {
        let part = |stage: Stage| {
            let those = |some: &[Stages]| some.iter().filter(|offers| offers.contains(stage)).count();
            match those(all) {
                0 if stages.contains(stage) => 1.0 / those(fleets).max(1) as f64,
                0 => 0.0,
                all => those(own) as f64 / all as f64,
            }
        };
        Self(Stage::ALL.map(part))
    }

    /// What is the fleet's of what waits at each stage: the queue that it sees.
    pub fn waiting(&self, waiting_at: [f64; 4]) -> f64 {
        self.0.iter().zip(waiting_at).map(|(part, waiting)| part * waiting).sum()
    }

    /// Whether some of what waits at this stage is the fleet's.
    pub fn has(&self, stage: Stage) -> bool {
        self.0[stage.index()] > 0.0
    }

    /// What the fleet has to do until the deadline, of what waits at each stage and what workers hold. Every photo comes to the
    /// last stage, whoever has it until then; whether one comes to another stage is not known before it waits there.
    pub fn left(&self, waiting_at: [f64; 4], working: f64) -> f64 {
        let part = |part: f64| if part > 0.0 { part } else { self.last() };
        self.0.iter().zip(waiting_at).map(|(of, waiting)| part(*of) * waiting).sum::<f64>() + self.last() * working
    }

    /// The part of what arrives that comes to the fleet for certain: all of it comes to the first stage and to the last.
    pub fn arriving(&self) -> f64 {
        self.0[Stage::AiAnalysis.index()].max(self.last())
    }

    fn last(&self) -> f64 {
        self.0[Stage::Compression.index()]
    }
}
