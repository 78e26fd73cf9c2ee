"""Puts a server together from settings, on one machine or on a Ray cluster."""
