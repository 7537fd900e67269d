"""The first safe versions of Vite and nginx, by line of releases: safe_versions.json, with its date and its sources."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from functools import cache
from typing import Any, NamedTuple

from docktasks.resources import table

MAX_AGE_DAYS = 60
"""Vite has a security release every month or two, so older data is likely to lack one."""


class Judgement(NamedTuple):
    """What the data says of a version: a `fault` if it is not safe, and the `next_safe` version of a `package`."""

    fault: str = ""
    next_safe: str = ""
    package: str = ""


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = table(__file__)
    return data


def judge(product: str, version: str) -> Judgement | None:
    """Judge a version of a product, such as vite or nginx. Return None for a product that the data does not have."""
    products = _data()["products"]
    if product not in products:
        return None
    name, package = products[product]["name"], products[product].get("instead", product)
    safe_versions = sorted((line["first_safe"] for line in products[package]["lines"]), key=_order)
    order, newest = _order(version), safe_versions[-1]
    if not any(order):
        return Judgement(f"The version of {name}, {version!r}, is no version number", newest, package)
    if package != product:
        fault = f"{name} {version} gets no security releases: {products[package]['name']} took its place"
        return Judgement(fault, next(safe for safe in safe_versions if _order(safe)[0] == _order(newest)[0]), package)
    line = f"{order[0]}.{order[1]}"
    own = next((safe for safe in safe_versions if safe.startswith(f"{line}.")), "")
    if order > _order(newest) or (own and order >= _order(own)):
        return Judgement()
    next_safe = own or next(safe for safe in safe_versions if _order(safe) > order)
    fault = f"older than {next_safe}, the first safe one of line {line}"
    fault = fault if own else f"not safe, and line {line} has no safe one: take {next_safe}"
    return Judgement(f"{name} {version} is {fault}", next_safe, package)


def _order(version: str) -> tuple[int, int, int, bool]:
    """Return what versions are compared by. A pre-release comes before its release, a text that is no version first."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)(-[\w.-]+)?(\+[\w.-]+)?$", version)
    major, minor, patch = map(int, match.group(1, 2, 3)) if match else (0, 0, 0)
    return major, minor, patch, bool(match and not match[4])


def age_note(today: date | None = None) -> str:
    """Say how old the data is, and after MAX_AGE_DAYS also that it may lack a release."""
    checked = date.fromisoformat(_data()["checked"])
    days = ((today or datetime.now(timezone.utc).date()) - checked).days
    text = f"The table of safe versions is of {checked}, {days} day{'' if days == 1 else 's'} old"
    return f"{text}: it may lack a newer security release. Update hello-dock" if days > MAX_AGE_DAYS else text
