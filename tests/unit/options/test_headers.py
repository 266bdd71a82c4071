"""The `headers` condition."""

import pytest

from wsgi_lambda.options import headers


def test_names_and_values_are_in_lower_case():
    condition, content_type = headers.conditions({"X-Tier": ["Gold"], "Content-Type": ["a/b"]})
    assert (condition.name, condition.values) == ("x-tier", {"gold"})
    assert (condition.key, content_type.key) == ("HTTP_X_TIER", "CONTENT_TYPE")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param([], "must be a mapping of header names to lists of values", id="list"),
        pytest.param({}, "must name at least one header", id="empty"),
        pytest.param({"X-A": []}, "must be a non-empty list of strings", id="no-values"),
        pytest.param({"X-A": "a"}, "must have a list of values for each", id="string"),
        pytest.param({"X A": ["a"]}, "valid header names", id="blank-in-a-name"),
        pytest.param({7: ["a"]}, "valid header names", id="number"),
        pytest.param({"host": ["a"]}, "must not contain Host; use the option hosts", id="host"),
        pytest.param({"X-A": ["~*^a"]}, "regular expressions", id="regex-of-kong"),
        pytest.param({"X-A": ["a\nb"]}, "values that a header can have", id="line-end"),
        pytest.param({"X-A": [" a"]}, "values that a header can have", id="blank"),
        pytest.param({"X-A": ["a"], "x-a": ["b"]}, "a header name twice", id="name-twice"),
    ],
)
def test_invalid_condition_is_rejected(value, text):
    with pytest.raises(ValueError, match="must") as caught:
        headers.conditions(value)
    assert text in str(caught.value)
