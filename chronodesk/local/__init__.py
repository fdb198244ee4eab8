"""local: how one machine gets a real Postgres and a real Kafka without Docker."""
