"""The simulated Alibaba Cloud: the URL upload jobs of ApsaraVideo VOD and the transcoding jobs of Media
Processing."""
