//! Which fleet a ScaledObject is about.

use procession_domain::{Invalid, Region, Stages};
use procession_flow::capacity::FleetName;
use tonic::Status;

use crate::wire::ScaledObjectRef;

/// The longest name of a kind of device, as long as that of a region.
const LONGEST: usize = 40;

/// What a trigger's `metadata` says. KEDA adds keys of its own, so others are not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) fleet: FleetName,
    /// The fleet may have so many workers; none for what the policy says of a region.
    pub(crate) most: Option<u32>,
}

impl Asked {
    /// # Errors
    /// INVALID_ARGUMENT, with the key that is missing or wrong.
    pub(crate) fn read(object: Option<&ScaledObjectRef>) -> Result<Self, Status> {
        let object = object.ok_or_else(|| Status::invalid_argument("scaledObjectRef: is missing"))?;
        let text = |key: &str| object.scaler_metadata.get(key).map(|text| text.trim());
        let needed = |key: &str| text(key).ok_or_else(|| wrong(key, "is missing"));
        let region: Region = needed("region")?.parse().map_err(|error| wrong("region", error))?;
        let device = needed("device")?;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if device.is_empty() || device.len() > LONGEST || !device.chars().all(is_plain) {
            let what = format!("{device:?} is not 1 to {LONGEST} lower-case letters, digits and hyphens");
            return Err(wrong("device", what));
        }
        let stages: Stages = match text("stages") {
            None => Stages::ALL,
            Some(names) => {
                let stages: Result<_, Invalid> = names.split(',').map(|name| name.trim().parse()).collect();
                stages.map_err(|error| wrong("stages", error))?
            }
        };
        let most = match text("most") {
            None => None,
            Some(text) => match text.parse() {
                Ok(most) if most > 0 => Some(most),
                _ => return Err(wrong("most", format!("{text:?} is not a whole number above zero"))),
            },
        };
        Ok(Self { fleet: FleetName { region, device: device.to_owned(), stages }, most })
    }

    /// What the fleet's number is called.
    pub(crate) fn metric(&self) -> String {
        let specialisation = self.fleet.specialisation().map(|of| format!("-{of}")).unwrap_or_default();
        let specialisation = specialisation.replace(['+', '_'], "-");
        format!("procession-workers-{}-{}{specialisation}", self.fleet.region, self.fleet.device)
    }
}

fn wrong(key: &str, what: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("metadata.{key}: {what}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(metadata: &[(&str, &str)]) -> Result<Asked, String> {
        let scaler_metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let object = ScaledObjectRef { name: "a".to_owned(), namespace: "b".to_owned(), scaler_metadata };
        Asked::read(Some(&object)).map_err(|status| status.message().to_owned())
    }

    #[test]
    fn a_fleet_is_a_region_and_a_device() {
        let most = ("most", "32");
        let asked = read(&[("region", "eu-west-1"), ("device", "cpu"), most, ("scalerAddress", "a:1")]).unwrap();
        assert_eq!((asked.fleet.to_string().as_str(), asked.most), ("eu-west-1/cpu", Some(32)));
        assert_eq!(asked.metric(), "procession-workers-eu-west-1-cpu");
        assert_eq!(read(&[("region", "local"), ("device", "cpu")]).unwrap().most, None);
    }

    #[test]
    fn what_a_fleet_offers_is_said_where_it_is_not_all() {
        let with = |stages| read(&[("region", "local"), ("device", "cpu"), ("stages", stages)]).unwrap();
        let some = with("compression, ai_analysis");
        assert_eq!(some.fleet.to_string(), "local/cpu/ai_analysis+compression");
        assert_eq!(some.metric(), "procession-workers-local-cpu-ai-analysis-compression");
        let all = with("ai_analysis,face_recognition,moment_detection,compression");
        assert_eq!(all, read(&[("region", "local"), ("device", "cpu")]).unwrap());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (region, device) = (("region", "local"), ("device", "cpu"));
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[device], "metadata.region: is missing"),
            (&[("region", "EU"), device], "metadata.region: "),
            (&[region], "metadata.device: is missing"),
            (&[region, ("device", "")], "metadata.device: "),
            (&[region, ("device", "a/b")], "metadata.device: "),
            (&[region, device, ("most", "many")], "metadata.most: "),
            (&[region, device, ("most", "0")], "metadata.most: "),
            (&[region, device, ("stages", "")], "metadata.stages: "),
            (&[region, device, ("stages", "compression,sorting")], "metadata.stages: stage \"sorting\""),
        ];
        for (metadata, said) in cases {
            let error = read(metadata).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
        assert!(Asked::read(None).is_err());
    }
}
