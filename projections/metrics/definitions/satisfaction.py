"""satisfaction: what do customers say of how it went?"""

from __future__ import annotations

from aggregates.ticket.events import SatisfactionRated, SatisfactionRequested
from projections.metrics.definitions.families import count, share
from projections.metrics.measure import Metric, Part, Quotient, Rows

RATED = Rows("rated")
REQUESTED = Rows("rating_requested")
ANSWERED = Rows(
    "rating_requested",
    "EXISTS (SELECT FROM read.figures r WHERE r.stream = f.stream AND r.kind = 'rated'"
    " AND r.from_version = f.version AND r.since <= %(position)s AND (r.until IS NULL OR r.until > %(position)s))",
)
READS = (SatisfactionRated,)
NEWEST = "Of a rating that was changed, only what it was changed to counts, from that position of the log on."
GRADE = "good, neutral or bad"

METRICS: tuple[Metric, ...] = (
    count("rating_requests", "Ratings asked for", REQUESTED,
          "Times that a requester was asked in the period how it went, after a resolution or as a survey.",
          (SatisfactionRequested,), detail="resolved or survey"),
    count("ratings", "Ratings", RATED, f"Ratings given in the period. {NEWEST}", READS, detail=GRADE),
    Metric(
        "satisfaction_score", "Satisfaction, average score", "score",
        f"Average of the scores, from 1 to 5, that were given in the period; null if none was. {NEWEST}",
        "events", Quotient(Part("sum", RATED, "amount"), Part("count", RATED)), READS,
    ),
    share("satisfaction", "Satisfied", RATED, Rows("rated", "detail = 'good'"),
          f"Of the ratings given in the period, those of 4 or 5; null if none was given. {NEWEST}", READS),
    share("response_rate", "Response rate", REQUESTED, ANSWERED,
          "Of the requests for a rating made in the period, those that have been answered, whenever that was, as far "
          "as it is known at the answer's position; null if none was made.",
          (SatisfactionRequested, SatisfactionRated), detail="resolved or survey"),
    count("good_to_bad", "Ratings turned from good to bad", Rows("rating_changed", "detail = 'good_to_bad'"),
          "Ratings that were changed in the period from 4 or 5 to 1 or 2.", READS),
    count("bad_to_good", "Ratings turned from bad to good", Rows("rating_changed", "detail = 'bad_to_good'"),
          "Ratings that were changed in the period from 1 or 2 to 4 or 5.", READS),
)  # fmt: skip
