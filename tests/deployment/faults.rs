//! Faults at random, drawn from a seed: what is struck, how, when and for how long. At most one of each kind at a time, so that
//! what is promised can be kept: two of three stores live, and two of the ledger's three servers.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tokio::runtime::Handle;

use crate::{line::Line, machine::Deployment, node::Node, postgres::Group, seaweed::Seaweed};

/// How often somebody who sleeps looks whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// What can be struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Worker,
    Api,
    Store,
    Ledger,
    /// The second region's lines, all of them.
    Lines,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Worker, Self::Api, Self::Store, Self::Ledger, Self::Lines];
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// After the one before has ended.
    pub(crate) after: Duration,
    pub(crate) lasts: Duration,
    /// Which of its kind, to be taken modulo their number.
    pub(crate) target: usize,
    /// SIGKILL, and not SIGSTOP.
    pub(crate) kills: bool,
}

/// The faults of one kind, one after another, without end.
#[derive(Debug)]
pub(crate) struct Faults(u64);

impl Faults {
    /// Those of a kind in a phase of a run.
    pub(crate) fn of(seed: u64, phase: u64, kind: Kind) -> Self {
        Self(seed ^ (phase << 32) ^ ((kind as u64 + 1) << 40))
    }

    /// SplitMix64.
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

impl Iterator for Faults {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        let after = Duration::from_millis(1_000 + self.draw(7_000));
        let lasts = Duration::from_millis(500 + self.draw(11_500));
        Some(Fault { after, lasts, target: self.draw(1_000) as usize, kills: self.draw(2) == 0 })
    }
}

/// How many faults of each kind there were, in the order of [`Kind::ALL`].
pub(crate) type Counts = [AtomicUsize; Kind::ALL.len()];

/// Strikes these kinds until it has ended. Afterwards everything is whole again.
pub(crate) fn storm(
    deployment: &mut Deployment,
    (seed, phase): (u64, u64),
    kinds: &[Kind],
    has_ended: &AtomicBool,
    counts: &Counts,
) {
    let runtime = Handle::current();
    let Deployment { workers, apis, stores, ledger, lines, .. } = deployment;
    let faults = |kind: Kind| {
        let count = &counts[kind as usize];
        let is_wanted = kinds.contains(&kind);
        let drawn = Faults::of(seed, phase, kind).take_while(move |fault| is_wanted && sleeps(fault.after, has_ended));
        drawn.inspect(move |fault| {
            count.fetch_add(1, Ordering::Relaxed);
            eprintln!("phase {phase}: {kind:?} {fault:?}");
        })
    };
    thread::scope(|scope| {
        scope.spawn(|| faults(Kind::Worker).for_each(|fault| strike_node(workers, fault, has_ended)));
        scope.spawn(|| faults(Kind::Api).for_each(|fault| strike_node(apis, fault, has_ended)));
        scope.spawn(|| faults(Kind::Store).for_each(|fault| strike_store(stores, fault, has_ended, &runtime)));
        scope.spawn(|| faults(Kind::Ledger).for_each(|fault| strike_ledger(ledger, fault, has_ended)));
        scope.spawn(|| faults(Kind::Lines).for_each(|fault| silence(lines, fault, has_ended)));
    });
}

/// Sleeps, but not beyond the end; whether the time has passed before it.
fn sleeps(time: Duration, has_ended: &AtomicBool) -> bool {
    let mut left = time;
    while !has_ended.load(Ordering::Relaxed) {
        if left.is_zero() {
            return true;
        }
        let now = left.min(LOOK);
        thread::sleep(now);
        left -= now;
    }
    false
}

fn strike_node(nodes: &mut [Node], fault: Fault, has_ended: &AtomicBool) {
    let number = fault.target % nodes.len();
    let node = &mut nodes[number];
    if fault.kills {
        node.kill();
        sleeps(fault.lasts, has_ended);
        node.restart();
    } else {
        node.signal("STOP");
        sleeps(fault.lasts, has_ended);
        node.signal("CONT");
    }
}

fn strike_store(stores: &mut [Seaweed], fault: Fault, has_ended: &AtomicBool, runtime: &Handle) {
    let number = fault.target % stores.len();
    let store = &mut stores[number];
    if fault.kills {
        store.kill();
        sleeps(fault.lasts, has_ended);
        runtime.block_on(store.restart());
    } else {
        store.stop();
        sleeps(fault.lasts, has_ended);
        store.go_on();
    }
}

/// The primary dies or hangs, and a standby takes its place; an old one that hung goes on for a while before it is made a standby.
fn strike_ledger(ledger: &mut Group, fault: Fault, has_ended: &AtomicBool) {
    let old = ledger.number();
    if fault.kills {
        ledger.primary_mut().kill();
    } else {
        ledger.primary().signal("STOP");
    }
    ledger.fail_over();
    sleeps(fault.lasts / 2, has_ended);
    if !fault.kills {
        ledger.servers()[old].signal("CONT");
    }
    sleeps(fault.lasts / 2, has_ended);
    ledger.rejoin(old);
}

fn silence(lines: &[Line], fault: Fault, has_ended: &AtomicBool) {
    lines.iter().for_each(Line::fall_silent);
    sleeps(fault.lasts, has_ended);
    lines.iter().for_each(Line::open);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_what_is_struck() {
        for kind in Kind::ALL {
            let drawn = |seed| Faults::of(seed, 1, kind).take(50).collect::<Vec<_>>();
            assert_eq!(drawn(7), drawn(7));
            assert_ne!(drawn(7), drawn(8));
            assert!(drawn(7).iter().any(|fault| fault.kills) && drawn(7).iter().any(|fault| !fault.kills));
            assert!(drawn(7).iter().all(|fault| fault.lasts < Duration::from_secs(12)));
        }
        assert_ne!(
            Faults::of(7, 1, Kind::Worker).take(9).collect::<Vec<_>>(),
            Faults::of(7, 1, Kind::Api).take(9).collect::<Vec<_>>()
        );
    }
}
