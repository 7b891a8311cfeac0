"""For development only: the clock that is moved by hand. Writes `business_clock`. Never: answers in production."""
