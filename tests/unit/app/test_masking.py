from __future__ import annotations

import io

from docktasks.app.inputs import SECRETS_VARIABLE
from docktasks.app.masking import MaskedStream, masker

ENVIRON = {
    SECRETS_VARIABLE: "export NPM_TOKEN='s3cret token'\nexport KEY='-----BEGIN\nabcdef\n--'\nexport S=s3cr\nexport ON=1"
}


def test_secrets_are_taken_out_of_a_text() -> None:
    """Each line of a secret is one. What has three characters stands everywhere by chance."""
    assert masker(ENVIRON)("1 s3cret token s3cr s3cre abcdef --") == "1 *** *** ***e *** --"
    assert masker({})("1 s3cret") == "1 s3cret"


def test_stream_masks_a_secret_that_comes_in_two_parts() -> None:
    """A line is shown as soon as it is complete, and the last one at the end."""
    shown = io.StringIO()
    stream = MaskedStream(shown, masker(ENVIRON))
    stream.write("one\nit is s3cret")
    assert shown.getvalue() == "one\n"
    stream.write(" token\nabc")
    assert shown.getvalue() == "one\nit is ***\n"
    stream.write("def")
    stream.end()
    assert shown.getvalue() == "one\nit is ***\n***"
