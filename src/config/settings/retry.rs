//! How often and when a photo that failed is tried again: the figures of `procession_plan::RetryPolicy`.

use super::{Kind, Setting, whole};

pub(super) const SETTINGS: &[Setting] = &[
    number!(
        "retry.first_wait_seconds",
        0..,
        "The wait after the first failure that may pass. It doubles with every further one.",
        retry.first_wait_seconds
    ),
    number!("retry.longest_wait_seconds", 0.., "No wait is longer.", retry.longest_wait_seconds),
    number!("retry.attempts", 1.., "After so many such failures a photo is given up.", retry.attempts),
    number!(
        "retry.attempts_after_bug",
        1..,
        "After so many failures that are Procession's own fault a photo is given up.",
        retry.attempts_after_bug
    ),
];
