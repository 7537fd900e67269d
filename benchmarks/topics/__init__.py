"""What can be measured. To add a topic, write its module here (benchmarks/harness.py says how) and list it."""

from benchmarks.harness import Topic
from benchmarks.topics import (
    bootstrap,
    build,
    first_load,
    fleet,
    growth,
    hot_reload,
    nginx_settings,
    overhead,
    package,
    published_port,
    request_cost,
    return_visit,
    serving,
    start,
    swap,
    verify,
)

TOPICS: dict[str, Topic] = {
    "build": build,
    "start": start,
    "serving": serving,
    "published_port": published_port,
    "nginx_settings": nginx_settings,
    "first_load": first_load,
    "swap": swap,
    "fleet": fleet,
    "hot_reload": hot_reload,
    "verify": verify,
    "overhead": overhead,
    "growth": growth,
    "package": package,
    "request_cost": request_cost,
    "return_visit": return_visit,
    "bootstrap": bootstrap,
}
"""The topics by name, in the order in which they are measured and shown."""
