"""Further cases of a test, which run with MATRIX=all."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.mark import ParameterSet


def long(*values: Any) -> ParameterSet:
    """Return the parameters of a case that is marked `long` (tests/conftest.py)."""
    return pytest.param(*values, marks=pytest.mark.long)
