"""The API against its own OpenAPI document: made-up requests must never find a fault of the server's."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

schemathesis: Any = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from leaderboard.api.app import create_api
from leaderboard.db.session import writing
from leaderboard.import_rows import import_published
from leaderboard.services import Services
from tests.leaderboard.board_kit import new_holder, predictions_submission, submit_and_score

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12


@pytest.mark.slow
@pytest.mark.usefixtures("remembered_scoring")
def test_no_made_up_request_finds_a_fault_of_the_server(board: Services) -> None:
    with writing(board.engine) as session:
        import_published(session)
    holder, key = new_holder(board)
    view = submit_and_score(board, holder, predictions_submission())
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_api(board))
    answered: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
        for mode in modes:

            @settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                if case.path_parameters and "run_id" in case.path_parameters and len(answered) % 2:
                    case.path_parameters["run_id"] = view.run_id
                response = case.call(headers={"Authorization": f"Bearer {key}"})
                answered[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            # Nothing can be wrong with a request that has no parameters.
            with contextlib.suppress(Unsatisfiable):
                ask()
    assert answered[200] > 20 and not any(status >= 500 for status in answered)
