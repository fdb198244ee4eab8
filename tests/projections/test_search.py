"""test_search: does a search find what its reader may read, best first, and nothing of what they may not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from psycopg import AsyncConnection, Connection

from aggregates.envelope import Recorded
from aggregates.text import Erased
from aggregates.ticket import events as facts
from projections import search_queries as queries
from projections.cursor import InvalidCursor, Page
from projections.search_asked import asked
from projections.search_queries import Hit, OwnHit, SearchFilter
from projections.similar_queries import Similar, rarest, said_in, similar
from tests.databases import Database
from tests.projections.harness import Build, build, connected
from tests.projections.harness import asked as answered
from tests.projections.histories import (
    AGENTS,
    CANARY,
    CUSTOMERS,
    LENIENT,
    START,
    STREAMS,
    TEAMS,
    logs,
    recorded,
    story,
)

ID, OTHER = STREAMS[:2]
ANNA, OTTO = CUSTOMERS
OPENED = facts.Opened(number=1042, requester=ANNA, subject="Printer on fire", channel="email", team=TEAMS[0])
ALL = 2**60
Ask = Callable[[Callable[[AsyncConnection[Any]], Any]], Any]


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture(scope="module")
def live(connection: Connection[Any]) -> Build:
    """Beside the view of tickets, which has the texts."""
    tickets = build(connection, "tickets")
    tickets.go_live()
    search = build(connection, "search")
    search.go_live()
    return search


@pytest.fixture
def view(live: Build) -> Iterator[Build]:
    yield live
    live.emptied()


@pytest.fixture
def ask(module_database: Database) -> Ask:
    return partial(answered, module_database.app_url)


def hits(ask: Ask, query: str, limit: int = 50, cursor: str | None = None, upto: int = ALL, **wanted: Any) -> Page[Hit]:
    what = asked(query, in_body=wanted.get("where") in ("public", "internal"))
    assert what is not None
    page: Page[Hit] = ask(lambda c: queries.search(c, what, SearchFilter(**wanted), upto, limit, cursor))
    return page


def own(ask: Ask, query: str, who: UUID = ANNA, limit: int = 50, cursor: str | None = None) -> Page[OwnHit]:
    what = asked(query)
    assert what is not None
    page: Page[OwnHit] = ask(lambda c: queries.search_own(c, what, who, limit, cursor))
    return page


def numbers(page: Page[Hit] | Page[OwnHit]) -> list[int]:
    return [hit.number for hit in page.items]


def message(body: str | Erased, author: UUID = ANNA) -> facts.MessageReceived:
    return facts.MessageReceived(author=author, body=body, channel="email")


def opened(number: int, subject: str, **more: Any) -> facts.Opened:
    return OPENED.model_copy(update={"number": number, "subject": subject} | more)


def test_a_hit_names_the_text_that_says_it_best(view: Build, ask: Ask) -> None:
    view.apply(
        story(
            ID, OPENED, message("It smokes."), facts.ReplyAdded(body="Smoke? Pull the plug."), facts.NoteAdded(body="x")
        )
    )
    (hit,) = hits(ask, "printer plug").items
    assert (hit.number, hit.kind, hit.version, hit.subject, hit.author_kind) == (
        1042,
        "public",
        3,
        OPENED.subject,
        "agent",
    )
    (hit,) = hits(ask, "printers").items
    assert (hit.kind, hit.version) == ("subject", 1)
    assert [hits(ask, query).items[0].kind for query in ("T-1042", "1042")] == ["subject", "subject"]


def test_where_it_stands_can_be_asked_for(view: Build, ask: Ask) -> None:
    view.apply(story(ID, OPENED, message("The scanner, too"), facts.NoteAdded(body="He smokes near the toner")))
    assert numbers(hits(ask, "printer", where="subject")) == [1042]
    assert numbers(hits(ask, "scanner", where="subject")) == []
    assert numbers(hits(ask, "scanner", where="public")) == [1042]
    assert numbers(hits(ask, "printer", where="public")) == []
    assert numbers(hits(ask, "toner", where="internal")) == [1042]
    assert numbers(hits(ask, "toner", where="public")) == []


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ({"statuses": ["open", "closed"]}, True), ({"statuses": ["new"]}, False), ({"team": TEAMS[0]}, True),
        ({"team": TEAMS[1]}, False), ({"assignee": AGENTS[1]}, True), ({"assignee": AGENTS[0]}, False),
        ({"priorities": ["normal"]}, True), ({"priorities": ["urgent"]}, False), ({"channel": "email"}, True),
        ({"channel": "chat"}, False), ({"tag": "hot"}, True), ({"tag": "cold"}, False), ({"requester": ANNA}, True),
        ({"requester": OTTO}, False), ({"category": "Billing"}, False), ({"since": START}, True),
        ({"since": START + timedelta(minutes=1)}, False), ({"until": START}, False),
        ({"until": START + timedelta(minutes=1), "statuses": ["open"], "tag": "hot"}, True),
    ],
)  # fmt: skip
def test_a_search_is_filtered_by_what_the_ticket_is_now(
    view: Build, ask: Ask, wanted: dict[str, Any], is_found: bool
) -> None:
    view.apply(story(ID, OPENED, facts.Assigned(agent=AGENTS[1]), facts.Tagged(tags=("hot", "b,c"))))
    assert numbers(hits(ask, "printer", **wanted)) == [1042] * is_found


def test_what_stands_in_the_subject_counts_more_than_what_stands_far_below(view: Build, ask: Ask) -> None:
    view.apply(story(ID, opened(1001, "Question"), message("My neighbour once had a printer. " + "And so on. " * 50)))
    view.apply(story(OTHER, opened(1002, "Printer"), message("It smokes.")))
    assert numbers(hits(ask, "printer")) == [1002, 1001]


def test_pages_hold_every_ticket_once_whatever_comes_in_between(view: Build, ask: Ask) -> None:
    for n in range(7):
        view.apply(story(UUID(int=n + 1), opened(1001 + n, f"Printer {'printer ' * (n % 3)}"), message("A printer.")))
    upto, found, cursor = len(view.log), [], None
    while True:
        page = hits(ask, "printer", 2, cursor, upto)
        found += numbers(page)
        cursor = page.next
        if cursor is None:
            break
        new = story(UUID(int=100 + len(found)), opened(2000 + len(found), "Printer printer printer"))
        view.apply([replace(event, position=upto + 1 + len(found)) for event in new])
        assert own(ask, "printer", limit=2).next is not None
    assert sorted(found) == [*range(1001, 1008)]
    assert len(hits(ask, "printer").items) > 7


def test_a_customers_pages_hold_every_ticket_once(view: Build, ask: Ask) -> None:
    for n in range(5):
        view.apply(story(UUID(int=n + 1), opened(1001 + n, "Printer"), message("A printer.")))
    first = own(ask, "printer", limit=3)
    rest = own(ask, "printer", limit=3, cursor=first.next)
    assert sorted(numbers(first) + numbers(rest)) == [*range(1001, 1006)]
    assert rest.next is None


@pytest.mark.parametrize("nonsense", ["", "x", "!!!", "bnVsbA", "WzEsMl0", "WzEsMS4wLCJ4IiwieSJd"])
def test_a_made_up_cursor_is_refused(view: Build, ask: Ask, nonsense: str) -> None:
    for search in (hits, own):
        with pytest.raises(InvalidCursor):
            search(ask, "printer", cursor=nonsense)


def test_customers_find_their_own_public_texts_alone(view: Build, ask: Ask) -> None:
    view.apply(
        story(ID, OPENED, facts.NoteAdded(body="a troublemaker"), message("Smoke"), facts.ReplyAdded(body="Run"))
    )
    view.apply(story(OTHER, opened(1043, "Printer, too", requester=OTTO)))
    (hit,) = own(ask, "printer run").items
    assert (hit.number, hit.message, hit.author, hit.own) == (1042, 2, "support", False)
    (hit,) = own(ask, "smoke").items
    assert (hit.message, hit.author, hit.own) == (1, "customer", True)
    assert numbers(own(ask, "troublemaker")) == []
    assert numbers(own(ask, "printer", OTTO)) == [1043]
    assert own(ask, "printer", OTTO).items[0].message is None
    assert numbers(hits(ask, "troublemaker")) == [1042]


@given(log=logs())
@settings(LENIENT, max_examples=25)
def test_what_customers_find_is_the_same_as_if_no_note_had_ever_been_written(
    module_database: Database, live: Build, log: list[Recorded]
) -> None:
    def told(events: list[Recorded]) -> list[Any]:
        live.enter()
        live.apply(events)
        found = answered(module_database.app_url, _all_that_customers_find)
        live.emptied()
        return found

    assert told(log) == told([event for event in log if not isinstance(event.fact, facts.NoteAdded)])


async def _all_that_customers_find(connection: AsyncConnection[Any]) -> list[Any]:
    queried = [CANARY, "an answer", f"answer OR {CANARY}", f"answer -{CANARY}", "mm", "t"]
    wanted = [what for query in queried if (what := asked(query))]
    return [await queries.search_own(connection, what, who, 50) for what in wanted for who in CUSTOMERS]


def test_what_was_erased_is_not_found_any_more(view: Build, ask: Ask) -> None:
    history = story(ID, OPENED, message("It smokes"), facts.NoteAdded(body="again"))
    view.apply(history)
    assert numbers(hits(ask, "printer OR smoke OR again")) == [1042]
    gone = Erased()
    erased: list[facts.TicketFact] = [
        OPENED.model_copy(update={"subject": gone}),
        message(gone),
        facts.NoteAdded(body=gone),
    ]
    view.projection.erase(view.connection, [ID])
    view.projection.save(view.connection, [view.projection.refold(story(ID, *erased))])
    assert numbers(hits(ask, "printer OR smoke OR again OR 1042")) == []
    assert view.contents()["search_texts"] == []


def test_a_copied_build_finds_the_same(connection: Connection[Any], view: Build, ask: Ask) -> None:
    log = [
        *story(ID, OPENED, message("It smokes"), facts.NoteAdded(body='quo"te, \\ {x}')),
        *story(OTHER, opened(1043, "\u6253\u5370\u673a"), message("\u0422\u0438 \u0433\u043e\u0440\u0438\u0448?")),
    ]
    view.apply(log)
    copied = build(connection, "search")
    copied.copy(log)
    assert copied.contents() == view.contents()
    assert len(copied.contents()["search_texts"]) == 5


SOLVED = [
    ("Cannot log in after password reset", "The portal says my account is locked.", "account_unlocked"),
    ("Printer prints blank pages", "New toner, and all pages stay white.", "toner_replaced"),
    ("Login fails", "My password was reset, and now the account is locked again.", "password_set"),
    ("Invoice twice", "I got the same invoice two times, please cancel one.", "refunded"),
]


def alike(ask: Ask, ticket: UUID) -> list[Similar]:
    return ask(lambda c: similar(c, ticket, 5)) or []


def test_solved_tickets_about_the_same_come_with_how_they_were_solved(view: Build, ask: Ask) -> None:
    for n, (subject, body, code) in enumerate(SOLVED):
        resolved = facts.Resolved(was="open", code=code)
        view.apply(story(UUID(int=n + 1), opened(1001 + n, subject), message(body), resolved))
    view.apply(story(UUID(int=50), opened(1050, "Locked account, reset password"), message("Log in impossible.")))
    view.apply(story(UUID(int=51), opened(1051, "My account"), facts.Resolved(was="open", code="spam"),
                     facts.MarkedSpam(was="resolved")))  # fmt: skip
    view.apply(story(ID, OPENED.model_copy(update={"subject": "Account locked after a password reset"})))
    found = alike(ask, ID)
    assert {hit.number: hit.resolution_code for hit in found} == {1001: "account_unlocked", 1003: "password_set"}
    assert all(0 < hit.score <= 1 for hit in found)
    assert {"account", "locked", "password", "reset"} >= {*found[0].words} >= {"locked", "reset"}
    assert ask(lambda c: similar(c, UUID(int=999), 5)) is None


def test_a_word_counts_the_more_the_rarer_it_is_and_the_rarest_are_looked_for_first() -> None:
    shares = {"en/printer": 1.0, "en/smoke": 0.1, "sl/smoke": 0.05, "fire": 0.9}
    said = said_in("The printers smoke; kaleidoscope ERR-4042, printer", shares)
    assert [word.word for word in said] == ["4042", "err", "kaleidoscope", "smoke", "printers"]
    assert said[3].share == 0.1
    weights = [word.weight for word in said]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0
    assert [word.word for word in rarest(said, 1_000_000)] == ["4042", "err", "kaleidoscope"]
    assert rarest(said, 100) == said


def test_notes_make_no_ticket_similar(view: Build, ask: Ask) -> None:
    view.apply(story(OTHER, opened(1001, "Hello"), message("?"), facts.NoteAdded(body="printer on fire"),
                     facts.Resolved(was="open", code="x")))  # fmt: skip
    view.apply(story(ID, OPENED))
    assert alike(ask, ID) == []


def test_a_late_or_early_text_is_found_in_order_of_the_log(view: Build, ask: Ask) -> None:
    early = recorded(ID, 1, message("before it was opened"), at=START, position=1)
    view.apply([early, recorded(ID, 2, OPENED, at=START, occurred_at=START - timedelta(days=1), position=2)])
    assert numbers(hits(ask, "opened")) == [1042]
    assert numbers(own(ask, "opened")) == [1042]
