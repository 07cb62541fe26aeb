//! The scaler and a fleet that does what it says, over hours. Work is a fluid, done by earliest deadline.

use super::*;

/// From one decision to the next, in seconds.
const TICK: u64 = 15;

struct World {
    policy: ScalePolicy,
    now: Timestamp,
    running: u32,
    ready_at: Vec<Timestamp>,
    /// By rising deadlines: until when, and the megapixels that are left.
    galleries: Vec<(Timestamp, f64)>,
    memory: Memory,
    missed: u32,
    within_reach: bool,
    arriving: f64,
}

impl World {
    fn new(policy: ScalePolicy, running: u32, now: Timestamp) -> Self {
        Self {
            policy,
            now,
            running,
            ready_at: Vec::new(),
            galleries: Vec::new(),
            memory: Memory::default(),
            missed: 0,
            within_reach: true,
            arriving: 0.0,
        }
    }

    fn open(&mut self, seconds: u64, megapixels: f64) {
        self.galleries.push((self.now.after(Duration::from_secs(seconds)), megapixels));
        self.galleries.sort_by_key(|(deadline, _)| *deadline);
    }

    fn instances(&self) -> u32 {
        self.running + self.ready_at.len() as u32
    }

    /// Decides, and carries it out.
    fn decide(&mut self) -> u32 {
        let waiting: f64 = self.galleries.iter().map(|(_, left)| left).sum();
        let due = self.galleries.iter().map(|(deadline, megapixels)| Due {
            urgency: Urgency::StandardDelivery,
            deadline: *deadline,
            margin: Duration::ZERO,
            megapixels: *megapixels,
        });
        let wait = if self.arriving > 0.0 { waiting / self.arriving } else { 0.0 };
        let seen = FleetSeen {
            instances: Instances { running: self.running, ready_at: self.ready_at.clone(), draining: 0 },
            queue: Queue {
                photos: (waiting / 24.0) as u64,
                megapixels: waiting,
                oldest_wait: Duration::from_secs_f64(wait),
            },
            arriving_megapixels_per_second: self.arriving,
            due: due.collect(),
            megapixels_per_second: Some(SPEED),
            ..FleetSeen::default()
        };
        let decision = scale(&self.policy, &seen, std::mem::take(&mut self.memory), self.now);
        let ready = self.now.after(self.policy.warm_up());
        let more = decision.desired.saturating_sub(self.instances());
        self.ready_at.extend((0..more).map(|_| ready));
        self.running -= self.instances() - decision.desired;
        self.memory = decision.memory;
        self.within_reach &= decision.within_reach;
        decision.desired
    }

    /// Works until the next decision.
    fn work(&mut self) {
        let next = self.now.after(Duration::from_secs(TICK));
        let mut left = SPEED * f64::from(self.running) * TICK as f64;
        for (_, megapixels) in &mut self.galleries {
            let done = megapixels.min(left);
            *megapixels -= done;
            left -= done;
        }
        self.now = next;
        let (is_ready, later) = self.ready_at.iter().partition::<Vec<_>, _>(|ready| **ready <= next);
        self.running += is_ready.len() as u32;
        self.ready_at = later;
        self.galleries.retain(|(_, megapixels)| *megapixels > 1e-6);
        self.missed += self.galleries.iter().filter(|(deadline, _)| *deadline <= next).count() as u32;
        self.galleries.retain(|(deadline, _)| *deadline > next);
    }
}

/// Warm-ups are whole ticks, so that the fluid is exact.
fn policy(warm_up_ticks: u32) -> ScalePolicy {
    ScalePolicy { warm_up_seconds: warm_up_ticks * TICK as u32, ..ScalePolicy::default() }
}

proptest! {
    #[test]
    fn under_constant_load_the_fleet_settles(
        arriving in 0.0..1_700.0_f64,
        running in 0_u32..33,
        day in 0_u32..360,
        warm_up in 1_u32..41,
    ) {
        // A queue that grows by a photo a minute takes days until it is a reason.
        prop_assume!((arriving / SPEED).fract() > 0.1);
        let mut world = World::new(policy(warm_up), running, at(f64::from(day) * 86_400.0));
        world.arriving = arriving;
        let mut sizes = Vec::new();
        // Six hours of one day: the calendar does not change.
        for _ in 0..6 * 3_600 / TICK {
            world.open(86_400, arriving * TICK as f64);
            world.work();
            sizes.push(world.decide());
        }
        let last = &sizes[sizes.len() / 2..];
        prop_assert!(last.iter().all(|size| *size == last[0]), "{last:?}");
        let turns = sizes.windows(3).filter(|w| (w[1] > w[0] && w[2] < w[1]) || (w[1] < w[0] && w[2] > w[1])).count();
        prop_assert!(turns == 0, "{sizes:?}");
        prop_assert!(f64::from(last[0]) >= (arriving / SPEED).floor().min(32.0));
    }

    #[test]
    fn whatever_most_instances_can_finish_in_time_is_finished_in_time(
        galleries in prop::collection::vec((1_u64..400, 1.0..200_000.0_f64), 1..12),
        running in 0_u32..33,
        warm_up in 1_u32..41,
    ) {
        let mut world = World::new(policy(warm_up), running, at(0.0));
        for (ticks, megapixels) in galleries {
            world.open(ticks * TICK, megapixels);
        }
        world.decide();
        let was_within_reach = world.within_reach;
        for _ in 0..420 {
            world.work();
            world.decide();
        }
        prop_assert!(!was_within_reach || world.missed == 0);
    }

    #[test]
    fn galleries_that_come_one_after_another_are_finished_in_time(
        galleries in prop::collection::vec((0_u64..600, 1_u64..400, 1.0..120_000.0_f64), 1..20),
        running in 0_u32..33,
        warm_up in 1_u32..41,
    ) {
        let mut world = World::new(policy(warm_up), running, at(0.0));
        for tick in 0..1_020 {
            for (_, ticks, megapixels) in galleries.iter().filter(|(at, ..)| *at == tick) {
                world.open(ticks * TICK, *megapixels);
            }
            world.decide();
            world.work();
        }
        prop_assert!(!world.within_reach || world.missed == 0);
    }
}
