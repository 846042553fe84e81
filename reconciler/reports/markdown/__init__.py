"""Plans and reports as the comment of a pull or merge request."""
