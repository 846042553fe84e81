"""The simulated Alibaba Cloud: the URL upload jobs of ApsaraVideo VOD, API version 2017-03-21."""
