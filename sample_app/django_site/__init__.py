"""The shop in Django: functions around it (wsgi.py) and in it (members.py)."""
