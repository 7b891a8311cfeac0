"""Segments: what is understood, and every fault refused with its pointer and reason."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from shared.domain.segment import Between, HasVoucher, Segment, SegmentInvalid, Spent, parse_segment

VIN = "LSVAA49J132047371"
SOMEBODY = "01939a5e-7c7e-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("data", "segment"),
    [
        ({"lifecycle": ["owner", "churn_risk"]}, Segment(lifecycle=("owner", "churn_risk"))),
        ({"flags": ["high_value"], "without_flags": ["vip"]}, Segment(flags=("high_value",), without_flags=("vip",))),
        ({"tier": "high_value"}, Segment(tier="high_value")),
        ({"models": [" 途观L ", "朗逸"]}, Segment(models=("途观L", "朗逸"))),
        ({"regions": ["浦东"]}, Segment(regions=("浦东",))),
        (
            {"last_visit_before": "2026-08-23", "last_visit_after": "2026-01-01"},
            Segment(last_visit_before=date(2026, 8, 23), last_visit_after=date(2026, 1, 1)),
        ),
        ({"spent": {"least_fen": 1_000_000}}, Segment(spent=Spent(Between(1_000_000, None), 12))),
        ({"spent": {"most_fen": 0, "months": 6}}, Segment(spent=Spent(Between(None, 0), 6))),
        ({"mileage_km": {"least": 50_000, "most": 60_000}}, Segment(mileage_km=Between(50_000, 60_000))),
        ({"car_age_months": {"most": 36}}, Segment(car_age_months=Between(None, 36))),
        ({"service_preferences": ["original_parts", "green"]}, Segment(service_preferences=("original_parts", "green"))),
        (
            {"voucher": {"kind": "birthday", "expires_before": "2026-12-01"}},
            Segment(voucher=HasVoucher("birthday", "open", date(2026, 12, 1))),
        ),
        ({"voucher": {"state": "expired"}}, Segment(voucher=HasVoucher(None, "expired"))),
        ({"vins": [VIN.lower(), VIN]}, Segment(vins=(VIN,))),
        (
            {"holder_ids": [SOMEBODY], "customer_ids": [SOMEBODY]},
            Segment(holder_ids=(UUID(SOMEBODY),), customer_ids=(UUID(SOMEBODY),)),
        ),
        (
            {"delivered_after": "2025-01-01", "preferred_channels": ["wechat"]},
            Segment(delivered_after=date(2025, 1, 1), preferred_channels=("wechat",)),
        ),
    ],
)
def test_a_segment_is_read(data: dict[str, Any], segment: Segment) -> None:
    assert parse_segment(data) == segment


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        (None, [""]),
        ([], [""]),
        ({}, [""]),
        ({"lifecycle": None}, [""]),
        ({"colour": ["red"]}, ["/colour"]),
        ({"lifecycle": ["king", "owner", 7]}, ["/lifecycle/0", "/lifecycle/2"]),
        ({"lifecycle": "owner"}, ["/lifecycle"]),
        ({"flags": []}, ["/flags"]),
        ({"flags": [" "]}, ["/flags/0"]),
        ({"flags": ["x"] * 201}, ["/flags"]),
        ({"flags": ["vip"], "without_flags": ["vip"]}, ["/without_flags"]),
        ({"tier": "gold"}, ["/tier"]),
        ({"tier": ["high_value"]}, ["/tier"]),
        ({"tier": "normal", "flags": ["high_value"]}, ["/tier"]),
        ({"last_visit_before": "2026-13-01"}, ["/last_visit_before"]),
        ({"last_visit_before": 20260101}, ["/last_visit_before"]),
        ({"last_visit_before": "2026-01-01", "last_visit_after": "2026-01-01"}, ["/last_visit_before"]),
        ({"delivered_before": "2026-01-01", "delivered_after": "2026-02-01"}, ["/delivered_before"]),
        ({"spent": 5}, ["/spent"]),
        ({"spent": {}}, ["/spent"]),
        ({"spent": {"least_fen": -1}}, ["/spent/least_fen"]),
        ({"spent": {"least_fen": 5, "most_fen": 4}}, ["/spent/least_fen"]),
        ({"spent": {"least_fen": 5, "months": 0}}, ["/spent/months"]),
        ({"spent": {"least_fen": 5, "years": 1}}, ["/spent/years"]),
        ({"mileage_km": {"least": "many"}}, ["/mileage_km/least"]),
        ({"mileage_km": {"least": True}}, ["/mileage_km/least"]),
        ({"car_age_months": {"least": 40, "most": 30}}, ["/car_age_months/least"]),
        ({"car_age_months": {"least": 1201}}, ["/car_age_months/least"]),
        ({"mileage_km": {"most": 2**60}}, ["/mileage_km/most"]),
        ({"voucher": []}, ["/voucher"]),
        ({"voucher": {"kind": "gold", "state": "lost", "until": 1}}, ["/voucher/until", "/voucher/kind", "/voucher/state"]),
        ({"vins": ["LSVAA49J132047372"]}, ["/vins/0"]),
        ({"vins": [VIN, "short"]}, ["/vins/1"]),
        ({"holder_ids": ["me"]}, ["/holder_ids/0"]),
    ],
)
def test_a_fault_is_refused_with_pointer_and_reason(data: object, pointers: list[str]) -> None:
    with pytest.raises(SegmentInvalid) as refused:
        parse_segment(data)

    assert [pointer for pointer, _ in refused.value.faults] == pointers
    assert all(message for _, message in refused.value.faults)


@pytest.mark.parametrize(("data", "about"), [({"models": ["朗逸"]}, True), ({"vins": [VIN]}, True), ({"flags": ["vip"]}, False)])
def test_conditions_on_a_car_make_it_a_segment_of_cars(data: dict[str, Any], about: bool) -> None:
    assert parse_segment(data).about_cars is about
