"""Forms that CI systems read: annotations, test results, counts, code scanning."""
