"""Which names does a fact take for its stream, that no other stream may hold?"""

from __future__ import annotations

from uuid import UUID

from aggregates.customer import ContactsChanged
from aggregates.fact import Fact
from aggregates.ticket.events import Imported, Opened
from commands.desk import EMAIL, email_key
from commands.tickets import NUMBER, number_key

Name = tuple[str, bytes, UUID]
"""Namespace, key, stream."""
NAMING = frozenset({Opened.type_name, Imported.type_name, ContactsChanged.type_name})
"""No other type of fact takes a name: who restores a desk need not decode the rest."""


def case_name(source: str, case: str, stream: UUID) -> Name:
    """The ticket that another system's case became."""
    return f"import.{source}", case.encode(), stream


def names_of(stream: UUID, fact: Fact, secret: bytes) -> tuple[Name, ...]:
    """`secret`: the desk's, for e-mail addresses leave their stream only as keyed digests."""
    match fact:
        case Opened():
            return ((NUMBER, number_key(fact.number), stream),)
        case Imported():
            return (case_name(fact.source, fact.case, stream),)
        case ContactsChanged():
            emails = (contact.value for contact in fact.contacts if contact.kind == "email")
            return tuple((EMAIL, email_key(secret, email), stream) for email in emails if isinstance(email, str))
        case _:
            return ()
