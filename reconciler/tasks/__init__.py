"""The domain: what a media-processing task is, which kinds there are and how each can end.

Imports nothing of the project, so that every other layer may depend on it.
"""
