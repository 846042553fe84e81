"""From a request to a checked answer: the wire, pacing, retries and the reading of answers."""
