"""The shop in Django: an ordinary project, with LambdaMiddleware in wsgi.py only."""
