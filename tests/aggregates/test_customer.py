"""Customers and organisations: whom do we serve, how are they reached, and which tier are they?"""

from __future__ import annotations

from aggregates.customer import (
    ChangeCustomer,
    Contact,
    ContactsChanged,
    CustomerRegistered,
    CustomerRenamed,
    EnteredContact,
    LanguageChanged,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationRenamed,
    RegisterCustomer,
    RegisterOrganisation,
    RenameOrganisation,
    TierChanged,
)
from aggregates.text import Erased
from tests.aggregates.cast import ACME
from tests.spec import given

REGISTERED = CustomerRegistered(name="Anna", language="de", tier="premium", organisation=ACME)
MAIL = ContactsChanged(contacts=(Contact(kind="email", value="anna@acme.example"),))
ENTERED = (EnteredContact(kind="email", value="  anna@acme.example "),)


def test_a_customer_registers_with_contacts() -> None:
    command = RegisterCustomer(name="Anna", contacts=ENTERED, language="de", tier="premium", organisation=ACME)
    given().when(command).then(REGISTERED, MAIL).becomes(
        name="Anna", contacts=MAIL.contacts, language="de", tier="premium", organisation=ACME, exists=True
    )


def test_a_customer_registers_once_even_after_erasure() -> None:
    again = RegisterCustomer(name="Anna")
    given(REGISTERED).when(again).refused("customer.already_registered")
    given(CustomerRegistered(name=Erased())).when(again).refused("customer.already_registered")


def test_what_is_left_out_of_a_change_stays() -> None:
    given(REGISTERED, MAIL).when(ChangeCustomer(name="Anne")).then(CustomerRenamed(name="Anne")).becomes(
        contacts=MAIL.contacts, language="de", tier="premium", organisation=ACME
    )


def test_a_change_to_what_is_so_already_writes_nothing() -> None:
    same = ChangeCustomer(name="Anna", contacts=ENTERED, language="de", tier="premium", organisation=ACME)
    given(REGISTERED, MAIL).when(same).then()


def test_null_clears_language_and_organisation_and_an_empty_list_the_contacts() -> None:
    given(REGISTERED, MAIL).when(ChangeCustomer(language=None, organisation=None, contacts=())).then(
        ContactsChanged(contacts=()), LanguageChanged(language=None), OrganisationChanged(organisation=None)
    ).becomes(contacts=(), language=None, organisation=None)


def test_a_change_of_tier_says_what_it_was() -> None:
    given(REGISTERED).when(ChangeCustomer(tier="vip")).then(TierChanged(tier="vip", was="premium")).becomes(tier="vip")


def test_an_organisation_registers_once_and_is_renamed() -> None:
    acme = OrganisationRegistered(name="Acme")
    given().when(RegisterOrganisation(name="Acme")).then(acme).becomes(name="Acme", exists=True)
    given(acme).when(RegisterOrganisation(name="Acme")).refused("organisation.already_registered")
    given(acme).when(RenameOrganisation(name="Acme & Co")).then(OrganisationRenamed(name="Acme & Co"))
    given(acme).when(RenameOrganisation(name="Acme")).then()
