"""Clients of upstream services: one module per service, on one HTTP layer; independent of models and widgets."""
