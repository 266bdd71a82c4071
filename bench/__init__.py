"""What the middleware costs, against boto3 and plain requests: `python -m bench`.

Start with `__main__.py`. A figure (`figures/`) measures its contenders once a
round, `targets.py` makes ratios of what was measured, `report.py` and `plot.py`
show them. Nothing here is installed with the package.
"""
