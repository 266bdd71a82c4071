"""The request that `authorize` reads: a body that cannot be parsed never looks empty.

Imported at the first request to a route with `authorize`, or the first form of such an app.
"""

from __future__ import annotations

import io
from typing import IO, Any

from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request

from wsgi_lambda.event.multipart import check_headers

# Less than this has no headers that take long.
_LARGE = 1024 * 1024  # bytes


class StrictParser(FormDataParser):
    """Werkzeug's parser, which raises `BadRequest` for a malformed form.

    Werkzeug returns an empty form instead. The event's own parser is more tolerant
    (raw bytes that are not UTF-8), so a function would get arguments that the hook
    has not seen. The headers of the parts are limited as in the event's own parser.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "silent": False})

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        try:
            if mimetype == "multipart/form-data":
                body = stream.read()
                if len(body) > _LARGE:
                    boundary = (options or {}).get("boundary", "")
                    check_headers(boundary.encode(), body, self.max_form_parts or 0)
                stream = io.BytesIO(body)
            return super().parse(stream, mimetype, content_length, options)
        except ValueError as error:
            raise BadRequest("The request's body cannot be parsed") from error


class ReadableRequest(Request):
    """Werkzeug's Request; ``form``, ``files`` and ``values`` raise `BadRequest` (a 400).

    ::

        request.form["amount"]
    """

    form_data_parser_class = StrictParser
