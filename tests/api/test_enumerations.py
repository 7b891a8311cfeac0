"""The list of labels is the only one: every word that goes out has one."""

from __future__ import annotations

from pathlib import Path

from services.api.enumerations.words import TASK_KIND_LABELS
from services.api.public.answers import CALL_BACK
from shared.complaints.clocks import TASK_OF
from shared.domain.ladder import TaskKind
from shared.packs import load_pack
from shared.progress.consequences import NOTICES

PACKS = Path(__file__).parents[2] / "deploy" / "programmes"


def test_every_kind_of_task_has_a_label() -> None:
    steps = [step for path in PACKS.glob("*.yaml") for step in load_pack(path.read_text()).steps]
    of_packs = {kind for step in steps for kind in step.tasks}
    of_packs |= {step.task for step in steps if step.task}
    of_packs |= {step.repeat.then_task for step in steps if step.repeat and step.repeat.then_task}
    assert {*TaskKind, *NOTICES.values(), *of_packs, CALL_BACK, *TASK_OF.values()} <= set(TASK_KIND_LABELS)
