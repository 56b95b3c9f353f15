"""Percentiles from histograms that can be added up."""

import random
from collections import Counter

import pytest

from crafter.usage.histograms import bucket_of, percentile
from tests.usage.planting import exact


@pytest.mark.parametrize("seed", range(5))
def test_percentiles_of_merged_histograms_are_within_five_percent(seed: int) -> None:
    dice = random.Random(seed)
    days = [[round(dice.lognormvariate(6, 1.5)) + 1 for _ in range(2_000)] for _ in range(7)]
    merged: Counter[int] = Counter()
    for day in days:
        merged.update(Counter(map(bucket_of, day)))
    every = [value for day in days for value in day]
    for share in (0.5, 0.95, 0.99):
        assert percentile(merged, share) == pytest.approx(exact(every, share), rel=0.05)


@pytest.mark.parametrize("milliseconds", [1, 2, 3, 7, 20, 999, 60_000, 86_400_000])
def test_one_duration_is_its_own_percentile(milliseconds: int) -> None:
    found = percentile({bucket_of(milliseconds): 1}, 0.5)
    assert found == pytest.approx(milliseconds, rel=0.05, abs=0.5)


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_what_took_no_time_is_in_the_first_bucket() -> None:
    assert bucket_of(0) == bucket_of(0.4) == 0
