from __future__ import annotations

import pytest

from docktasks.verify.probes import nginx_config, ways
from docktasks.verify.probes.nginx_config import Words


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("location ~ ^/go(?<rest>//.*)$ { return 302 $rest; }", Words(paths=("/go",))),
        ("location = /old/page { }\n# as in /comment", Words(paths=("/old/page",))),
        ("if ($arg_next) { return 302 $arg_next; }", Words(arguments=("next",))),
        ("if ($http_x_debug) { return 200 a; }", Words(headers=("x-debug",))),
        ("root /srv/site; include /tmp/a.conf; map $http_accept $a { }", Words()),
    ],
)
def test_names_that_our_configuration_lacks_are_found(text: str, named: Words) -> None:
    """A request can be answered in another way by them, so the survey asks with them."""
    assert nginx_config.words([text]) == named


def test_names_become_ways_of_asking() -> None:
    """An argument may hold the target of a redirect, and a header anything."""
    requests = ways.ways_of(Words(arguments=("next",), headers=("x-debug",)), "http://127.0.0.1")
    assert requests["target https://canary-5f2c.example"].path.endswith("&next=https://canary-5f2c.example")
    assert requests["header 1"].headers == (("x-debug", "1"),)
    origin = ("origin", "http://127.0.0.1.canary-5f2c.example.127.0.0.1")
    others = ways.ways_of(Words(), "http://127.0.0.1")
    assert others["like origin"] == ways.get(origin)
    assert not any(name.startswith("header") for name in others)


def test_visitors_ask_with_all_that_one_request_can_have() -> None:
    """The words in braces of the table are filled in."""
    assert dict(ways.VISITORS["foreign host"].headers)["forwarded"] == "host=canary-5f2c.example"
    assert len(ways.VISITORS["a desktop"].path) > ways.LONG_CHARS
    texts = [text for way in ways.VISITORS.values() for text in (way.path, *(value for _, value in way.headers))]
    assert not any("{" in text for text in texts)


def test_rules_of_a_site_are_read() -> None:
    """The assembler writes them as a map of nginx."""
    text = """map $request_uri $rule_redirect {
    "~^/go(?:/+(?<rule_0>(?!/)[^?]*))?/*(?:\\\\?|$)" "302 /docs/${rule_0}";
    "~^page 200" "/index.html";
}"""
    (rule,) = nginx_config.redirected([text])
    (forced,) = nginx_config.redirected([text.replace('"302 ', '"302! ')])  # also where the site has a file
    assert forced == rule
    assert [bool(rule.search(path)) for path in ("/go/a?b", "/go", "/image")] == [True, True, False]
