"""metrics: what do relay and consumers count?"""

from __future__ import annotations

from prometheus_client import Counter, Gauge

APPLIED = Counter("chronodesk_view_events_applied_total", "Events folded into a view", ["view"])
DUPLICATES = Counter("chronodesk_view_events_duplicate_total", "Events that came again and were dropped", ["view"])
GAPS = Counter("chronodesk_view_gaps_total", "Streams whose missing events were read from the store", ["view"])
PARKED = Counter("chronodesk_view_events_parked_total", "Events set aside with their ticket", ["view"])
CATCH_UPS = Counter("chronodesk_view_catch_ups_total", "Partitions read from the store instead of Kafka", ["build"])
POSITION = Gauge("chronodesk_view_position", "Everything up to here is in the view", ["view"])
LAG = Gauge("chronodesk_view_lag", "Events that the view is behind the log", ["view"])
PARKED_STREAMS = Gauge("chronodesk_view_parked_streams", "Tickets set aside", ["view"])
FAULTS = Counter("chronodesk_restarts_total", "Times that a carrier failed and began again", ["name"])
RELAYED = Counter("chronodesk_relay_events_total", "Events published to Kafka")
RELAY_POSITION = Gauge("chronodesk_relay_position", "Everything up to here is in Kafka")
RELAY_MOVED = Gauge("chronodesk_relay_moved_timestamp_seconds", "When the relay's cursor last moved")
RELAY_ACTIVE = Gauge("chronodesk_relay_active", "1: this relay publishes; 0: it stands by")
CLOCK_ACTIVE = Gauge("chronodesk_sla_clock_active", "1: this SLA clock notes what falls due; 0: it stands by")
NOTED = Counter("chronodesk_sla_noted_total", "Facts that the SLA clock wrote")
MOVED = Counter("chronodesk_sla_moved_total", "Open tickets that moved to another policy or calendar")
ASKED = Counter("chronodesk_satisfaction_requested_total", "Customers asked how satisfied they are")
