"""Create an order, or show one; a proxy integration, so the function sets status and headers.

Nothing is stored: the number of an order consists of its item, quantity and a checksum.
"""

import json
import re
import zlib

ITEMS = ("mug", "teapot", "tea", "notebook", "pencil")
QUANTITY = "[1-9][0-9]?"  # 1 to 99


def handler(event, context):
    method = event["request_method"]
    path = event["request_uri"].partition("?")[0].rstrip("/")
    print(f"orders: {method} {path}")
    number = path.rpartition("/")[2]
    if number != "orders":
        return show(number, event) if method == "GET" else not_allowed("GET", event)
    return create(event) if method == "POST" else not_allowed("POST", event)


def create(event):
    wanted = event["request_body_args"]
    if not isinstance(wanted, dict):
        return result(422, {"message": "An order must be an object"}, event)
    item = wanted.get("item")
    if item not in ITEMS:
        return result(422, {"message": f"item must be one of {', '.join(ITEMS)}"}, event)
    # A form sends digits, JSON a number.
    quantity = str(wanted.get("quantity", 1))
    if not re.fullmatch(QUANTITY, quantity):
        return result(422, {"message": "quantity must be a number from 1 to 99"}, event)
    quantity = int(quantity)
    number = order_number(item, quantity)
    created = result(201, {"order": number, "item": item, "quantity": quantity}, event)
    created["headers"]["Location"] = f"/lambda/orders/{number}"
    created["multiValueHeaders"] = {"Link": ['</about>; rel="help"', '</contact>; rel="author"']}
    created["cookies"] = [
        f"last_order={number}; Path=/; SameSite=Lax",
        f"last_item={item}; Path=/; SameSite=Lax; HttpOnly",
    ]
    return created


def show(number, event):
    found = re.fullmatch(f"([a-z]+)-({QUANTITY})-[0-9a-f]{{8}}", number)
    if not found or number != order_number(found[1], int(found[2])):
        return result(404, {"message": "There is no such order"}, event)
    return result(200, {"order": number, "item": found[1], "quantity": int(found[2])}, event)


def not_allowed(method, event):
    refused = result(405, {"message": f"Only {method} is allowed here"}, event)
    refused["headers"]["Allow"] = method
    return refused


def order_number(item, quantity):
    return f"{item}-{quantity}-{zlib.crc32(f'{item}-{quantity}'.encode()):08x}"


def result(status, body, event):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({**body, "event": event}),
    }
