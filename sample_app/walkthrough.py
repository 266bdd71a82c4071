"""Commands to try by hand, each with its output; the end-to-end tests run all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A shell command and its output; ``{url}`` stands for the URL of the shop."""

    about: str
    command: str
    prints: tuple[str, ...]


STATUS = "-o /dev/null -w '%{http_code}\\n'"

LINES = (
    Line(
        "search the catalogue; the query becomes the event",
        "curl -s '{url}/lambda/catalogue?q=mug&tag=gift'",
        (
            '{"found": 1, "items": [{"item": "mug", "name": "Enamel mug", "price": 12.5, '
            '"tags": ["kitchen", "gift"]}], "event": {"q": "mug", "tag": "gift"}}',
        ),
    ),
    Line(
        "form fields override the query",
        "curl -s '{url}/lambda/echo?q=mug&page=2' -d q=tea -d tag=new -d tag=gift",
        ('{"q": "tea", "page": "2", "tag": ["new", "gift"]}',),
    ),
    Line(
        "order two mugs in JSON; the function sets status, headers and cookies",
        "curl -s -D - -o /dev/null {url}/lambda/orders -H 'Content-Type: application/json'"
        ' -d \'{"item": "mug", "quantity": 2}\''
        " | grep -iE '^(HTTP|Location|Set-Cookie)'",
        (
            "HTTP/1.1 201 Created",
            "Location: /lambda/orders/mug-2-5e04c285",
            "Set-Cookie: last_order=mug-2-5e04c285; Path=/; SameSite=Lax",
            "Set-Cookie: last_item=mug; Path=/; SameSite=Lax; HttpOnly",
        ),
    ),
    Line(
        "draw a price label, a PNG",
        "curl -s -o /dev/null -w '%{http_code} %{content_type}\\n'"
        " '{url}/lambda/label?text=Enamel+mug&price=12.50'",
        ("200 image/png",),
    ),
    Line(
        "upload a file; the function returns its size and SHA-256",
        "echo hello | curl -s {url}/lambda/upload -F title=Note -F 'file=@-;filename=note.txt'"
        " | cut -d} -f1",
        (
            '{"files": [{"field": "file", "filename": "note.txt", "content_type": "text/plain", '
            '"size": 6, "sha256": '
            '"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"',
        ),
    ),
    Line(
        "a complete Flask app in a function: a form, a redirect, a page",
        "curl -s -L -b '' {url}/lambda/reviews -d 'review=Keeps tea warm' | grep -o '<li>.*</li>'",
        ("<li>Keeps tea warm</li>",),
    ),
    Line(
        "a function that raises an exception: the route's unhandled_status",
        f"curl -s {STATUS} {{url}}/lambda/broken",
        ("500",),
    ),
    Line(
        "subscribe; the invocation is asynchronous, so the response is a 202",
        f"curl -s {STATUS} {{url}}/lambda/newsletter -d email=ada@shop.test",
        ("202",),
    ),
    Line(
        "a function that exceeds the route's timeout of 1.5 seconds",
        f"curl -s {STATUS} '{{url}}/lambda/slow?seconds=3'",
        ("504",),
    ),
    Line(
        "a response that streams word by word; -N shows each word immediately",
        "curl -sN '{url}/lambda/chat?pause=0.2' | grep --line-buffered -m 3 '^data: .'",
        ("data: Yes,", "data: we", "data: have"),
    ),
    Line(
        "a stream that fails before its first byte",
        f"curl -s {STATUS} '{{url}}/lambda/chat?fail=begin'",
        ("502",),
    ),
    Line(
        "a stream that fails in the middle: the transfer is cut off, never ended cleanly",
        "curl -sSN '{url}/lambda/chat?fail=middle&pause=0' 2>&1 | grep -E '^(data|curl)'",
        (
            "data: Yes,",
            "data: we",
            "data: have",
            "curl: (18) transfer closed with outstanding read data remaining",
        ),
    ),
    Line(
        "a function that the app's user may not invoke",
        f"curl -s {STATUS} {{url}}/lambda/forbidden",
        ("502",),
    ),
    Line(
        "the same function, invoked with an assumed role",
        f"curl -s {STATUS} {{url}}/lambda/payroll",
        ("200",),
    ),
    Line(
        "a page of the app: a route owns whole segments of a path",
        "curl -s {url}/lambda-prices | grep -o '<h1>.*</h1>'",
        ("<h1>Lambda prices</h1>",),
    ),
)


def printed(url: str) -> str:
    """Return the commands and their output as the demo prints them."""
    text = []
    for line in LINES:
        text += [f"  # {line.about}", f"  {line.command.replace('{url}', url)}"]
        text += [f"      {output}" for output in line.prints]
        text.append("")
    return "\n".join(text)
