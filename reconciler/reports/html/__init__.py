"""Plans and reports as one self-contained HTML file, which is complete without its script.

Texts of tasks are hostile. They become text or attribute values through `elements`, and nothing else; styles and
script are constant, and the page's security policy admits those two by their hashes and nothing besides.
"""

from reconciler.reports.html.plan import render_plan_html
from reconciler.reports.html.report import render_report_html

__all__ = ["render_plan_html", "render_report_html"]
