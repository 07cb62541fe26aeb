"""Forecasts the last weeks of each series of a folder again with statsforecast, and rates all forecasts alike.

    compare.py FOLDER WEEKS [--arima]

The files are those of `forecast_rate` (crates/sim/examples): date, value, and Procession's forecast of the days that count.
Every model sees the same days before each week, is fitted anew for each, and forecasts seven days. A line of JSON for each
series and model: what it was wrong by (WAPE), the mean pinball loss at 0.1, 0.5, 0.9 and 0.99 as a part of the mean, the part
of the days at or below the 0.9 quantile (-1 where a model has no quantiles), and the seconds that all fits took.
AutoARIMA takes most of ten minutes, and is asked only with --arima.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoARIMA, AutoETS, AutoTheta, SeasonalNaive, SeasonalWindowAverage

LEVELS = [0.1, 0.5, 0.9, 0.99]


def models():
    yield "seasonal naive (7)", SeasonalNaive(7)
    yield "mean of four weeks", SeasonalWindowAverage(season_length=7, window_size=4)
    yield "AutoETS (7)", AutoETS(7)
    yield "AutoTheta (7)", AutoTheta(7)
    yield "MSTL (7, 365) + AutoETS", MSTL([7, 365], AutoETS(model="ZZN"))
    if "--arima" in sys.argv:
        yield "AutoARIMA (7)", AutoARIMA(season_length=7)


def rate(arrived, mean, quantiles):
    pinball = 0.0
    for level in LEVELS:
        above = arrived - quantiles[level]
        pinball += np.maximum(level * above, (level - 1) * above).mean() / len(LEVELS)
    return {
        "daily_error": float(np.abs(arrived - mean).sum() / arrived.sum()),
        "pinball": float(pinball / arrived.mean()),
        "coverage": float((arrived <= quantiles[0.9]).mean()),
    }


def main(folder, weeks):
    for file in sorted(Path(folder).glob("*.csv")):
        table = pd.read_csv(file)
        tested = table[table["mean"].notna()]
        ours = {0.1: tested.p10, 0.5: tested.p50, 0.9: tested.p90, 0.99: tested.p99}
        report(file.stem, "Procession", rate(tested.value, tested["mean"], ours), 0.0)
        series = pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(table.date), "y": table.value})
        for name, model in models():
            begun = time.perf_counter()
            intervals = name != "mean of four weeks"
            forecast = StatsForecast(models=[model], freq="D").cross_validation(
                df=series, h=7, step_size=7, n_windows=weeks, level=[80, 98] if intervals else None
            )
            seconds = time.perf_counter() - begun
            assert list(forecast.ds) == list(pd.to_datetime(tested.date)), "not the same days"
            column = repr(model)
            mean = forecast[column].clip(lower=0).to_numpy()
            at = lambda end: forecast[f"{column}-{end}"].clip(lower=0).to_numpy() if intervals else mean
            quantiles = {0.1: at("lo-80"), 0.5: mean, 0.9: at("hi-80"), 0.99: at("hi-98")}
            figures = rate(tested.value.to_numpy(), mean, quantiles)
            if not intervals:
                figures.update(pinball=-1.0, coverage=-1.0)
            report(file.stem, name, figures, seconds)


def report(series, model, figures, seconds):
    line = {"series": series, "model": model, **{k: round(v, 4) for k, v in figures.items()}, "seconds": round(seconds, 2)}
    print(json.dumps(line, separators=(",", ":")), flush=True)


main(sys.argv[1], int(sys.argv[2]))
