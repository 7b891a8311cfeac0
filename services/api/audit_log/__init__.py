"""The audit log, to be read. Owns nothing; `services.api.audit` writes."""
