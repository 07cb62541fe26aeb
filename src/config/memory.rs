//! An amount of memory as people write it.

use std::{fmt, str::FromStr};

/// Less than this holds no photo of today's cameras.
const LEAST_BYTES: u64 = 64 << 20;

/// Bytes, or a part of what the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    Bytes(u64),
    Percent(u8),
}

impl Default for Memory {
    fn default() -> Self {
        Self::Percent(25)
    }
}

impl Memory {
    /// In bytes, on a machine that has so many.
    pub(crate) fn of(self, machine_bytes: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => (machine_bytes / 100 * u64::from(percent)).max(LEAST_BYTES),
        }
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, u64); 9] = [
            ("", 1),
            ("b", 1),
            ("kb", 1_000),
            ("mb", 1_000_000),
            ("gb", 1_000_000_000),
            ("kib", 1 << 10),
            ("mib", 1 << 20),
            ("gib", 1 << 30),
            ("tib", 1 << 40),
        ];
        let wrong = || format!("{text:?} is not an amount of memory; write it like 4GiB, 500MB or 25%");
        let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(at);
        let (number, unit) = (number.parse::<u64>().map_err(|_| wrong())?, unit.trim().to_lowercase());
        if unit == "%" {
            return match u8::try_from(number) {
                Ok(percent @ 1..=90) => Ok(Self::Percent(percent)),
                _ => Err(format!("{text}: a part of the memory is 1% to 90%")),
            };
        }
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        match number.checked_mul(*factor) {
            Some(bytes) if bytes >= LEAST_BYTES => Ok(Self::Bytes(bytes)),
            Some(_) => Err(format!("{text} is too little: give at least 64MiB")),
            None => Err(wrong()),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) if bytes % (1 << 20) == 0 => write!(f, "{}MiB", bytes >> 20),
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!("4GiB".parse(), Ok(Memory::Bytes(4 << 30)));
        assert_eq!("500 MB".parse(), Ok(Memory::Bytes(500_000_000)));
        assert_eq!("100000000".parse(), Ok(Memory::Bytes(100_000_000)));
        assert_eq!("25%".parse(), Ok(Memory::Percent(25)));
        for wrong in ["", "much", "4XB", "-1GiB", "0%", "91%", "1MiB", "99999999999TiB", "1.5GiB"] {
            assert!(wrong.parse::<Memory>().is_err(), "{wrong}");
        }
        assert_eq!("4GiB".parse::<Memory>().unwrap().to_string(), "4096MiB");
        assert_eq!(Memory::default().of(8 << 30), (8_u64 << 30) / 100 * 25);
    }
}
