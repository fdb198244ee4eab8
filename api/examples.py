"""examples: what does a typical request look like? By the name of its model; a test sends each of them through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADA, FIRST_LINE, CLEO = (
    "3f1c5a9e-7d0b-4c55-9a51-0f6f6e2f1a01",
    "9b2f0c34-52f1-4f8e-8f5a-6a7f7c3b2d02",
    "c7d0e7a8-0b6a-4e6f-b0c9-1d2e3f4a5b03",
)
NINE_TO_SIX = {"opens": "09:00", "closes": "18:00"}
HOURS = {
    "zone": "Europe/Stockholm",
    **{day: [NINE_TO_SIX] for day in ("monday", "tuesday", "wednesday", "thursday")},
    "friday": [{"opens": "09:00", "closes": "12:00"}, {"opens": "13:00", "closes": "16:00"}],
    "yearly_holidays": [{"month": 12, "day": 25}],
    "exceptions": [{"day": "2026-12-24", "spans": [{"opens": "09:00", "closes": "12:00"}]}],
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "OpenTicket": {
        "requester": CLEO,
        "subject": "Printer on fire",
        "message": "It burns since this morning.",
        "channel": "email",
        "team": FIRST_LINE,
        "priority": "high",
        "tags": ["printer"],
        "fields": {"room": "4.12"},
    },
    "ReceiveMessage": {"body": "It still burns.", "channel": "email"},
    "AddReply": {"body": "Help is on its way."},
    "AddNote": {"body": "Third fire this month: ask facilities."},
    "Route": {"team": FIRST_LINE, "reason": "hardware"},
    "Assign": {"agent": ADA},
    "Unassign": {"reason": "end of shift"},
    "Escalate": {"level": 2, "reason": "needs a technician"},
    "DeEscalate": {"level": 1, "reason": "solved on site"},
    "ChangePriority": {"priority": "urgent"},
    "ChangeCategory": {"category": "hardware"},
    "ChangeType": {"ticket_type": "incident"},
    "ChangeFields": {"fields": {"room": "4.13", "asset": None}},
    "AddTags": {"tags": ["fire", "printer"]},
    "RemoveTags": {"tags": ["fire"]},
    "WaitForRequester": {"reason": "which printer?"},
    "Hold": {"reason": "waiting for the vendor"},
    "Reopen": {"reason": "it burns again"},
    "Resolve": {"code": "replaced"},
    "Link": {"other": ADA, "relation": "caused_by"},
    "Unlink": {"other": ADA, "relation": "caused_by"},
    "LogTime": {"seconds": 900, "note": "on site"},
    "Watch": {"watcher": ADA},
    "GiveRating": {"score": 5, "comment": "Quick and friendly."},
    "PublishSurvey": {
        "terms": {
            "name": "After each resolution",
            "all": [{"attribute": "channel", "operator": "is_not", "values": ["phone"]}],
            "delay": 3600,
            "expires_days": 14,
            "rest_days": 7,
            "wording": {
                "question": "How satisfied are you with our help?",
                "scale": ["Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"],
            },
            "translations": {
                "sv": {
                    "question": "Hur nöjd är du med vår hjälp?",
                    "scale": ["Mycket missnöjd", "Missnöjd", "Varken eller", "Nöjd", "Mycket nöjd"],
                }
            },
        }
    },
    "OrderSurveys": {"order": [ADA, FIRST_LINE]},
    "OpenOwnTicket": {"subject": "Printer on fire", "message": "It burns since this morning."},
    "WriteMessage": {"body": "It still burns."},
    "CreateTeam": {"name": "1st line", "leader": ADA, "members": [ADA]},
    "ChangeTeam": {"add_members": [ADA]},
    "RegisterAgent": {"name": "Ada", "skills": {"printers": 3}, "capacity": 10, "online": True},
    "ChangeAgent": {"skills": {"printers": 4}, "online": False},
    "RegisterCustomer": {"name": "Cleo", "contacts": [{"kind": "email", "value": "cleo@example.org"}], "tier": "vip"},
    "ChangeCustomer": {"language": "de"},
    "RegisterOrganisation": {"name": "Example & Co."},
    "CreateCalendar": {"name": "Office", "hours": HOURS},
    "RenameCalendar": {"name": "Head office"},
    "PublishPolicy": {
        "terms": {
            "name": "VIPs on the phone",
            "all": [{"attribute": "tier", "values": ["vip"]}, {"attribute": "channel", "values": ["phone", "chat"]}],
            "any": [{"attribute": "field", "name": "floor", "operator": "is_not", "values": [4, None]}],
            "targets": {"first_reply": {"seconds": {"high": 300, "urgent": 120}, "time": "calendar"}},
            "warnings": [{"percent": 80}, {"left": 60}],
            "reactions": [
                {"on": "warning", "actions": [{"action": "notify", "assignee": True, "agents": [ADA]}]},
                {"on": "breach", "metrics": ["first_reply"], "actions": [{"action": "escalate"}]},
            ],
        },
        "effective_from": "2026-01-01T00:00:00Z",
        "reach": "open",
    },
    "AskWhatIf": {
        "extends": "current",
        "policies": [
            {
                "calendar": "Long days",
                "terms": {"name": "Standard", "targets": {"resolution": {"seconds": {"high": 7200, "urgent": 3600}}}},
            }
        ],
        "calendars": {"Long days": HOURS},
        "priority": [{"priority": "high", "all": [{"attribute": "channel", "values": ["phone"]}]}],
        "from": "2026-01-01T00:00:00Z",
        "keep": 50,
    },
    "AskReport": {
        "metrics": ["arrivals", "first_reply_p90"],
        "from": "2026-03-01",
        "to": "2026-04-01",
        "tz": "Europe/Stockholm",
        "group_by": ["team"],
        "filters": {"priority": ["high", "urgent"]},
        "order": "arrivals",
        "limit": 10,
    },
    "DeclareField": {"name": "floor", "type": "number", "label": "Floor"},
    "PublishDefaults": {"calendar": FIRST_LINE, "reach": "new"},
    "PublishRates": {
        "rates": {
            "currency": "EUR",
            "levels": {"1": 6_000, "2": 9_000, "3": 15_000},
            "teams": {FIRST_LINE: {"1": 4_500}},
            "visible_to_customers": "time_and_cost",
        },
        "effective_from": "2026-01-01T00:00:00Z",
    },
    "PublishGoal": {
        "terms": {
            "name": "Inquiries within a day",
            "team": FIRST_LINE,
            "metric": "resolution",
            "target": {"kind": "share", "percent": 95, "within": 86_400},
            "conditions": {"ticket_types": ["question"], "channels": ["email", "web_form"]},
            "period": "week",
            "zone": "Europe/Stockholm",
        },
        "effective_from": "2026-01-01T00:00:00+01:00",
    },
    "OrderPolicies": {"order": [FIRST_LINE, ADA], "reach": "new"},
    "DryRun": {"priority": "high", "channel": "phone", "tags": ["fire"], "fields": {"floor": 4}, "requester": CLEO},
    "PublishHours": {"hours": HOURS, "effective_from": "2026-09-01T00:00:00+02:00"},
    "Bulk": {
        "commands": [
            {"ticket": "T-1042", "command": {"type": "assign", "agent": ADA}},
            {"ticket": "T-1043", "command": {"type": "add_tags", "tags": ["fire"]}},
        ]
    },
}
