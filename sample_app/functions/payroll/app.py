"""What the shop's own user may not invoke; a role that the user may assume may."""


def handler(event, context):
    print("payroll: one look")
    return {"earned": {"ada": 3100, "grace": 3300}, "event": event}
