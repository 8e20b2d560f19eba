"""Text from templates: the one jinja2 environment. It makes no resource and knows no daemon."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

TEMPLATES = Path(__file__).parents[1] / "templates"


def _plain_json(value: object) -> str:
    # jinja2's own `tojson` escapes for HTML, which daemons would read as other characters.
    return json.dumps(value, ensure_ascii=False, default=_refuse)


def _refuse(value: object) -> object:
    if isinstance(value, Undefined):
        str(value)  # raises UndefinedError, which names the missing value
    raise TypeError(f"{type(value).__name__} has no JSON form")


ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    autoescape=False)  # noqa: S701 - the output is never HTML
ENVIRONMENT.filters["json"] = _plain_json


def render(template: str, **values: Any) -> str:
    """Return the text of `<daemon>/<file>.j2`; raises jinja2.UndefinedError when a value is missing."""
    return ENVIRONMENT.get_template(template).render(**values)
