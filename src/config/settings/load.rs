//! What gives way to what where there is more to do than the machine can do at once.

use procession_domain::recipe::OutputFormat;

use super::{Kind, Setting, not, whole};

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
    Setting {
        key: "worker.later_formats",
        kind: Kind::Names,
        what: "Formats that the service makes of a photo once no photo waits, where the variant has another format: photos are \
               finished sooner, and browsers get the other format until then. `[]` makes all formats at once, as \
               `procession process` does.",
        set: |config, value, _| {
            let names = value.as_array().ok_or_else(|| not("a list of names", value))?;
            let format = |name: &super::Value| {
                let found = OutputFormat::ALL.into_iter().find(|format| Some(format.name()) == name.as_str());
                found.ok_or_else(|| not("`jpeg`, `webp` or `avif` in quotes", name))
            };
            config.later_formats = names.iter().map(format).collect::<Result<_, _>>()?;
            Ok(())
        },
        show: |config| config.later_formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", "),
    },
    number!(
        "service.uploads_at_once",
        1..,
        "So many uploads become photos at the same time: in memory, hashed, synced and read back. The others wait on the \
         disk.",
        service.uploads_at_once
    ),
];
