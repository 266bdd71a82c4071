"""The shop in Django: an ordinary project; LambdaMiddleware is in wsgi.py alone."""
