"""Search the catalogue by name (`q`), highest price (`max_price`) and tags (`tag`)."""

CATALOGUE = (
    {"item": "mug", "name": "Enamel mug", "price": 12.5, "tags": ["kitchen", "gift"]},
    {"item": "teapot", "name": "Stoneware teapot", "price": 34.0, "tags": ["kitchen"]},
    {"item": "tea", "name": "Darjeeling tea, 100 g", "price": 7.9, "tags": ["food", "gift"]},
    {"item": "notebook", "name": "Dotted notebook", "price": 9.0, "tags": ["paper", "gift"]},
    {"item": "pencil", "name": "Cedar pencil", "price": 1.2, "tags": ["paper"]},
)


def handler(event, context):
    words = as_text(event.get("q")).lower()
    tags = {as_text(tag).lower() for tag in as_list(event.get("tag"))}
    try:
        max_price = float(event.get("max_price") or "inf")
    except (TypeError, ValueError):
        return {"message": "max_price must be a number", "event": event}
    found = [
        item
        for item in CATALOGUE
        if words in item["name"].lower()
        and tags.issubset(item["tags"])
        and item["price"] <= max_price
    ]
    print(f"catalogue: {len(found)} found")
    return {"found": len(found), "items": found, "event": event}


def as_list(value):
    """Return the values of an argument: a list if it is repeated, None if it is missing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_text(value):
    # `?q` without a value is true in the event, `?q=a&q=b` is a list: neither searches.
    return str(value) if isinstance(value, (str, int, float)) and value is not True else ""
