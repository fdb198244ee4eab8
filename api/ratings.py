"""HTTP for ratings: a customer's answer by a signed link, without a key; what was asked and answered on a ticket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from aggregates.customer import Customer
from aggregates.envelope import Recorded, recorded
from aggregates.errors import Refusal
from aggregates.fact import Command
from aggregates.kinds import kind_of
from aggregates.surveys.surveys import SURVEY_LIST, SurveyList
from aggregates.surveys.terms import ENGLISH
from aggregates.text import shown
from aggregates.ticket.events import SatisfactionRated, SatisfactionRequested
from aggregates.ticket.rating import Rate, Remark, Score, question
from aggregates.ticket.state import Ticket
from api import problems
from api.answers import human
from api.asking import POSITION, AskAnew, Asking, TicketId
from api.callers import Caller, CustomerCaller, ReaderCaller, ServiceCaller
from api.rating_links import Link, no_rating
from api.services import Services, Shared, no_ticket
from api.strict import OpenRoute, named_as_its_function, router
from api.surveys_shown import AnswerShown, OwnRating, QuestionShown, RatingLink, RatingsShown, RequestShown

# Whoever has the address may answer: it must stay in no cache, index or header of another site.
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
Token = Annotated[str, Path(description="that the customer was sent", max_length=400)]


class GiveRating(Command):
    """How satisfied you are, from 1 to 5. It takes the place of what you said before."""

    score: Score
    comment: Remark | None = None


class PrivateRoute(OpenRoute):
    """No key is asked for, and refusals are kept as private as answers."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def privately(request: Request) -> Response:
            try:
                answer = await handle(request)
            except Refusal as refusal:
                answer = problems.answer(problems.of_refusal(refusal), problems.headers_of(refusal))
            answer.headers.update(PRIVATE)
            return answer

        return privately


ratings = APIRouter(
    prefix="/v1/ratings",
    tags=["satisfaction"],
    route_class=PrivateRoute,
    generate_unique_id_function=named_as_its_function,
)
ticket_ratings = router("/tickets", "satisfaction")
my_ratings = router("/my/tickets", "my tickets")


@ratings.get("/{token}")
async def get_question(token: Token, services: Shared) -> QuestionShown:
    """What you are asked, by the link that you were sent."""
    now = datetime.now(UTC)
    link = services.rating_links.open(token, now)
    ticket = await _ticket(link.ticket, services)
    question(ticket, link.request, now)
    return await _question(ticket, services)


@ratings.put("/{token}")
async def answer_question(token: Token, body: GiveRating, ask: AskAnew, response: Response) -> QuestionShown:
    """Say how satisfied you are, or say it anew, for as long as the link holds."""
    link = ask.services.rating_links.open(token, datetime.now(UTC))
    return await _rated(link, body, ask, response)


@my_ratings.get("/{ticket}/rating")
async def get_own_rating(who: CustomerCaller, ticket: TicketId, services: Shared) -> QuestionShown:
    """What you were last asked about one of your tickets, and what you answered if you did."""
    await services.require_own(ticket, who.id)
    return await _question(await _ticket(ticket, services), services)


@my_ratings.put("/{ticket}/rating")
async def rate_own_ticket(
    who: CustomerCaller, ticket: TicketId, body: GiveRating, ask: AskAnew, response: Response
) -> QuestionShown:
    """Say how satisfied you are with one of your tickets, once you were asked."""
    await ask.services.require_own(ticket, who.id)
    asked = (await _ticket(ticket, ask.services)).asked
    if asked is None:
        raise no_rating()
    return await _rated(Link(ticket, asked.request), body, ask, response)


@ticket_ratings.get("/{ticket}/ratings")
async def list_ratings(who: ReaderCaller, ticket: TicketId, services: Shared) -> RatingsShown:
    """When the customer was asked how satisfied they are, about whose work, and what they answered; never behind."""
    events = [recorded(stored) for stored in await services.store.stream(ticket)]
    if not events or kind_of(events[0].fact.type_name) != "ticket":
        raise no_ticket()
    return RatingsShown(requests=list(_requests(events)))


@ticket_ratings.get("/{ticket}/rating-link")
async def get_rating_link(who: ServiceCaller, ticket: TicketId, services: Shared, response: Response) -> RatingLink:
    """For what delivers messages: the link by which the customer may answer what they were last asked."""
    response.headers.update(PRIVATE)
    state, now = await _ticket(ticket, services), datetime.now(UTC)
    if state.asked is None:
        raise no_rating()
    asked = question(state, state.asked.request, now)
    token = services.rating_links.sign(ticket, asked.request, asked.expires_at)
    return RatingLink(request=asked.request, token=token, path=f"/v1/ratings/{token}", expires_at=asked.expires_at)


async def _rated(link: Link, body: GiveRating, ask: Asking, response: Response) -> QuestionShown:
    requester = (await _ticket(link.ticket, ask.services)).requester
    if requester is None:
        raise no_rating()
    command = Rate(request=link.request, **dict(body))
    context = ask.context(Caller("customer", requester), command, f"rating {link.ticket}")
    accepted = await ask.services.tickets.rate(link.ticket, command, context)
    response.headers[POSITION] = ask.services.seal.close(accepted.position)
    return await _question(await _ticket(link.ticket, ask.services), ask.services)


async def _ticket(id: UUID, services: Services) -> Ticket:
    state = (await services.handler.memory.recall([id], fresh=True))[id].state
    if not isinstance(state, Ticket):
        raise no_rating()
    return state


async def _question(ticket: Ticket, services: Services) -> QuestionShown:
    """In the customer's language. Raises NotFound if nothing was asked."""
    asked, rated = ticket.asked, ticket.rated
    if asked is None or ticket.requester is None:
        raise no_rating()
    seen = await services.handler.memory.recall([SURVEY_LIST, ticket.requester], fresh=True)
    listed, customer = seen[SURVEY_LIST].state or SurveyList(), seen[ticket.requester].state
    terms = listed.terms(asked.survey, asked.survey_version)
    language = customer.language if isinstance(customer, Customer) else None
    wording = ENGLISH if terms is None else terms.worded(language)
    return QuestionShown(
        number=human(ticket.number),
        subject=shown(ticket.subject),
        question=wording.question,
        scale=list(wording.scale),
        expires_at=asked.expires_at,
        rating=None if rated is None else OwnRating(score=rated.score, comment=shown(rated.comment)),
    )


def _requests(events: Sequence[Recorded]) -> Iterator[RequestShown]:
    for event in events:
        fact = event.fact
        if isinstance(fact, SatisfactionRequested):
            answers = [answer for other in events if (answer := _answer(other, fact.request)) is not None]
            yield RequestShown(**dict(fact), requested_at=event.recorded_at, answers=answers)


def _answer(event: Recorded, request: UUID) -> AnswerShown | None:
    fact = event.fact
    if not isinstance(fact, SatisfactionRated) or fact.request != request:
        return None
    return AnswerShown(score=fact.score, was=fact.was, comment=shown(fact.comment), at=event.recorded_at)
