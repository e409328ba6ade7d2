"""The log for other tools: rows of answers and bets, and claims as notes for Anki."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sample_events import START, answer, wrong

from questions import exports
from questions.catalog import Bank, Text
from questions.events import Bet, Event, Result
from questions.schedule import Fold

LATER = START + timedelta(days=2)
EVENTS: list[Event] = [
    answer("E1.1", 0),
    answer("E1.1", 0, id="second look", at=START + timedelta(minutes=1), item="e11-left"),
    wrong("E1.1", 2),
    Bet(id="b", at=LATER, day=LATER.date(), lab="l", claim="E1.3", band=1, bands=4, p=0.7, run="r"),
    Result(id="r", at=LATER, day=LATER.date(), lab="l", run="r", claim="E1.3", band=2, bits=3.3, points=-4.9),
    Bet(id="b2", at=LATER, day=LATER.date(), lab="l2", claim="E1.4", band=None, bands=4, p=0.25, run="r2"),
]
WORDS = {
    "ask": "True?",
    "true": "true",
    "false": "false",
    "misleading": "misleading",
    "true-with-conditions": "in part",
}


def rows(bank: Bank) -> list[exports.Review]:
    state = Fold(bank)
    state.feed(EVENTS)
    return exports.reviews(EVENTS, state)


def test_a_table_has_a_row_for_each_answer_and_bet_and_the_rating_of_those_that_count(bank: Bank) -> None:
    text = b"".join(exports.as_csv(rows(bank))).decode()
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(row["event"], row["item"], row["rating"], row["ok"]) for row in table] == [
        ("answer", "e11-why", "good", "true"),
        ("answer", "e11-left", "", "true"),
        ("answer", "e11-why", "again", "false"),
        ("bet", "l", "again", "false"),
        ("bet", "l2", "", ""),
    ]
    assert table[0]["predicted"] == ""
    assert 0 < float(table[2]["predicted"]) < 1
    assert (table[3]["bits"], table[3]["points"], table[3]["option"]) == ("3.3", "-4.9", "1")
    assert table[0]["at"] == "2026-11-01T12:00:00Z"


def test_without_a_bank_only_the_ratings_are_missing(bank: Bank) -> None:
    bare = exports.reviews(EVENTS, None)
    assert bare == [replace(row, rating=None, predicted=None) for row in rows(bank)]


def test_the_document_holds_the_same_rows(bank: Bank) -> None:
    (document,) = exports.as_json(rows(bank), START)
    found = json.loads(document)
    assert (found["torchproof"], found["v"], len(found["reviews"])) == ("reviews", 1, 5)
    assert found["reviews"][2]["misconception"] == "forward-trains"
    assert found["reviews"][4]["ok"] is None


def notes(bank: Bank, lang: str = "en") -> list[str]:
    lines = b"".join(exports.as_anki(bank, bank.claims.values(), lang, WORDS, "Basic")).decode()
    assert lines.endswith("\n")
    return lines.split("\n")[:-1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_note_is_a_line_of_five_cells_under_headers_that_name_them(bank: Bank, lang: str) -> None:
    lines = notes(bank, lang)
    headers = [line for line in lines if line.startswith("#")]
    assert headers == [
        "#separator:tab",
        "#html:true",
        "#notetype:Basic",
        "#columns:Front\tBack\tDeck\tTags\tGUID",
        "#deck column:3",
        "#tags column:4",
        "#guid column:5",
    ]
    assert lines[: len(headers)] == headers
    cells = [line.split("\t") for line in lines[len(headers) :]]
    assert [row[4] for row in cells] == [f"torchproof-{claim}" for claim in bank.claims]
    assert all(len(row) == 5 for row in cells)
    assert cells[0][2].startswith("torchproof::E1 ")
    assert cells[0][3] == "torchproof E1"


def test_whatever_a_claim_holds_its_note_is_one_line_and_shows_it_as_it_is(bank: Bank) -> None:
    strange = '"quoted" <b>&amp;\t`a < b`\n  second\r\n#third [sound:x.mp3] {{c1::x}}'
    first = next(iter(bank.claims.values()))
    claim = replace(first, text=Text(strange, strange), why=Text(strange, strange), source=strange)
    entry = replace(bank.entries["E1"], title=Text('a::b\t"c"', 'a::b\t"c"'))
    odd = replace(bank, claims={claim.id: claim}, entries={**bank.entries, "E1": entry})
    (line,) = notes(odd)[7:]
    front, back, deck, tags, guid = line.split("\t")
    assert front.startswith("&quot;quoted&quot; &lt;b&gt;&amp;amp;")
    assert "<code>a &lt; b</code><br>&nbsp;&nbsp;second<br>#third" in front
    assert "<b>false</b>" in back
    assert deck == "torchproof::E1 a:b 'c'"
    assert (tags, guid) == ("torchproof E1", "torchproof-E1.1")
