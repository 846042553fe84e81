"""Telling people and their machines of runs: what is new, and what is over, by signed webhooks and Apprise.

`notify` does all of it; `judging` says what there is to tell, `message` and `wording` how, the rest sends it.
"""
