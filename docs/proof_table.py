"""Puts what `torchproof prove --json` measured into both READMEs, between their `proof` marks.

    torchproof prove --json > proof.json && python docs/proof_table.py proof.json [MORE.json ...]

One row a claim, from the first file; of further ones, made with other `--base-seed`s, only the totals.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START, END = "<!-- proof -->\n", "<!-- end of proof -->"
WORDS = {
    "README.md": (
        "{date}, {cpu}, {cores} cores, no GPU, torch {torch}, Python {python}; {labs} labs, two at a time.",
        "First seed {base}: {confirmed} of {all} claims confirmed, {contradicted} contradicted, "
        "{undecided} undecided, in {seconds:.0f} s.",
        "One row a claim",
        "| claim | labs | rules that came out as registered | measured for the first rule | seeds | s |",
        "supported",
        "refuted",
    ),
    "README.zh-CN.md": (
        "{date}，{cpu}，{cores} 核，无 GPU，torch {torch}，Python {python}；{labs} 个实验，两个同时进行。",
        "起始种子 {base}：{all} 条论断中 {confirmed} 条得到确认，{contradicted} 条相反，{undecided} 条未定，"
        "共 {seconds:.0f} 秒。",
        "每条论断一行",
        "| 论断 | 实验 | 与登记相符的判定 | 第一条规则的实测 | 种子 | 秒 |",
        "成立",
        "不成立",
    ),
}


def table(claims: list[dict[str, Any]], header: str, supported: str, refuted: str) -> list[str]:
    """Markdown rows, a claim each."""
    lines = [header, "|---|---|---|---|---:|---:|"]
    for claim in dict.fromkeys(row["claim"] for row in claims):
        rows = [row for row in claims if row["claim"] == claim]
        labs = {row["lab"]: row["seconds"] for row in rows}
        agree = [row["verdict"] for row in rows if row["status"] == "confirmed"]
        counts = [f"{agree.count(v)} {word}" for v, word in (("supported", supported), ("refuted", refuted))]
        words = ", ".join(count for count in counts if not count.startswith("0 ")) + f" / {len(rows)}"
        first = rows[0]
        effect = "" if first["effect"] is None else f"{first['effect']:.4g}"
        interval = "" if not first["interval"] else "[{:.4g}, {:.4g}]".format(*first["interval"])
        names = ", ".join(f"`{lab}`" for lab in labs)
        seconds = sum(labs.values())
        lines.append(
            f"| {claim} | {names} | {words} | {effect} {interval} | {first['seeds']} | {seconds:.1f} |"
        )
    return lines


def facts(proof: dict[str, Any]) -> dict[str, Any]:
    """What the sentences of WORDS name."""
    totals, hardware = proof["totals"], proof["hardware"]
    return {
        **totals["claims"],
        "date": proof["began"][:10],
        "cpu": hardware["cpu"],
        "cores": hardware["cores"],
        "torch": proof["versions"]["torch"].partition("+")[0],
        "python": proof["versions"]["python"],
        "labs": totals["labs"],
        "seconds": totals["seconds"],
        "base": proof["terms"]["base_seed"],
    }


def main() -> None:
    proofs = [json.loads(Path(file).read_text(encoding="utf-8")) for file in sys.argv[1:]]
    for name, (said, run, summary, header, supported, refuted) in WORDS.items():
        text = [said.format(**facts(proofs[0])), "", *(f"- {run.format(**facts(proof))}" for proof in proofs)]
        rows = table(proofs[0]["claims"], header, supported, refuted)
        block = "\n".join(
            [*text, "", f"<details><summary>{summary}</summary>", "", *rows, "", "</details>", ""]
        )
        path = ROOT / name
        readme = path.read_text(encoding="utf-8")
        before, start, rest = readme.partition(START)
        _, end, after = rest.partition(END)
        if not end:
            raise SystemExit(f"{path}: the marks {START.strip()} and {END} are missing")
        path.write_text(before + start + block + end + after, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
