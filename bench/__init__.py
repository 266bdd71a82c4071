"""Compare the middleware with boto3 and plain requests: `python -m bench`.

Start with `__main__.py`. Each figure in `figures/` measures its contenders once
per round, `targets.py` computes ratios from the measurements, and `report.py`
and `plot.py` show them. The bench is not installed with the package.
"""
