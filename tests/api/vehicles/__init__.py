"""The API's vehicles."""
