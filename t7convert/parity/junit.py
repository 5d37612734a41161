"""The parity report as JUnit XML, which CI systems show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from t7convert.parity.report import ParityReport, Row

#: What XML 1.0 can't hold; a Lua string may.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: ParityReport) -> str:
    """Return one test suite: a test case per comparison and per fact."""
    cases = [_case(row) for row in report.rows]
    for fact in report.facts:
        case = _element("testcase", classname="fact", name=fact.name)
        if not fact.ok:
            case.append(_element("failure", message=fact.detail))
        cases.append(case)
    if not report.compared:
        case = _element("testcase", classname="fact", name="outputs compared")
        case.append(_element("failure", message="nothing was compared"))
        cases.append(case)
    unchecked = [] if report.allow_unchecked else report.unchecked
    suite = _element(
        "testsuite",
        name=f"t7convert verify {report.source}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases) + len(unchecked)),
        skipped=str(sum(case.find("skipped") is not None for case in cases) - len(unchecked)),
        errors="0",
    )
    for case in cases:
        skipped = case.find("skipped")
        if skipped is not None and unchecked and skipped.get("type") == "unchecked":
            skipped.tag = "failure"
        suite.append(case)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(row: Row) -> ElementTree.Element:
    name = f"{row.path or '<root>'} ({row.typename})" + (f" on {row.trial}" if row.trial else "")
    case = _element("testcase", classname=row.kind, name=name)
    if row.bad:
        case.append(_element("failure", message=str(row)))
    elif row.status in ("unchecked", "stale"):
        case.append(_element("skipped", type=row.status, message=row.note))
    return case


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    clean = {name: _FORBIDDEN.sub("?", value) for name, value in attributes.items()}
    return ElementTree.Element(tag, clean)
