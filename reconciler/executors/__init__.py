"""Beyond one process: accounts parted among workers or jobs, and what they bring joined again."""
