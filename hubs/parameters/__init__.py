"""Typed declarations of settings, for the fields of hubs and the parameters of widgets."""
