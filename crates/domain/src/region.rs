//! Where machines and stores are.

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The name of a region, such as `eu-west-1`: 1 to 40 lower-case letters, digits and hyphens. The workers of one region are
/// a cluster; a store is in one region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// Where nobody says otherwise: one place that has everything.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Region {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match (1..=40).contains(&name.len()) && name.bytes().all(is_fine) {
            true => Ok(Self(name)),
            false => Err(Invalid::new("region", name, "use 1 to 40 lower-case letters, digits and hyphens")),
        }
    }
}

impl std::str::FromStr for Region {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        name.to_owned().try_into()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_short_plain_name() {
        assert_eq!("eu-west-1".parse::<Region>().unwrap().as_str(), "eu-west-1");
        for name in ["", "EU", "eu west", "eu/west", &"x".repeat(41)] {
            let error = name.parse::<Region>().unwrap_err();
            assert!(error.to_string().contains("region"), "{error}");
        }
    }
}
