//! What to do with work that failed.

use std::time::Duration;

use procession_domain::Kind;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// How often and how soon failed work is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// The wait after the first failure, in seconds. It doubles with every further one.
    pub first_wait_seconds: u32,
    /// No wait is longer, in seconds.
    pub longest_wait_seconds: u32,
    /// After so many failures in all, work that something else held up is given up.
    pub attempts: u32,
    /// After so many failures in all, work that met a fault of Procession's own is given up.
    pub attempts_after_bug: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first_wait_seconds: 1, longest_wait_seconds: 300, attempts: 10, attempts_after_bug: 2 }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again after this wait.
    After(Duration, Reason),
    /// Do not: the same would happen again.
    Never(Reason),
}

/// Decides about work that has just failed with `kind`, and had failed `failures` times before.
pub fn retry(kind: Kind, failures: u32, policy: &RetryPolicy) -> Retry {
    let allowed = match kind {
        Kind::Bug => policy.attempts_after_bug,
        kind if kind.is_transient() => policy.attempts,
        _ => {
            return Retry::Never(Reason::new(match kind {
                Kind::Corrupt => "the bytes are damaged and will stay so",
                Kind::Limit => "it is over a configured limit",
                Kind::NotFound => "it is not there",
                _ => "it cannot be accepted as it is",
            }));
        }
    };
    let failed = failures.saturating_add(1);
    if failed >= allowed {
        return Retry::Never(Reason::new(format!("it failed {failed} times, and {allowed} attempts are allowed")));
    }
    let wait = u64::from(policy.first_wait_seconds)
        .saturating_mul(1_u64.checked_shl(failures).unwrap_or(u64::MAX))
        .min(u64::from(policy.longest_wait_seconds));
    let reason = Reason::new(format!("attempt {failed} of {allowed} failed; the next is in {wait} s"));
    Retry::After(Duration::from_secs(wait), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: Kind) -> Vec<Option<u64>> {
        let policy = RetryPolicy { attempts: 6, longest_wait_seconds: 10, ..RetryPolicy::default() };
        let wait = |failures| match retry(kind, failures, &policy) {
            Retry::After(wait, _) => Some(wait.as_secs()),
            Retry::Never(_) => None,
        };
        (0..7).map(wait).collect()
    }

    #[test]
    fn transient_failures_wait_longer_each_time_and_not_for_ever() {
        let expected = [Some(1), Some(2), Some(4), Some(8), Some(10), None, None];
        for kind in [Kind::Unavailable, Kind::Cancelled, Kind::Conflict] {
            assert_eq!(waits(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_bug_gets_a_second_chance() {
        assert_eq!(waits(Kind::Bug), [Some(1), None, None, None, None, None, None]);
    }

    #[test]
    fn what_lies_with_the_input_is_never_tried_again() {
        for kind in [Kind::NotFound, Kind::Invalid, Kind::Limit, Kind::Corrupt] {
            assert_eq!(waits(kind), [None; 7], "{kind:?}");
        }
    }

    #[test]
    fn no_count_overflows() {
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        assert!(matches!(retry(Kind::Unavailable, 200, &policy), Retry::After(wait, _) if wait.as_secs() == 300));
        assert!(matches!(retry(Kind::Unavailable, u32::MAX, &policy), Retry::Never(_)));
    }
}
