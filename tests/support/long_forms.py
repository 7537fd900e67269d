"""Further cases of a test, which run with MATRIX=all. What runs without it has one case of each kind."""

from __future__ import annotations

import os
from typing import Any

import pytest
from _pytest.mark import ParameterSet

IS_LONG_FORM = os.environ.get("MATRIX") == "all"


def long(*values: Any) -> ParameterSet:
    """Return the parameters of a case that is marked `long` (tests/conftest.py)."""
    return pytest.param(*values, marks=pytest.mark.long)
