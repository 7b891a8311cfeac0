"""The API's sales."""
