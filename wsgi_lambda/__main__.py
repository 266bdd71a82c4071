"""``python -m wsgi_lambda``: the command line."""

from wsgi_lambda.cli import main

raise SystemExit(main())
