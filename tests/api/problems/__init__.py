"""Problems over HTTP."""
