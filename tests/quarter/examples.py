"""Four Excel files of the quarter, as the store's managers would take them out."""

from __future__ import annotations

from pathlib import Path

from tests.quarter.run import Quarter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REPORTS = ("followup-statistics", "form-6", "retention-monthly", "satisfaction")


async def write_examples(quarter: Quarter, folder: Path) -> list[Path]:
    """The reports of the last month, each in a file of its own. Out: where they are."""
    month, house = quarter.size.months[-1], quarter.house
    headers = {"accept": XLSX, "accept-language": "zh"}
    answers = {
        f"{name}-{month}.xlsx": await house.operator.ask(
            "GET", f"{house.base}/reports/{name}?month={month}", expect=200, headers=headers
        )
        for name in REPORTS
    }
    return [_keep(folder / name, answer.body) for name, answer in answers.items()]


def _keep(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
