"""The API's customers."""
