"""Prints holidays.csv: the public holidays that the forecast knows.

Source: the PyPI package `holidays` (MIT licence), at the version of tests/requirements.txt. Those that move with a calendar of
another kind (Vesak, Hari Raya, Deepavali) are its estimates for the years to come. Observed days count, since a wedding follows
the day off. `cargo test -p procession-plan --test holidays` holds the file against it.

Run it again when the last year comes near: python3 crates/plan/config/make_holidays.py > crates/plan/config/holidays.csv
"""

import holidays

YEARS = range(2010, 2036)
COUNTRIES = [("US", None), ("IE", None), ("GB", "ENG"), ("SG", None)]

print("country,date,name")
for country, part in COUNTRIES:
    days = holidays.country_holidays(country, subdiv=part, years=YEARS, language="en_US")
    for day, name in sorted(days.items()):
        if day.year not in YEARS:
            continue
        name = name.split("; ")[0].replace(" (observed)", "").replace(" (estimated)", "")
        name = name.replace(" (observed, estimated)", "").replace(",", "")
        print(f"{country},{day},{name}")
