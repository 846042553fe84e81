"""Planning: policies, observed tasks and a clock to a `Plan`. Pure: no I/O, no clock of its own."""
