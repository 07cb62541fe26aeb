//! Public holidays, from a table that is part of the program.
//!
//! `config/holidays.csv` has those of 2010 to 2035. It was made by `config/make_holidays.py` from the PyPI package `holidays`
//! (MIT licence); a test holds it against that.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::civil::Date;

use super::Country;

/// The table: `country,date,name`.
const TABLE: &str = include_str!("../../config/holidays.csv");

/// The holidays of some countries, by day. A day that is one in several has the name of the first.
#[derive(Clone, Debug, Default)]
pub struct Holidays(BTreeMap<Date, &'static str>);

impl Holidays {
    /// Those of these countries.
    pub fn of(countries: &[Country]) -> Self {
        let mut days = BTreeMap::new();
        for country in countries {
            for (_, date, name) in table().iter().filter(|(of, ..)| of == country) {
                days.entry(*date).or_insert(*name);
            }
        }
        Self(days)
    }

    /// The holiday's name, if the day is one.
    pub fn name(&self, date: Date) -> Option<&'static str> {
        self.0.get(&date).copied()
    }
}

fn table() -> &'static [(Country, Date, &'static str)] {
    static ROWS: OnceLock<Vec<(Country, Date, &'static str)>> = OnceLock::new();
    // The text is part of the program, and a test counts its rows.
    ROWS.get_or_init(|| TABLE.lines().skip(1).filter_map(row).collect())
}

fn row(line: &'static str) -> Option<(Country, Date, &'static str)> {
    let mut cells = line.splitn(3, ',');
    Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?, cells.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        assert_eq!(table().len(), TABLE.lines().count() - 1);
    }

    #[test]
    fn each_country_has_its_own() {
        let name = |country, date: &str| Holidays::of(&[country]).name(date.parse().unwrap());
        assert_eq!(name(Country::UnitedStates, "2026-09-07"), Some("Labor Day"));
        assert_eq!(name(Country::Ireland, "2026-06-01"), Some("June Bank Holiday"));
        assert_eq!(name(Country::England, "2026-06-01"), None);
        assert_eq!(name(Country::Singapore, "2026-02-18"), Some("Chinese New Year"));
        let both = Holidays::of(&[Country::Ireland, Country::England]);
        assert_eq!(both.name("2026-05-04".parse().unwrap()), Some("May Bank Holiday"));
    }
}
