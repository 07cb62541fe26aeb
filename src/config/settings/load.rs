//! What gives way to what where there is more to do than the machine can do at once.

use super::{Kind, Setting, whole};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "niceness",
        kind: Kind::Number,
        what: "How far the threads that process photos, and those that hash and write uploads, give way to those that answer \
               clients, 0 to 19 as for nice(1); 0 for not at all.",
        set: |config, value, _| {
            let niceness: u8 = whole(value, 0)?;
            if niceness > 19 {
                return Err(format!("{niceness} is more than 19"));
            }
            config.niceness = niceness;
            Ok(())
        },
        show: |config| config.niceness.to_string(),
    },
    number!(
        "service.uploads_at_once",
        1..,
        "So many uploads become photos at the same time: in memory, hashed, synced and read back. The others wait on the \
         disk.",
        service.uploads_at_once
    ),
];
