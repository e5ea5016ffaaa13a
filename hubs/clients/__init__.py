"""Reads of other people's services: one file per service, on one polite HTTP layer; knows no models and no widgets."""
