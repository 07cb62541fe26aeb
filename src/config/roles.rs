//! What a process of the service does.

use std::{fmt, str::FromStr};

/// The roles of a process: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Answers requests: API, uploads, images, pages.
    pub(crate) api: bool,
    /// Processes photos.
    pub(crate) worker: bool,
    /// Deletes what was removed and pays what stores are owed. Several do no harm.
    pub(crate) controller: bool,
}

impl Roles {
    /// All of them: what one machine alone needs.
    pub(crate) const ALL: Self = Self { api: true, worker: true, controller: true };
    /// A worker alone.
    pub(crate) const WORKER: Self = Self { worker: true, ..Self::NONE };
    const NONE: Self = Self { api: false, worker: false, controller: false };
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self::NONE;
        for name in text.split(',').map(str::trim) {
            match name {
                "api" => roles.api = true,
                "worker" => roles.worker = true,
                "controller" => roles.controller = true,
                _ => {
                    return Err(format!(
                        "{name:?} is not a role; use some of api, worker and controller, with commas between"
                    ));
                }
            }
        }
        Ok(roles)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [(self.api, "api"), (self.worker, "worker"), (self.controller, "controller")];
        let names: Vec<&str> = all.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_and_unknown_ones_refused() {
        assert_eq!("worker, api".parse::<Roles>().unwrap().to_string(), "api,worker");
        assert_eq!(Roles::ALL.to_string().parse(), Ok(Roles::ALL));
        for wrong in ["", "api,,worker", "boss"] {
            assert!(wrong.parse::<Roles>().unwrap_err().contains("is not a role"));
        }
    }
}
