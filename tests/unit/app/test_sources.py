from __future__ import annotations

from docktasks.app import sources


def test_a_later_source_counts_for_each_setting_and_each_of_its_keys() -> None:
    """A setting such as build.env has keys of its own. An empty section says nothing, and another value stays."""
    files = {"build": {"env": {"A": "1", "B": "1"}, "mode": "a"}, "prod": None}
    call = {"build": {"env": {"B": "2"}, "mode": ""}, "dev": "text"}
    merged = sources.merged(files, None, call)
    assert merged == {"build": {"env": {"A": "1", "B": "2"}, "mode": ""}, "dev": "text"}


def test_variables_of_every_setting_are_read() -> None:
    """Invoke itself reads only those whose setting is in a file of the repository."""
    values = {"prod": {"memory": "64m", "csp": "strict"}, "dev": {"host_port": "3000"}}
    environ = {"INVOKE_PROD_MEMORY": "1g", "INVOKE_DEV_HOST_PORT": "3001", "INVOKE_OTHER": "1"}
    assert sources.of_environment(values, environ) == {"prod": {"memory": "1g"}, "dev": {"host_port": "3001"}}


def test_ports_that_no_source_has_get_the_default() -> None:
    """The roles are returned, because their ports may be taken by others."""
    values = {"dev": {"host_port": "3000"}, "prod": {"host_port": "8080"}}
    config = {"dev": {}, "prod": {"host_port": "9000"}}
    assert sources.fill_ports(config, values) == ("dev",)
    assert config == {"dev": {"host_port": "3000"}, "prod": {"host_port": "9000"}}
