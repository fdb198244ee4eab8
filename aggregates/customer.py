"""Customers and their organisations: whom do we serve, how are they reached, and which tier are they?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal, assert_never
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from aggregates.errors import require
from aggregates.fact import Command, Fact
from aggregates.text import Erased, LanguageTag, Line, Name, Personal, SafeText

ContactKind = Literal["email", "phone", "social", "chat"]
Tier = Literal["standard", "premium", "vip"]


class Contact(BaseModel):
    """One way to reach somebody, as it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ContactKind
    value: Personal


class EnteredContact(BaseModel):
    """One way to reach somebody, as it is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ContactKind
    value: Line


class CustomerRegistered(Fact, type_name="customer.registered.v1"):
    name: Personal
    language: SafeText | None = None
    tier: Tier = "standard"
    organisation: UUID | None = None


class CustomerRenamed(Fact, type_name="customer.renamed.v1"):
    name: Personal


class ContactsChanged(Fact, type_name="customer.contacts_changed.v1"):
    """All contacts, as they are from now on."""

    contacts: tuple[Contact, ...]


class LanguageChanged(Fact, type_name="customer.language_changed.v1"):
    language: SafeText | None


class TierChanged(Fact, type_name="customer.tier_changed.v1"):
    tier: Tier
    was: Tier


class OrganisationChanged(Fact, type_name="customer.organisation_changed.v1"):
    organisation: UUID | None


class AskedToRate(Fact, type_name="customer.asked_to_rate.v1", bookkeeping=True):
    """A survey asked about a ticket of theirs: whoever asks next must know, on whichever ticket that is."""

    survey: UUID
    ticket: UUID
    request: UUID
    at: AwareDatetime


class OrganisationRegistered(Fact, type_name="organisation.registered.v1"):
    name: SafeText


class OrganisationRenamed(Fact, type_name="organisation.renamed.v1"):
    name: SafeText


CustomerFact = (
    CustomerRegistered
    | CustomerRenamed
    | ContactsChanged
    | LanguageChanged
    | TierChanged
    | OrganisationChanged
    | AskedToRate
)
OrganisationFact = OrganisationRegistered | OrganisationRenamed
Contacts = Annotated[tuple[EnteredContact, ...], Field(max_length=20)]


class RegisterCustomer(Command):
    name: Name
    contacts: Contacts = ()
    language: LanguageTag | None = None
    tier: Tier = "standard"
    organisation: UUID | None = None


class ChangeCustomer(Command):
    """What is left out stays as it is; null clears language or organisation."""

    name: Name | None = None
    contacts: Contacts | None = None
    language: LanguageTag | None = None
    tier: Tier | None = None
    organisation: UUID | None = None


class RegisterOrganisation(Command):
    name: Name


class RenameOrganisation(Command):
    name: Name


CustomerCommand = RegisterCustomer | ChangeCustomer
OrganisationCommand = RegisterOrganisation | RenameOrganisation


@dataclass(frozen=True, slots=True)
class Customer:
    """`asked`: when each survey last asked them something."""

    name: str | Erased = ""
    contacts: tuple[Contact, ...] = ()
    language: str | None = None
    tier: Tier = "standard"
    organisation: UUID | None = None
    asked: Mapping[UUID, datetime] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def exists(self) -> bool:
        return self.name != ""


@dataclass(frozen=True, slots=True)
class Organisation:
    name: str = ""

    @property
    def exists(self) -> bool:
        return self.name != ""


def evolve(customer: Customer, fact: CustomerFact) -> Customer:
    """Apply one fact. Total and silent."""
    match fact:
        case CustomerRegistered():
            return replace(
                customer, name=fact.name, language=fact.language, tier=fact.tier, organisation=fact.organisation
            )
        case CustomerRenamed():
            return replace(customer, name=fact.name)
        case ContactsChanged():
            return replace(customer, contacts=fact.contacts)
        case LanguageChanged():
            return replace(customer, language=fact.language)
        case TierChanged():
            return replace(customer, tier=fact.tier)
        case OrganisationChanged():
            return replace(customer, organisation=fact.organisation)
        case AskedToRate():
            return replace(customer, asked=MappingProxyType({**customer.asked, fact.survey: fact.at}))
        case _:
            assert_never(fact)


def evolve_organisation(organisation: Organisation, fact: OrganisationFact) -> Organisation:
    """Apply one fact. Total and silent."""
    match fact:
        case OrganisationRegistered() | OrganisationRenamed():
            return replace(organisation, name=fact.name)
        case _:
            assert_never(fact)


def decide(customer: Customer, command: CustomerCommand) -> tuple[CustomerFact, ...]:
    """Say what happens next, or raise RuleBroken. An organisation it names was looked up by the caller."""
    match command:
        case RegisterCustomer():
            require(not customer.exists, "customer.already_registered", "This customer exists already.")
            return (_registered(command), *_contacts(customer, command.contacts))
        case ChangeCustomer():
            return tuple(_changes(customer, command))
        case _:
            assert_never(command)


def decide_organisation(organisation: Organisation, command: OrganisationCommand) -> tuple[OrganisationFact, ...]:
    match command:
        case RegisterOrganisation():
            require(not organisation.exists, "organisation.already_registered", "This organisation exists already.")
            return (OrganisationRegistered(name=command.name),)
        case RenameOrganisation():
            return () if command.name == organisation.name else (OrganisationRenamed(name=command.name),)
        case _:
            assert_never(command)


def _registered(command: RegisterCustomer) -> CustomerRegistered:
    return CustomerRegistered(
        name=command.name, language=command.language, tier=command.tier, organisation=command.organisation
    )


def _contacts(customer: Customer, entered: tuple[EnteredContact, ...] | None) -> list[CustomerFact]:
    if entered is None:
        return []
    contacts = tuple(Contact(kind=contact.kind, value=contact.value) for contact in entered)
    return [] if contacts == customer.contacts else [ContactsChanged(contacts=contacts)]


def _changes(customer: Customer, command: ChangeCustomer) -> list[CustomerFact]:
    asked = command.model_fields_set
    facts: list[CustomerFact] = []
    if command.name is not None and command.name != customer.name:
        facts.append(CustomerRenamed(name=command.name))
    facts.extend(_contacts(customer, command.contacts))
    if "language" in asked and command.language != customer.language:
        facts.append(LanguageChanged(language=command.language))
    if command.tier is not None and command.tier != customer.tier:
        facts.append(TierChanged(tier=command.tier, was=customer.tier))
    if "organisation" in asked and command.organisation != customer.organisation:
        facts.append(OrganisationChanged(organisation=command.organisation))
    return facts
