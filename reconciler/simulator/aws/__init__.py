"""The simulated AWS: the jobs of Elemental MediaConvert, API version 2017-08-29."""
